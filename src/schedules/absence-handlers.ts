import { createFactory } from "hono/factory";
import type { AuthenticatedEnv } from "../http/context.ts";
import { IdPath } from "../http/fields.ts";
import { IdempotencyKey, requireReplayable, respondCreated } from "../http/idempotency.ts";
import { notFoundProblem, Problem, requireFound, requireNoOpenAppointments } from "../http/problems.ts";
import { respondJson } from "../http/respond.ts";
import { validate, validateHeaders } from "../http/validation.ts";
import { createAbsence, deleteAbsence, findAbsence } from "./absence-queries.ts";
import { NewAbsence } from "./requests.ts";

const { createHandlers } = createFactory<AuthenticatedEnv>();

/** @throws {Problem} 403 unless the caller may change the doctor's schedule and absences */
function requireScheduleRight(canChange: boolean): void {
  if (!canChange)
    throw new Problem(
      "not_doctor_creator",
      "Only the account that created the doctor, the doctor's own account or an admin may change absences.",
    );
}

/** `POST /:id/absences`. @throws {Problem} 400, 403, 404, 409, 422 */
export const createAbsenceHandlers = createHandlers(
  validate("param", IdPath),
  validateHeaders(IdempotencyKey),
  validate("json", NewAbsence),
  async (c) => {
    const { "Idempotency-Key": key } = c.req.valid("header");
    const values = { ...c.req.valid("param"), ...c.req.valid("json") };
    const result = await createAbsence(c.get("caller"), values, key);
    requireReplayable(result);
    if (result.body !== null) return respondCreated(result, { Location: `/api/absences/${result.id}/` });
    if (!result.isFound) throw notFoundProblem("doctor");
    requireScheduleRight(result.canChange);
    if (result.isUncancellable)
      throw new Problem(
        "not_appointment_owner",
        "There are appointments in this time that you cannot cancel, such as those of other clinics. Nothing was done.",
      );
    requireNoOpenAppointments(
      result.openAppointments,
      'There are appointments in this time. Cancel or move them first, or send "existing": "keep" or "cancel".',
    );
    throw notFoundProblem("doctor");
  },
);

/** `GET /api/absences/:id`. An absence never changes, so it has no version and no ETag. @throws {Problem} 404 */
export const getAbsenceHandlers = createHandlers(validate("param", IdPath), async (c) => {
  const { body } = await findAbsence(c.get("caller"), c.req.valid("param"));
  return respondJson(requireFound(body, "absence"));
});

/** `DELETE /api/absences/:id`. @throws {Problem} 403, 404 */
export const deleteAbsenceHandlers = createHandlers(validate("param", IdPath), async (c) => {
  const { canChange, isDeleted } = await deleteAbsence(c.get("caller"), c.req.valid("param"));
  requireScheduleRight(requireFound(canChange, "absence"));
  if (!isDeleted) throw notFoundProblem("absence");
  return c.body(null, 204);
});
