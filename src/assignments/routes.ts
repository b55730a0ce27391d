import { Hono } from "hono";
import { createFactory } from "hono/factory";
import { requireAccount } from "../auth/require-account.ts";
import type { AppEnv, AuthenticatedEnv } from "../http/context.ts";
import { deprecatePath } from "../http/deprecation.ts";
import { IdPath } from "../http/fields.ts";
import { IdempotencyKey, requireReplayable, respondCreated } from "../http/idempotency.ts";
import {
  changeableVersions,
  formatEtag,
  OptionalPreconditions,
  requireWritable,
} from "../http/preconditions.ts";
import {
  duplicateProblem,
  type FieldErrors,
  notFoundProblem,
  Problem,
  requireClinicRole,
  requireFound,
  requireNoOpenAppointments,
  requireNotMerged,
  validationProblem,
} from "../http/problems.ts";
import { listHandlers, updateHandlers } from "../http/resource-handlers.ts";
import { respondJson } from "../http/respond.ts";
import { validate, validateHeaders } from "../http/validation.ts";
import { endAssignment, updateAssignment } from "./change-queries.ts";
import { listAssignments } from "./list-queries.ts";
import { createAssignment, findDoctorsOfPatient } from "./queries.ts";
import { AssignmentChanges, AssignmentsQuery, NewAssignment } from "./requests.ts";

const endAssignmentHandlers = createFactory<AuthenticatedEnv>().createHandlers(
  validate("param", IdPath),
  validateHeaders(OptionalPreconditions),
  async (c) => {
    const headers = c.req.valid("header");
    const values = { ...c.req.valid("param"), ...changeableVersions(headers) };
    const { isEnded, openAppointments, ...target } = await endAssignment(c.get("caller"), values);
    if (target.canChange === false && !target.needsClinicRole)
      throw new Problem("not_patient_owner", "Only the patient's owner or an admin may end this assignment.");
    requireWritable(target, "assignment", headers);
    requireNoOpenAppointments(
      openAppointments,
      "The patient still has appointments with this doctor. Cancel them or move them first.",
    );
    if (!isEnded) throw notFoundProblem("assignment");
    return c.body(null, 204);
  },
);

const deprecateOldPath = deprecatePath(
  "2026-11-27",
  (path) => /^(\/api\/mappings\/\d+\/)delete/.exec(path)?.[1],
);

export const assignmentRoutes = new Hono<AppEnv>()
  .use("/:id/delete", deprecateOldPath)
  .use(requireAccount)

  .get("/", ...listHandlers(AssignmentsQuery, listAssignments))

  .post("/", validateHeaders(IdempotencyKey), validate("json", NewAssignment), async (c) => {
    const { "Idempotency-Key": key } = c.req.valid("header");
    const result = await createAssignment(c.get("caller"), c.req.valid("json"), key);
    requireReplayable(result);
    if (result.body) return respondCreated(result, { ETag: formatEtag(result.etag) });
    requireClinicRole(result.isAllowed);
    const errors: FieldErrors = {};
    if (!result.patient)
      errors["patient"] = [{ code: "no_such_record", message: "There is no such patient." }];
    if (!result.doctor) errors["doctor"] = [{ code: "no_such_record", message: "There is no such doctor." }];
    else if (!result.active)
      errors["doctor"] = [{ code: "doctor_inactive", message: "This doctor takes no new patients." }];
    if (result.assigned && result.active) throw duplicateProblem("mappings_patient_id_doctor_id_key");
    throw validationProblem(errors);
  })

  // The id of a patient here, of an assignment below: existing clients rely on both.
  .get("/:id", validate("param", IdPath), async (c) => {
    const { body, ...state } = await findDoctorsOfPatient(c.get("caller"), c.req.valid("param"));
    requireNotMerged(state);
    return respondJson(requireFound(body, "patient"));
  })

  .patch(
    "/:id",
    ...updateHandlers("assignment", AssignmentChanges, updateAssignment, "mappings_patient_id_doctor_id_key"),
  )
  .delete("/:id", ...endAssignmentHandlers)
  .delete("/:id/delete", ...endAssignmentHandlers);
