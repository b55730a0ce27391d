import type { HeaderName, JsonSchema } from "../src/http/openapi.ts";

/** The headers of every response of the Worker. */
const commonHeaders = ["X-Request-Id", "Server-Timing"] as const;

/** The headers of every response of a deprecated operation. */
export const deprecationHeaders = ["Deprecation", "SuccessorLink"] as const;

/** The headers that problems.ts adds to errors. */
export type ProblemHeaderName = "Accept-Encoding" | "MergedLink" | "Retry-After" | "WWW-Authenticate";

const text = (pattern: string) => ({ type: "string", pattern });

/** The response headers by name. `required`: every response that names the header has it. */
export const headers: Record<
  HeaderName | ProblemHeaderName | (typeof commonHeaders | typeof deprecationHeaders)[number],
  { description: string; required: boolean; schema: JsonSchema; example: string | number }
> = {
  "X-Request-Id": {
    description:
      "The id of this request. It is also in the log, and as `request_id` in the body of an error.",
    required: true,
    schema: { type: "string", format: "uuid" },
    example: "6f1c2f0e-5d3b-4c59-9a55-2b8f3a1f7f10",
  },
  "Server-Timing": {
    description:
      "How long the response took (`total`), and how much of that was waiting for the database (`db`), in milliseconds. `sql-text` if the database had to plan the request's SQL anew, because it lacks the function of a statement: tell the operator.",
    required: true,
    schema: text("^db;dur=\\d+, total;dur=\\d+(, sql-text)?$"),
    example: "db;dur=4, total;dur=5",
  },
  Link: {
    description:
      'The next page (RFC 8288) as `<url>; rel="next"`, relative to the URL of the request. Use the URL unchanged: it contains everything. The last page has no `Link` header.',
    required: false,
    schema: text('^</[^>]+>; rel="next"$'),
    example: '</api/patients/?limit=50&cursor=YWZ0ZXItNTA>; rel="next"',
  },
  DuplicateLink: {
    description:
      'The patients that the new one looks like, up to 10, the best first, as `<path>; rel="duplicate"` with commas between them. Left out if there are none.',
    required: false,
    schema: text('^</api/patients/\\d+/>; rel="duplicate"(, </api/patients/\\d+/>; rel="duplicate")*$'),
    example: '</api/patients/9/>; rel="duplicate"',
  },
  SuccessorLink: {
    description: "The path that replaces this one (RFC 5829), if the id is a number.",
    required: false,
    schema: text('^</[^>]+>; rel="successor-version"$'),
    example: '</api/mappings/41/>; rel="successor-version"',
  },
  MergedLink: {
    description: "The path of the patient that this one is part of now (RFC 5829).",
    required: true,
    schema: text('^</api/patients/[1-9][0-9]*/>; rel="successor-version"$'),
    example: '</api/patients/7/>; rel="successor-version"',
  },
  Deprecation: {
    description: "Since when the operation is deprecated (RFC 9745): `@` and the seconds since 1970.",
    required: true,
    schema: text("^@\\d+$"),
    example: "@1795737600",
  },
  "Content-Disposition": {
    description: "The name of the file.",
    required: true,
    schema: text('^attachment; filename="[^"]+"$'),
    example: 'attachment; filename="patients.ndjson"',
  },
  Location: {
    description: "The path of the record that was created.",
    required: true,
    schema: { type: "string", format: "uri-reference" },
    example: "/api/patients/7/",
  },
  ETag: {
    description:
      "The version of the record. Send it as `If-Match` to change the record only if it still has this version.",
    required: true,
    schema: text('^"[^"]+"$'),
    example: '"3"',
  },
  CalendarETag: {
    description:
      "It changes with the calendar. Send it as `If-None-Match` to get the calendar only if it has changed.",
    required: true,
    schema: text('^"[0-9a-f]{64}"$'),
    example: `"${"8f3a1f7f".repeat(8)}"`,
  },
  "Idempotency-Replayed": {
    description: "`true` if this is the first response to the same idempotency key, sent again.",
    required: false,
    schema: { type: "string", const: "true" },
    example: "true",
  },
  "Accept-Encoding": {
    description: "`identity` if the body was compressed: send it again without `Content-Encoding`.",
    required: false,
    schema: { type: "string", const: "identity" },
    example: "identity",
  },
  "Retry-After": {
    description: "How many seconds to wait before trying again.",
    required: true,
    schema: { type: "integer", minimum: 1, maximum: 2_147_483_647, format: "int32" },
    example: 5,
  },
  PollAfter: {
    description: "How many seconds to wait before asking again; only when there is nothing new.",
    required: false,
    schema: { type: "integer", minimum: 1, maximum: 2_147_483_647, format: "int32" },
    example: 10,
  },
  "WWW-Authenticate": {
    description:
      'The challenge of RFC 6750, with `error="invalid_token"` if the request has a token that is not valid.',
    required: true,
    schema: text('^Bearer realm="[^"]+"(, error="invalid_token")?$'),
    example: 'Bearer realm="hospital-api", error="invalid_token"',
  },
};

/** Headers whose component has another name, because another header of the same name has another meaning. */
const sentNames: Record<string, string> = {
  CalendarETag: "ETag",
  DuplicateLink: "Link",
  MergedLink: "Link",
  SuccessorLink: "Link",
  PollAfter: "Retry-After",
};

/** References to the named headers and to those of every response. */
export const headerReferences = (names: readonly string[] = []): JsonSchema =>
  Object.fromEntries(
    [...names, ...commonHeaders].map((name) => [
      sentNames[name] ?? name,
      { $ref: `#/components/headers/${name}` },
    ]),
  );
