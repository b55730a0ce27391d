import { createFactory } from "hono/factory";
import type { AuthenticatedEnv } from "../http/context.ts";
import { IdPath } from "../http/fields.ts";
import { fieldProblem, requireFound } from "../http/problems.ts";
import { respondJson } from "../http/respond.ts";
import { validate } from "../http/validation.ts";
import { EarliestSlotsQuery, SlotsQuery } from "./requests.ts";
import { findEarliestSlots, findSlots } from "./slot-queries.ts";

const { createHandlers } = createFactory<AuthenticatedEnv>();

/** `GET /:id/slots`: a page of a doctor's free slots. @throws {Problem} 400, 404 */
export const findSlotsHandlers = createHandlers(
  validate("param", IdPath),
  validate("query", SlotsQuery),
  async (c) => {
    const { minutes = null, patient = null, after = null, ...query } = c.req.valid("query");
    const values = { ...c.req.valid("param"), ...query, minutes, patient, after };
    const { body, next, isPatientFound } = await findSlots(c.get("caller"), values);
    const slots = requireFound(body, "doctor");
    if (patient !== null && !isPatientFound)
      throw fieldProblem("patient", "no_such_record", "There is no such patient.");
    return respondJson(slots, 200, next === null ? {} : { Link: nextLink(c.req.url, next) });
  },
);

/**
 * The link to the slots from `after` on, with the other parameters as they were sent. A relative URL, as in
 * pagination.ts.
 */
function nextLink(url: string, after: string): string {
  const { pathname, searchParams } = new URL(url);
  searchParams.set("after", after);
  return `<${pathname}?${searchParams}>; rel="next"`;
}

/** `GET /api/slots`: the doctors who are free earliest. @throws {Problem} 400 */
export const findEarliestSlotsHandlers = createHandlers(validate("query", EarliestSlotsQuery), async (c) => {
  const { minutes = null, specialization = null, from, to } = c.req.valid("query");
  const { body } = await findEarliestSlots(c.get("caller"), { from, to, minutes, specialization });
  return respondJson(body);
});
