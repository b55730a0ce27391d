import { expect, inject, test } from "vitest";
import { app } from "../../src/app.ts";
import { validationSchemas } from "../../src/http/validation.ts";
import * as z from "../../src/zod.ts";
import { type JsonSchema, operationOfRoute, parseParameter, schemaErrors } from "../support/openapi.ts";
import { hostileNames } from "../support/text.ts";

// The OpenAPI document and the routes must accept the same values: for each field of each body and for each
// parameter, with values that one of them might judge differently. The document is wider in three rules, which its
// descriptions have: a password has at most 256 bytes, a name has a character that is no control character, and a patient
// has a birth date or an age. It is
// narrower for the read-only fields: the API ignores them, whatever they are, and the document has the types of answers.

const document = inject("openApiDocument");

const texts = [
  ...["", " ", "\t\n", "\u00a0", "\u0085", "\u0001", "\u200b", "\ufeff", "\0", "a\0", "a", " a ", "aa", "é"],
  ...[7, 8, 64, 65, 100, 101, 128, 150, 151, 256, 257, 1024, 1025].map((length) => "a".repeat(length)),
  ...["      aa", " aaaaaaa", "\u0001".repeat(8), "🩺".repeat(64), "🩺".repeat(65), "A_b+c-d.e@f", "a b"],
  ...["a@b.org", "a@b", "@b.org", "a@b.c", "a.@b.org", ".a@b.org", "a..b@c.org", "a@-b.org", "ä@b.org"],
  ...[
    "müller@b.org",
    "a@müller.de",
    "user&co@b.org",
    "!#$%*{}~@b.org",
    "a@b.xn--p1ai",
    "a@b.xn--",
    "a@b-.org",
  ],
  ...[
    `${"a".repeat(64)}@b.org`,
    `${"a".repeat(65)}@b.org`,
    `a@${"b".repeat(64)}.org`,
    "\u3000a@b.org\n",
    "a@b.c1",
  ],
  ...[
    "a\u200bb@c.org",
    "a\u3000b@c.org",
    "a＠b.org",
    "o’b@c.org",
    "a.-b.@c.org",
    "a-.-b@c.org",
    "😀@b.org",
    "a@b_c.org",
  ],
  ...["M", "m", "F", "NEUR", "true", "0", "1", "01", "-1", "+1", "1.0", "1e3", "200", "201"],
  ...["2147483647", "2147483648", ...hostileNames],
  ...[
    "A\u200bB",
    "A\u200cB",
    "A\u00ad",
    "\ufeffA\ufeff",
    "ی\u200c",
    "ی\u200c\u200c",
    "\u200dی",
    "ن്\u200d\u202e",
  ],
];
const numbers = [0, -0, 1, -1, 0.5, 120, 121, 1000, 1001, 2_147_483_647, 2_147_483_648, 1e300];
const values = [...texts, ...numbers, null, true, false, [], ["a"], {}, { a: 1 }];

/** Lists the routes that validate one part of a request (`json`, `query`, `param`, `header`), with the schema. */
function routesValidating(part: string): [string, z.ZodMiniType][] {
  return app.routes.flatMap(({ method, path, handler }): [string, z.ZodMiniType][] => {
    const found = validationSchemas.get(handler);
    return found?.part === part ? [[`${method} ${path}`, found.schema]] : [];
  });
}

const operationOf = (route: string) => operationOfRoute(document, route);

const isLongInBytes = (text: unknown) =>
  typeof text === "string" && [...text].length <= 256 && new TextEncoder().encode(text).length > 256;

const hasControlCharactersAlone = (text: unknown) =>
  typeof text === "string" && /\p{Cc}/u.test(text) && /^[\s\p{Cc}]*$/u.test(text);

/** A new patient has one of them. Both are in the document, and may be null. */
const lacksBirth = (route: string, body: Record<string, unknown> | null) =>
  / \/api\/patients(\/:id)?$/.test(route) &&
  (body?.["age"] ?? body?.["birth_date"] ?? null) === null &&
  (route.startsWith("POST") || body?.["age"] === null);

/** The document cannot list all time zones. */
function isNoTimeZone(value: unknown): boolean {
  if (typeof value !== "string") return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: value.trim() });
    return false;
  } catch {
    return true;
  }
}

const isAccepted = (schema: z.ZodMiniType, value: unknown): boolean => schema.safeParse(value).success;
const isValid = (schema: JsonSchema, value: unknown): boolean =>
  schemaErrors(document, schema, value).length === 0;

test.each(routesValidating("json"))(
  "%s accepts exactly the bodies that are valid by the document",
  (route, schema) => {
    const media = operationOf(route)?.requestBody?.content["application/json"];
    const described = document.components.schemas[String(media?.schema["$ref"]).split("/").pop() ?? ""];
    const readOnly = (z.globalRegistry.get(schema) as { ignored?: string[] } | undefined)?.ignored ?? [];
    const fields = [...Object.keys(Object(described?.["properties"])), "unknown", "Id", "constructor"];
    const example = media?.example as Record<string, unknown>;
    const bodies = [...values, {}, ...fields.map((field) => ({ ...example, [field]: undefined }))].concat(
      fields.flatMap((field) => values.map((value) => ({ ...example, [field]: value }))),
    );
    const sent = bodies.map((body) => JSON.parse(JSON.stringify(body)));
    const isWider = (body: Record<string, unknown> | null) =>
      [body?.["password"], body?.["new"]].some(isLongInBytes) ||
      [body?.["firstname"], body?.["lastname"]].some(hasControlCharactersAlone) ||
      isNoTimeZone(body?.["time_zone"]) ||
      lacksBirth(route, body);
    const isNarrower = (body: object | null) => readOnly.some((field) => Object.hasOwn(Object(body), field));
    const comparable = sent.filter((body) => !isWider(body) && !isNarrower(body));
    const disputed = comparable.filter(
      (body) => isAccepted(schema, body) !== isValid(media?.schema ?? {}, body),
    );
    expect(disputed).toEqual([]);
  },
);

const places = { query: "query", param: "path", header: "header" };

test.each(
  Object.entries(places).flatMap(([part, place]) =>
    routesValidating(part).map((one) => [place, ...one] as const),
  ),
)("in the %s, %s accepts exactly the parameters that are valid by the document", (place, route, schema) => {
  // A cursor is opaque to clients, so the document does not describe it.
  const all = operationOf(route)?.parameters?.filter((one) => one.in === place) ?? [];
  const parameters = all.filter(({ name }) => name !== "cursor");
  expect(all).not.toEqual([]);
  const required = Object.fromEntries(
    parameters.filter((one) => one.required).map(({ name, example }) => [name, String(example)]),
  );
  for (const { name, schema: described } of parameters) {
    // In the path, the document may have another name than the app.
    const field = place === "path" && name !== "account" ? "id" : name;
    const others = place === "path" ? { id: "1", account: "1" } : required;
    const isInteger = described["type"] === "integer";
    // The document has one spelling of a number; the API also accepts others, such as 01 and 1e3.
    const sent = texts.filter((text) => !isInteger || !/^[+-]?0\d|^\d+[.e]/.test(text));
    const disputed = sent.filter(
      (text) =>
        isAccepted(schema, { ...others, [field]: text }) !==
        isValid(described, parseParameter(described, text)),
    );
    expect([name, disputed]).toEqual([name, []]);
  }
});
