import { expect, test } from "vitest";
import type * as z from "zod/mini";
import { readOnlyFields, requestBody } from "../../src/http/body-schemas.ts";
import { emailField, IdPath, idSchema, personName, textField } from "../../src/http/fields.ts";
import { fieldsRefusedBy } from "../support/field-rules.ts";
import { emailOfLength, hostileNames, unseenNames } from "../support/text.ts";

/** The values that a field accepts, as JSON: a test cannot report a lone surrogate. */
const acceptedBy = (field: z.ZodMiniType, sent: unknown[]) =>
  sent.filter((value) => field.safeParse(value).success).map((value) => JSON.stringify(value));
const messageOf = (field: z.ZodMiniType, value: unknown) =>
  field.safeParse(value).error?.issues.map(({ message }) => message);
const noText = [undefined, null, 7, true, ["ada@example.org"], { en: "Ada" }];

test.each([
  ["X", "X"],
  ["🩺".repeat(64), "🩺".repeat(64)],
  [` ${"x".repeat(64)} `, "x".repeat(64)],
  [" \t\n Ada\u00a0King \r\n ", "Ada\u00a0King"],
  ["\u00a0\u2003\u3000Ada\ufeff\u2028", "Ada"],
  ["\u0085Ada\u200b", "\u0085Ada\u200b"],
  ...[...hostileNames, ...unseenNames].map((value) => [value, value]),
])("a text of up to 64 characters may be %j and is stored as %j", (sent, stored) => {
  expect(textField(64).parse(sent)).toBe(stored);
});

test("a text that is blank, not well-formed, with NUL or too long is refused with that reason", () => {
  const blank = ["", " \t\r\n\v\f", "\u00a0\u1680\u2003\u2029\u202f\u205f\u3000\ufeff", "\u0085", "\u0001"];
  const broken = ["A\0da", "Ada\0", "Ada\ud83e", "\ude7aAda"];
  const long = ["x".repeat(65), "🩺".repeat(65)];
  const others = ["\u180e\u200b\u2060\u202e", ...broken, ...long, ...noText];
  expect(acceptedBy(textField(64), [...blank, ...others])).toEqual([]);
  for (const value of blank) expect(messageOf(textField(64), value)).toEqual(["Required"]);
  expect(messageOf(textField(64), broken[0])).toEqual(["Must be well-formed Unicode without NUL"]);
  expect(messageOf(textField(64), long[0])).toEqual(["Too long: expected at most 64 characters"]);
});

test("a name with zero-width or bidirectional control characters is refused with that reason", () => {
  expect(acceptedBy(personName, [...unseenNames, "Ada\u200b", "\u200bAda", "👩\u200d👩"])).toEqual([]);
  const sentence = "Must have no zero-width or bidirectional control characters";
  expect(messageOf(personName, "Ada\u202e")).toEqual([sentence]);
  expect(messageOf(personName, "\u200b")).toEqual(["Required"]);
  expect(personName.parse("\ufeff Ada \ufeff")).toBe("Ada");
  expect(acceptedBy(personName, [...hostileNames])).toHaveLength(hostileNames.length);
});

test("a name may have single joiners in scripts that are written with them", () => {
  const valid = ["علی\u200cرضا", "രാജന്\u200d", "ශ්\u200dරී", "ی\u200c"];
  const invalid = ["\u200cعلی", "علی\u200c\u200cرضا", "علی \u200cرضا", "Ali\u200creza", "علی\u200bرضا"];
  expect(acceptedBy(personName, [...valid, ...invalid])).toEqual(valid.map((value) => JSON.stringify(value)));
});

test("an email has a name, a host with a dot and up to 128 characters, and is trimmed", () => {
  const valid = [
    emailOfLength(128),
    "ada+tag@mail.example.org",
    "Ada.Lovelace@Example.ORG",
    "\u00a0 a@b.org\n",
  ];
  expect(valid.map((value) => emailField(128).parse(value))).toEqual([...valid.slice(0, 3), "a@b.org"]);
  const parts = ["ada.example.org", "@example.org", "ada@", "ada@example", "ada@eve@example.org"];
  const odd = ["ada lovelace@example.org", "ada@example.org, eve@example.org"];
  const broken = [
    "ada\u200b@example.org",
    "ada@exam\u00adple.org",
    "ada@example.org\u202e",
    "ada\0@example.org",
    "ada\ud800@example.org",
    "ada@example.org\u0085",
    " \u3000 ",
    "",
  ];
  expect(acceptedBy(emailField(128), [...parts, ...odd, ...broken, emailOfLength(129), ...noText])).toEqual(
    [],
  );
  expect(messageOf(emailField(128), " ")).toEqual(["Required"]);
});

test("an id is an integer from 1 to 2147483647, in a body and in a path", () => {
  const inBody = [0, -1, 1.5, 2 ** 31, 1e300, Infinity, "1", "", null, true, [1], { id: 1 }, undefined];
  expect(acceptedBy(idSchema, [1, 2_147_483_647, ...inBody])).toEqual(["1", "2147483647"]);
  expect(IdPath.parse({ id: "2147483647" })).toEqual({ id: 2_147_483_647 });
  const numbers = ["", "0", "-1", "+1", "1.0", "1e3", "0x1", "01", "2147483648", "99999999999999999999"];
  const others = ["abc", "NaN", "null", "\0", "1\0", " 1", "1 ", "1\n", "/", "\u0661", "1,2", "1;2", "1'--"];
  expect(acceptedBy(IdPath.shape.id, ["1", ...numbers, ...others])).toEqual(['"1"']);
});

test("a body with unknown fields is refused by their names; read-only fields are ignored", () => {
  const schema = requestBody({ name: textField(64) }, readOnlyFields);
  const readOnly = { id: "x", created_by: {}, created_at: [], updated_at: "\0", version: null };
  expect(schema.parse({ ...readOnly, name: " Ada " })).toEqual({ name: "Ada" });
  const unknown = ["nickname", "Name", "constructor", "prototype", "toString", "__proto__", ""];
  for (const field of unknown) {
    const sent = JSON.parse(`{"name": "Ada", ${JSON.stringify(field)}: {"name": "Eve"}}`);
    expect(fieldsRefusedBy(schema, sent)).toEqual([field]);
  }
  const inherited = JSON.parse('{"__proto__": {"name": "Ada"}}');
  expect(fieldsRefusedBy(schema, inherited)).toEqual(["name", "__proto__"]);
  for (const sent of [[], [{ name: "Ada" }], "Ada", 7, null, true])
    expect(fieldsRefusedBy(schema, sent)).toEqual(["body"]);
});
