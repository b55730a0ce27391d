import type { HeaderName } from "../src/http/openapi.ts";
import type { JsonSchema } from "./schemas.ts";

/** What every answer of the API tells of itself. */
export const standingHeaders = ["X-Request-Id", "Server-Timing"] as const;

type Name = HeaderName | (typeof standingHeaders)[number] | "Retry-After" | "WWW-Authenticate";

const text = (pattern: string) => ({ type: "string", pattern });

/** The headers of answers; one that is `required` is on each answer that names it. */
export const headers: Record<
  Name,
  { description: string; required: boolean; schema: JsonSchema; example: string | number }
> = {
  "X-Request-Id": {
    description: "This request's id. The log has it too; a problem's body as `request_id`.",
    required: true,
    schema: { type: "string", format: "uuid" },
    example: "6f1c2f0e-5d3b-4c59-9a55-2b8f3a1f7f10",
  },
  "Server-Timing": {
    description:
      "How many milliseconds the answer took (`total`), and how many of them it waited for the database (`db`).",
    required: true,
    schema: text("^db;dur=\\d+, total;dur=\\d+$"),
    example: "db;dur=4, total;dur=5",
  },
  Link: {
    description:
      'The next page (RFC 8288), as `<url>; rel="next"`, relative to the URL that was asked: everything is in it, follow it as it is. There is none after the last page.',
    required: false,
    schema: text('^</[^>]+>; rel="next"$'),
    example: '</api/patients/?limit=50&cursor=YWZ0ZXItNTA>; rel="next"',
  },
  Location: {
    description: "The path of what was made.",
    required: true,
    schema: { type: "string", format: "uri-reference" },
    example: "/api/patients/7/",
  },
  ETag: {
    description: "The record's version. Send it back as `If-Match` to change this version and no other.",
    required: true,
    schema: text('^"[^"]+"$'),
    example: '"3"',
  },
  "Idempotency-Replayed": {
    description: "Where this is the first answer again, to a request with the same key: `true`.",
    required: false,
    schema: { type: "string", const: "true" },
    example: "true",
  },
  "Retry-After": {
    description: "After how many seconds to try again.",
    required: true,
    schema: { type: "integer", minimum: 1 },
    example: 5,
  },
  "WWW-Authenticate": {
    description:
      'The challenge of RFC 6750; with `error="invalid_token"` where a token was sent and is not good.',
    required: true,
    schema: text('^Bearer realm="[^"]+"(, error="invalid_token")?$'),
    example: 'Bearer realm="hospital-api", error="invalid_token"',
  },
};

/** References to headers, by their names; all answers have the standing ones. */
export const headersOf = (names: readonly string[] = []): JsonSchema =>
  Object.fromEntries(
    [...names, ...standingHeaders].map((name) => [name, { $ref: `#/components/headers/${name}` }]),
  );
