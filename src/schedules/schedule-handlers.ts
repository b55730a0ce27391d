import { createFactory } from "hono/factory";
import type { AuthenticatedEnv } from "../http/context.ts";
import { IdPath } from "../http/fields.ts";
import { formatEtag, requireWritable, versionsToReplace, WritePreconditions } from "../http/preconditions.ts";
import { fieldProblem, Problem, requireFound } from "../http/problems.ts";
import { respondJson } from "../http/respond.ts";
import { validate, validateHeaders } from "../http/validation.ts";
import { NewSchedule, weekOf } from "./requests.ts";
import { putSchedule } from "./schedule-queries.ts";

/** `PUT /:id/schedule`: sets the schedule of a doctor, whole. @throws {Problem} 400, 403, 404, 409, 412, 428 */
export const putScheduleHandlers = createFactory<AuthenticatedEnv>().createHandlers(
  validate("param", IdPath),
  validateHeaders(WritePreconditions),
  validate("json", NewSchedule),
  async (c) => {
    const headers = c.req.valid("header");
    const { hours, ...settings } = c.req.valid("json");
    const { etag, body, isNew, isKnownZone, others, ...target } = await putSchedule(c.get("caller"), {
      ...{ ...c.req.valid("param"), ...versionsToReplace(c, headers) },
      ...{ ...settings, week: weekOf(hours) },
    });
    requireFound(target.canChange, "doctor");
    requireWritable(target, "schedule", headers);
    if (!isKnownZone)
      throw fieldProblem(
        "time_zone",
        "invalid_value",
        "Must be the name of a time zone that the database knows",
      );
    if (others > 0) throw zoneProblem(others);
    return respondJson(requireFound(body, "doctor"), isNew ? 201 : 200, {
      ETag: formatEtag(requireFound(etag, "doctor")),
    });
  },
);

/** 409: this many open appointments count their days in the time zone so far. */
const zoneProblem = (others: number): Problem =>
  new Problem(
    "open_appointments",
    `The time zone cannot change while the doctor has open appointments (${others}): move or cancel them first.`,
    { others },
  );
