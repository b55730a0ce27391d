import { expect } from "vitest";
import type { ProblemCode } from "../../src/http/problem-codes.ts";
import type { ApiResponse } from "./api.ts";

/** The titles of RFC 9110, written again: an error in those of src/http/problems.ts must fail. */
const titles = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  409: "Conflict",
  412: "Precondition Failed",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  428: "Precondition Required",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

/** A whole response that is a problem without field errors. @param members more members of the body */
export const problem = (
  status: keyof typeof titles,
  detail: unknown = expect.any(String),
  code: ProblemCode = expect.any(String),
  members: object = {},
) => ({
  status,
  headers: expect.any(Headers),
  body: {
    ...{ type: "about:blank", title: titles[status], status, code, detail, ...members },
    request_id: expect.any(String),
  },
});

/** A whole response with status 400 for exactly these fields, each with at least one message and code. */
export function fieldProblem(...fields: string[]) {
  const texts = expect.arrayContaining([expect.stringMatching(/./)]);
  const errors = Object.fromEntries(fields.map((field) => [field, texts]));
  const are = fields.length === 1 ? "field is" : "fields are";
  const { body, ...rest } = problem(400, `${fields.length} ${are} not valid.`, "validation_failed");
  return { ...rest, body: { ...body, errors, error_codes: errors } };
}

/** A timestamp as the API sends it: `2025-09-06T09:45:06.922Z`. */
export const anyTimestamp = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

/** A response without what differs between any two requests: the request's id and duration, and the id in its path. */
export const withoutRequestDetails = ({ status, headers, body }: ApiResponse) => ({
  status,
  headers: {
    ...Object.fromEntries(headers),
    "x-request-id": "",
    "server-timing": "",
    link: headers.get("Link")?.replace(/\d+/, "…"),
  },
  body: { ...body, request_id: "" },
});
