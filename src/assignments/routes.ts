import { Hono } from "hono";
import { createFactory } from "hono/factory";
import { type GuardedEnv, guard } from "../auth/require-account.ts";
import { duplicate } from "../db/errors.ts";
import type { AppEnv } from "../http/context.ts";
import { ById } from "../http/fields.ts";
import { IdempotencyKey, respondWithMade } from "../http/idempotency.ts";
import { type FieldErrors, invalidFields, notFound, Problem, requireFound } from "../http/problems.ts";
import { listOf } from "../http/resource-handlers.ts";
import { respond } from "../http/respond.ts";
import { validate, validateHeaders } from "../http/validation.ts";
import { listAssignments } from "./list-queries.ts";
import { createAssignment, deleteAssignment, findDoctorsOf } from "./queries.ts";
import { AssignmentsQuery, NewAssignment } from "./requests.ts";

const endAssignment = createFactory<GuardedEnv>().createHandlers(validate("param", ById), async (c) => {
  const { gone, refused } = await deleteAssignment(c.get("caller"), c.req.valid("param"));
  if (refused)
    throw new Problem(403, "Only the account whose patient this is, or an admin, may end this assignment.");
  if (!gone) throw notFound("assignment");
  return c.body(null, 204);
});

export const mappings = new Hono<AppEnv>()
  .use(guard)

  .get("/", ...listOf(AssignmentsQuery, listAssignments))

  .post("/", validateHeaders(IdempotencyKey), validate("json", NewAssignment), async (c) => {
    const { "Idempotency-Key": key } = c.req.valid("header");
    const { patient, doctor, active, assigned, ...made } = await createAssignment(
      c.get("caller"),
      c.req.valid("json"),
      key,
    );
    if (made.body || made.mistaken) return respondWithMade(made);
    const errors: FieldErrors = {};
    if (!patient) errors["patient"] = ["There is no such patient."];
    if (!doctor) errors["doctor"] = ["There is no such doctor."];
    else if (!active) errors["doctor"] = ["This doctor takes no new patients."];
    if (assigned && active) throw new Problem(409, duplicate("mappings_patient_id_doctor_id_key"));
    throw invalidFields(errors);
  })

  // A patient's id here, an assignment's below: existing clients rely on both.
  .get("/:id", validate("param", ById), async (c) => {
    const { body } = await findDoctorsOf(c.get("caller"), c.req.valid("param"));
    return respond(requireFound(body, "patient"));
  })

  .delete("/:id", ...endAssignment)
  .delete("/:id/delete", ...endAssignment);
