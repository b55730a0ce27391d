import { expect } from "vitest";

const titles = { 403: "Forbidden", 404: "Not Found", 409: "Conflict" };

/** The whole of an answer that is a problem without fields. */
export const problem = (status: keyof typeof titles, detail: unknown = expect.any(String)) => ({
  status,
  headers: expect.any(Headers),
  body: { type: "about:blank", title: titles[status], status, detail, request_id: expect.any(String) },
});

/** The whole of an answer that refuses exactly these fields, each with at least one message. */
export const refusal = (...fields: string[]) => ({
  status: 400,
  headers: expect.any(Headers),
  body: {
    type: "about:blank",
    title: "Bad Request",
    status: 400,
    detail: fields.length === 1 ? "1 field is not valid." : `${fields.length} fields are not valid.`,
    errors: Object.fromEntries(
      fields.map((field) => [field, expect.arrayContaining([expect.stringMatching(/./)])]),
    ),
    request_id: expect.any(String),
  },
});

/** A moment as the wire has it: `2025-09-06T09:45:06.922Z`. */
export const moment = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
