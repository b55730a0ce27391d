import {
  describeSchema,
  type JsonSchema,
  type OperationDescription,
  type ProblemDescription,
  referenceTo,
} from "../src/http/openapi.ts";
import * as z from "../src/zod.ts";
import { deprecationHeaders, headerReferences, type ProblemHeaderName } from "./headers.ts";

const messages = z.array(z.string().check(z.minLength(1))).check(z.minLength(1));

/** The body of every error (RFC 9457). */
export const problemSchema = describeSchema(
  z.strictObject({
    type: z.literal("about:blank"),
    title: z.string(),
    status: z.int().check(z.minimum(400), z.maximum(599)),
    detail: z.string(),
    errors: z.optional(z.record(z.string(), messages)),
    request_id: z.uuid().check(z.meta({ pattern: "^[0-9a-f-]{36}$" })),
  }),
  {
    description: "An error, in the format of RFC 9457.",
    fields: {
      type: "Always `about:blank`: the status says what kind of error it is.",
      title: "The name of the status.",
      status: "The HTTP status.",
      detail: "What is wrong with this request. For people: the text may change.",
      errors: "Present only if fields are not valid: all messages of each field, by its path.",
      request_id: "The id of the request, as in the header X-Request-Id and in the log.",
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

interface StatusDescription {
  /** The name of the response in the document. */
  name: string;
  title: string;
  /** When it is returned. An operation can replace it. */
  description: string;
  /** The `detail` of the example. */
  detail: string;
  headers?: ProblemHeaderName[];
}

/** The error statuses of all routes. */
const statuses: Record<number, StatusDescription> = {
  400: {
    name: "BadRequest",
    title: "Bad Request",
    description:
      "A field or a parameter is missing, unknown, repeated or not valid (`errors` names each one), or the body is not JSON or has a duplicate key. A query parameter that the operation does not list is unknown.",
    detail: "1 field is not valid.",
  },
  401: {
    name: "Unauthorized",
    title: "Unauthorized",
    description: "The access token is missing or no longer valid.",
    detail: "The access token is malformed or expired, or is not from this API.",
    headers: ["WWW-Authenticate"],
  },
  403: {
    name: "Forbidden",
    title: "Forbidden",
    description:
      "You can read this but not change it; or you are an auditor, who may read the audit log and accounts only; or an operator has set your account's password, and you must change it first.",
    detail: "Only the account that created this doctor or an admin may change or delete it.",
  },
  404: {
    name: "NotFound",
    title: "Not Found",
    description: "There is no such record, or you cannot read it: the response is the same.",
    detail: "There is no such record.",
  },
  406: {
    name: "NotAcceptable",
    title: "Not Acceptable",
    description: "The response is not available in a media type that `Accept` allows.",
    detail: "This is available as application/x-ndjson or text/csv.",
  },
  409: {
    name: "Conflict",
    title: "Conflict",
    description: "A concurrent request changed the same records, and nothing was changed: try again.",
    detail: "A concurrent request changed the same records. Nothing was changed; try again.",
  },
  412: {
    name: "PreconditionFailed",
    title: "Precondition Failed",
    description: "The record has a version that `If-Match` or `If-None-Match` excludes.",
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
    description:
      "The `Content-Type` is not JSON, or its `charset` is not UTF-8, or the body has a `Content-Encoding` other than `identity`.",
    detail: "The body must be JSON in UTF-8, with Content-Type: application/json.",
    headers: ["Accept-Encoding"],
  },
  422: {
    name: "UnprocessableContent",
    title: "Unprocessable Content",
    description: "The `Idempotency-Key` was already used for a different request.",
    detail: "This Idempotency-Key was already used for a different request.",
  },
  428: {
    name: "PreconditionRequired",
    title: "Precondition Required",
    description: "This installation requires `If-Match` for every change.",
    detail: "If-Match is required: send the ETag of the record as you last read it.",
  },
  429: {
    name: "TooManyRequests",
    title: "Too Many Requests",
    description: "Too many requests. `Retry-After` says when to try again.",
    detail: "Too many attempts. Try again later.",
    headers: ["Retry-After"],
  },
  500: {
    name: "InternalServerError",
    title: "Internal Server Error",
    description: "An internal error. Tell the operator the `request_id`.",
    detail: "Internal error. Tell the operator the request_id.",
  },
  503: {
    name: "ServiceUnavailable",
    title: "Service Unavailable",
    description:
      "The database could not be reached or did not answer in time. A change may or may not have been made, unless `detail` says that nothing was changed.",
    detail: "The database did not answer.",
    headers: ["Retry-After"],
  },
};

/** The texts of an error status. @throws when there are none */
function statusDescription(status: number): StatusDescription {
  const description = statuses[status];
  if (!description) throw new Error(`The status ${status} has no description.`);
  return description;
}

/** The named responses: one for each error status. */
export const problemResponses = (): Record<string, JsonSchema> =>
  Object.fromEntries(
    Object.entries(statuses).map(([status, { name }]) => [name, problemResponse(Number(status))]),
  );

/**
 * An error response of an operation: with its own texts and the headers of a deprecated one, or a reference to the named
 * response of its status.
 */
export function operationProblem(
  status: number,
  { problems = {}, deprecated }: OperationDescription,
): JsonSchema {
  const { name } = statusDescription(status);
  const texts = problems[status];
  if (!texts && !deprecated) return { $ref: `#/components/responses/${name}` };
  return problemResponse(status, texts, deprecated ? deprecationHeaders : []);
}

function problemResponse(
  status: number,
  texts: Partial<ProblemDescription> = {},
  headers: readonly string[] = [],
): JsonSchema {
  const common = statusDescription(status);
  const example = problemExample(status, texts.detail ?? common.detail);
  return {
    description: texts.description ?? common.description,
    headers: headerReferences([...(common.headers ?? []), ...headers]),
    content: { "application/problem+json": { schema: referenceTo("Problem"), example } },
  };
}

function problemExample(status: number, detail: string): unknown {
  const { title } = statusDescription(status);
  const { type, request_id } = Object(problemSchema.example);
  const errors = status === 400 ? { errors: { email: ["Invalid email address"] } } : {};
  return { type, title, status, detail, ...errors, request_id };
}
