import { createFactory } from "hono/factory";
import type { AuthenticatedEnv } from "../http/context.ts";
import { IdPath } from "../http/fields.ts";
import {
  fieldProblem,
  notFoundProblem,
  requireClinicRole,
  requireNoOpenAppointments,
} from "../http/problems.ts";
import { respondJson } from "../http/respond.ts";
import { validate } from "../http/validation.ts";
import { reassignPatients } from "./reassign-queries.ts";
import { DoctorReassignment } from "./requests.ts";

/** `POST /:id/reassign`: gives the patients of a doctor who leaves to another one. @throws {Problem} 400, 403, 404, 409 */
export const reassignHandlers = createFactory<AuthenticatedEnv>().createHandlers(
  validate("param", IdPath),
  validate("json", DoctorReassignment),
  async (c) => {
    const { id } = c.req.valid("param");
    const { to, patients = null, appointments, reason = null } = c.req.valid("json");
    const cancels = appointments === "cancel";
    const result = await reassignPatients(c.get("caller"), { id, to, patients, cancels, reason });
    if (result.body !== null) return respondJson(result.body);
    requireClinicRole(result.isAllowed);
    if (result.needsReason) throw fieldProblem("reason", "required", "Required for admins");
    if (!result.isFound) throw notFoundProblem("doctor");
    requireNoOpenAppointments(
      result.openAppointments,
      'There are appointments with this doctor. Cancel or move them first, or send "appointments": "cancel".',
    );
    throw fieldProblem("to", "no_such_record", "There is no other active doctor with this id.");
  },
);
