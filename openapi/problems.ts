import { describeSchema } from "../src/http/openapi.ts";
import * as z from "../src/zod.ts";
import type { JsonSchema } from "./schemas.ts";
import { referenceTo } from "./schemas.ts";

const messages = z.array(z.string().check(z.minLength(1))).check(z.minLength(1));

/** An error as every layer answers it. */
export const Problem = describeSchema(
  z.strictObject({
    type: z.literal("about:blank"),
    title: z.string(),
    status: z.int().check(z.minimum(400), z.maximum(599)),
    detail: z.string(),
    errors: z.optional(z.record(z.string(), messages)),
    request_id: z.uuid().check(z.meta({ pattern: "^[0-9a-f-]{36}$" })),
  }),
  {
    description: "What went wrong, as RFC 9457 has it.",
    fields: {
      type: "Always `about:blank`: the status says which kind of problem it is.",
      title: "The status in words.",
      status: "The HTTP status, once more.",
      detail: "What is wrong with this request, for a person to read.",
      errors: "Only where fields are not valid: all messages of each, by the field's path.",
      request_id: "The same as in the header X-Request-Id; the log has it too.",
    },
    example: {
      type: "about:blank",
      title: "Bad Request",
      status: 400,
      detail: "2 fields are not valid.",
      errors: { age: ["Too big: expected number to be <=120"], email: ["Invalid email address"] },
      request_id: "6f1c2f0e-5d3b-4c59-9a55-2b8f3a1f7f10",
    },
  },
);

interface ProblemWords {
  name: string;
  title: string;
  /** When it comes, unless the operation says it otherwise. */
  description: string;
  /** What its example says is wrong. */
  detail: string;
  headers?: string[];
}

/** The problems that routes answer, by their status. */
export const problems: Record<number, ProblemWords> = {
  400: {
    name: "BadRequest",
    title: "Bad Request",
    description:
      "A field or a parameter is missing, unknown or not valid, or the body is no JSON, or has a key twice: `errors` names each field.",
    detail: "1 field is not valid.",
  },
  401: {
    name: "Unauthorized",
    title: "Unauthorized",
    description: "There is no access token, or it is not good any more.",
    detail: "The access token is malformed or expired, or is not from this API.",
    headers: ["WWW-Authenticate"],
  },
  403: {
    name: "Forbidden",
    title: "Forbidden",
    description:
      "You can see this and may not change it; or an operator has set your account's password, and you have to change it first.",
    detail: "Only the account that created this doctor or an admin may change or delete it.",
  },
  404: {
    name: "NotFound",
    title: "Not Found",
    description: "There is no such record, or it is not yours: the answer is the same.",
    detail: "There is no such record.",
  },
  406: {
    name: "NotAcceptable",
    title: "Not Acceptable",
    description: "There is no such form of the answer as `Accept` asks for.",
    detail: "This is available as application/x-ndjson or text/csv.",
  },
  409: {
    name: "Conflict",
    title: "Conflict",
    description: "The database had to let another request go first: try again.",
    detail: "A concurrent request changed the same records. Nothing was changed; try again.",
  },
  412: {
    name: "PreconditionFailed",
    title: "Precondition Failed",
    description: "Somebody was faster: the record is no longer at the version of `If-Match`.",
    detail: "The patient has changed since the version in If-Match: read it again.",
  },
  413: {
    name: "ContentTooLarge",
    title: "Content Too Large",
    description: "The body is larger than 64 KiB.",
    detail: "The body is larger than 64 KiB.",
  },
  415: {
    name: "UnsupportedMediaType",
    title: "Unsupported Media Type",
    description: "The body does not say that it is JSON in UTF-8.",
    detail: "The body must be JSON in UTF-8, with Content-Type: application/json.",
  },
  422: {
    name: "UnprocessableContent",
    title: "Unprocessable Content",
    description: "The `Idempotency-Key` was used with another request already.",
    detail: "This Idempotency-Key was already used for a different request.",
  },
  428: {
    name: "PreconditionRequired",
    title: "Precondition Required",
    description: "This installation asks for `If-Match` with every change.",
    detail: "If-Match is required: send the ETag of the record as you last read it.",
  },
  429: {
    name: "TooManyRequests",
    title: "Too Many Requests",
    description: "There were too many attempts. `Retry-After` says when to try again.",
    detail: "Too many attempts. Try again later.",
    headers: ["Retry-After"],
  },
  500: {
    name: "InternalServerError",
    title: "Internal Server Error",
    description: "A fault of the API's. Tell its operator the `request_id`.",
    detail: "Internal error. Tell the operator the request_id.",
  },
  503: {
    name: "ServiceUnavailable",
    title: "Service Unavailable",
    description:
      "The database could not be reached, or did not answer in time. A change may have been made or not, unless `detail` says that nothing was done.",
    detail: "The database did not answer.",
    headers: ["Retry-After"],
  },
};

/** A problem's example, true to its status. */
export function problemExample(status: number, detail = wordsOf(status).detail): unknown {
  const { title } = wordsOf(status);
  const { type, request_id } = Object(Problem.example);
  const errors = status === 400 ? { errors: { email: ["Invalid email address"] } } : {};
  return { type, title, status, detail, ...errors, request_id };
}

/** The content of every answer that is a problem. */
export const problemContent = (status: number, detail?: string): JsonSchema => ({
  "application/problem+json": { schema: referenceTo("Problem"), example: problemExample(status, detail) },
});

/** @throws when the status has no words */
export function wordsOf(status: number): ProblemWords {
  const words = problems[status];
  if (!words) throw new Error(`There are no words for the status ${status}.`);
  return words;
}
