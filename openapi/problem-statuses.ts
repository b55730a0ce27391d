import type { ProblemCode } from "../src/http/problem-codes.ts";
import type { ProblemHeaderName } from "./headers.ts";

// The texts of the error responses, by their status.

/** The codes of a 401 for an access token, the example's first. */
export const accessTokenCodes = [
  "token_invalid",
  "token_missing",
  "token_expired",
  "token_revoked",
  "clinic_changed",
  "membership_ended",
] as const satisfies ProblemCode[];

export interface StatusDescription {
  /** The name of the response in the document. */
  name: string;
  title: string;
  /** When it is returned. An operation can replace it. */
  description: string;
  /** The codes of the named response, the example's first. */
  codes: readonly ProblemCode[];
  /** The `detail` of the example. */
  detail: string;
  headers?: ProblemHeaderName[];
}

/** The error statuses of all routes. */
export const statuses: Record<number, StatusDescription> = {
  400: {
    name: "BadRequest",
    title: "Bad Request",
    codes: ["validation_failed", "body_missing", "invalid_utf8", "invalid_json", "duplicate_key"],
    description:
      "A field or a parameter is missing, unknown, repeated or not valid (`errors` names each one), or the body is not JSON or has a duplicate key. A query parameter that the operation does not list is unknown.",
    detail: "1 field is not valid.",
  },
  401: {
    name: "Unauthorized",
    title: "Unauthorized",
    codes: accessTokenCodes,
    description: "The access token is missing or no longer valid.",
    detail: "The access token is malformed, or is not from this API.",
    headers: ["WWW-Authenticate"],
  },
  403: {
    name: "Forbidden",
    title: "Forbidden",
    codes: ["auditor_read_only", "password_change_required"],
    description:
      "You can read this but not change it; or you are an auditor, who may read the audit log and accounts only; or an operator has set your account's password, and you must change it first.",
    detail: "An auditor may read the audit log and accounts, and nothing else.",
  },
  404: {
    name: "NotFound",
    title: "Not Found",
    codes: ["not_found"],
    description: "There is no such record, or you cannot read it: the response is the same.",
    detail: "There is no such record.",
  },
  406: {
    name: "NotAcceptable",
    title: "Not Acceptable",
    codes: ["not_acceptable"],
    description: "The response is not available in a media type that `Accept` allows.",
    detail: "This is available as application/x-ndjson or text/csv.",
  },
  409: {
    name: "Conflict",
    title: "Conflict",
    codes: ["write_conflict"],
    description: "A concurrent request changed the same records, and nothing was changed: try again.",
    detail: "A concurrent request changed the same records. Nothing was changed; try again.",
  },
  410: {
    name: "Gone",
    title: "Gone",
    codes: ["cursor_expired"],
    description: "What you ask for is not there any more.",
    detail: "This cursor has expired: read everything again, without since.",
  },
  412: {
    name: "PreconditionFailed",
    title: "Precondition Failed",
    codes: ["precondition_failed"],
    description: "The record has a version that `If-Match` or `If-None-Match` excludes.",
    detail: "The patient has changed since the version in If-Match: read it again.",
  },
  413: {
    name: "ContentTooLarge",
    title: "Content Too Large",
    codes: ["body_too_large"],
    description: "The body is larger than 64 KiB.",
    detail: "The body is larger than 64 KiB.",
  },
  415: {
    name: "UnsupportedMediaType",
    title: "Unsupported Media Type",
    codes: ["unsupported_media_type", "unsupported_content_encoding"],
    description:
      "The `Content-Type` is not JSON, or its `charset` is not UTF-8, or the body has a `Content-Encoding` other than `identity`.",
    detail: "The body must be JSON in UTF-8, with Content-Type: application/json.",
    headers: ["Accept-Encoding"],
  },
  422: {
    name: "UnprocessableContent",
    title: "Unprocessable Content",
    codes: ["idempotency_key_reused"],
    description: "The `Idempotency-Key` was already used for a different request.",
    detail: "This Idempotency-Key was already used for a different request.",
  },
  428: {
    name: "PreconditionRequired",
    title: "Precondition Required",
    codes: ["precondition_required"],
    description: "This installation requires `If-Match` for every change.",
    detail: "If-Match is required: send the ETag of the record as you last read it.",
  },
  429: {
    name: "TooManyRequests",
    title: "Too Many Requests",
    codes: ["rate_limited", "probing"],
    description: "Too many requests. `Retry-After` says when to try again.",
    detail: "Too many attempts. Try again later.",
    headers: ["Retry-After"],
  },
  500: {
    name: "InternalServerError",
    title: "Internal Server Error",
    codes: ["internal_error"],
    description: "An internal error. Tell the operator the `request_id`.",
    detail: "Internal error. Tell the operator the request_id.",
  },
  503: {
    name: "ServiceUnavailable",
    title: "Service Unavailable",
    codes: ["database_unavailable", "database_busy"],
    description:
      "The database could not be reached or did not answer in time. With `database_unavailable` a change may or may not have been made; with `database_busy` nothing was changed.",
    detail: "The database did not answer.",
    headers: ["Retry-After"],
  },
};

/** The texts of an error status. @throws when there are none */
export function statusDescription(status: number): StatusDescription {
  const description = statuses[status];
  if (!description) throw new Error(`The status ${status} has no description.`);
  return description;
}
