import { inject } from "vitest";
import { fieldsOf } from "../fuzz/arbitraries.ts";
import { bodyOf, freeFieldsOf } from "../fuzz/operations.ts";
import { routeRequests } from "../requests.ts";
import { type ApiResponse, callsOf, connectApi, type Options } from "../support/api.ts";
import { type JsonSchema, schemaErrors } from "../support/openapi.ts";
import { type RouteRequest, routeMethod, routePath } from "../support/route-requests.ts";
import { newMark } from "./marks.ts";

const document = inject("openApiDocument");

/** The values that must not leak, and everything in which they could. */
export class Evidence {
  /** Values that were sent, or that the API created for one client only. */
  readonly marks = new Set<string>();
  /** Errors, and the headers of all responses. They must contain no marks. */
  readonly publicTexts: string[] = [];
  /** Successful bodies. They may contain marks. */
  readonly readByOwner: string[] = [];
  readonly statuses = new Set<number>();

  mark(): string {
    const mark = newMark();
    this.marks.add(mark);
    return mark;
  }

  phone(): string {
    const phone = `+44${String(Math.random()).slice(2, 12).padEnd(10, "0")}`;
    this.marks.add(phone);
    return phone;
  }

  /** Adds a token or another secret. The header of a token is no secret. */
  secret(text: string): void {
    const isToken = /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text);
    for (const part of isToken ? text.split(".").slice(1) : [text])
      if (part.length >= 8) this.marks.add(part);
  }
}

/** No mark is a time zone, and a time zone is no personal data. */
const withoutTimeZone = ([name]: [string, JsonSchema]) => name !== "time_zone";

const isFreeText = ({ type, anyOf = [], enum: one, format }: JsonSchema): boolean =>
  (anyOf as JsonSchema[]).some(isFreeText) ||
  (type === "string" && !one && !["date-time", "regex"].includes(String(format)));

const isEmail = ({ format, anyOf = [] }: JsonSchema): boolean =>
  format === "idn-email" || (anyOf as JsonSchema[]).some(isEmail);

/** The name of an identifier system is no personal data, and has a pattern that no mark matches. */
const canBeMarked = (field: JsonSchema): boolean =>
  isEmail(field) || schemaErrors(document, field, newMark()).length === 0;

/** The marks of fields that are no text, by name. */
const structures: Record<string, (evidence: Evidence) => unknown> = {
  phones: (evidence) => [evidence.phone()],
  address: (evidence) => ({ lines: [evidence.mark()], city: evidence.mark() }),
};

/** Finds the route of a request; a literal path wins over a pattern. */
function routeOf(method: string, path: string): RouteRequest | undefined {
  const [plain = ""] = path.split("?");
  const fits = (request: RouteRequest) =>
    routeMethod(request) === method &&
    new RegExp(`^${routePath(request, { id: "[^/]+", account: "[^/]+" })}?$`).test(plain);
  const found = routeRequests.filter(fits);
  return found.find(({ route }) => !route.includes(":")) ?? found[0];
}

/**
 * The API, with a mark in every field that can have any text, such as a name, an email or a reason. A username stays,
 * because tests look it up again, and is unique anyway.
 */
export function watchedApi(evidence: Evidence) {
  const api = connectApi();

  function insertMarks(request: RouteRequest, body: Record<string, unknown>): Record<string, unknown> {
    const free = Object.entries(freeFieldsOf(request))
      .filter(withoutTimeZone)
      .filter(([name, field]) => isFreeText(field) && canBeMarked(field) && name !== "username");
    const changes = free
      .filter(([name]) => typeof body[name] === "string" && String(body[name]).trim() !== "")
      .map(([name, field]) => [name, isEmail(field) ? `${evidence.mark()}@example.org` : evidence.mark()]);
    const structured = Object.keys(freeFieldsOf(request))
      .filter((name) => name in structures)
      .map((name) => [name, structures[name]?.(evidence)]);
    return { ...body, ...Object.fromEntries([...changes, ...structured]) };
  }

  function note({ status, headers, body }: ApiResponse): void {
    evidence.statuses.add(status);
    evidence.publicTexts.push([...headers].map((pair) => pair.join(": ")).join("\n"));
    (status < 400 ? evidence.readByOwner : evidence.publicTexts).push(JSON.stringify(body));
  }

  async function request(
    method: string,
    path: string,
    body?: unknown,
    options: Options = {},
  ): Promise<ApiResponse> {
    const route = routeOf(method, path);
    const isMarked = route && body !== undefined && !options.raw;
    const sent = isMarked ? insertMarks(route, body as Record<string, unknown>) : body;
    if (isMarked)
      for (const [name, field] of Object.entries(fieldsOf(bodyOf(route) ?? {})).filter(withoutTimeZone))
        if (isFreeText(field) && (canBeMarked(field) || name === "username"))
          evidence.secret(String(Object(sent)[name] ?? ""));
    if (options.token) evidence.secret(options.token);
    const answer = await api.request(method, path, sent, options);
    note(answer);
    for (const name of ["access", "refresh", "code"])
      if (answer.status < 400) evidence.secret(String(Object(answer.body)[name] ?? ""));
    return answer;
  }

  return { ...api, ...callsOf(request) };
}
