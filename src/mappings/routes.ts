import { Hono } from "hono";
import { createFactory } from "hono/factory";
import type { AppEnv } from "../http/context.ts";
import { ById } from "../http/fields.ts";
import { type GuardedEnv, guard } from "../http/guard.ts";
import { PageQuery, respondWithPage } from "../http/pagination.ts";
import { type FieldErrors, invalidFields, requireFound } from "../http/problem.ts";
import { validate } from "../http/validate.ts";
import { NewAssignment } from "./contract.ts";
import { createAssignment, deleteAssignment, listAssignments, listDoctorsOf } from "./queries.ts";

const endAssignment = createFactory<GuardedEnv>().createHandlers(validate("param", ById), async (c) => {
  requireFound(await deleteAssignment(c.var.db, c.var.claims, c.req.valid("param").id), "assignment");
  return c.body(null, 204);
});

export const mappings = new Hono<AppEnv>()
  .use(guard)

  .get("/", validate("query", PageQuery), async (c) => {
    const page = c.req.valid("query");
    return respondWithPage(c, await listAssignments(c.var.db, c.var.claims, page), page);
  })

  .post("/", validate("json", NewAssignment), async (c) => {
    const { patient, doctor, created } = await createAssignment(c.var.db, c.var.claims, c.req.valid("json"));
    if (created) return c.json(created, 201);
    const errors: FieldErrors = {};
    if (!patient) errors["patient"] = ["There is no such patient."];
    if (!doctor) errors["doctor"] = ["There is no such doctor."];
    throw invalidFields(errors);
  })

  // A patient's id here, an assignment's below: existing clients rely on both.
  .get("/:id", validate("param", ById), async (c) => {
    const rows = await listDoctorsOf(c.var.db, c.var.claims, c.req.valid("param").id);
    const patient = requireFound(rows[0].patient, "patient");
    return c.json({
      patient_id: patient.id,
      patient: `${patient.firstname} ${patient.lastname}`,
      doctors: rows.flatMap(({ doctor }) => doctor ?? []),
    });
  })

  .delete("/:id", ...endAssignment)
  .delete("/:id/delete", ...endAssignment);
