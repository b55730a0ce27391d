import { Hono } from "hono";
import { createFactory } from "hono/factory";
import type { AppEnv } from "../http/context.ts";
import { ById } from "../http/fields.ts";
import { type GuardedEnv, guard } from "../http/guard.ts";
import { PageQuery, respondWithPage } from "../http/pagination.ts";
import { type FieldErrors, invalidFields, notFound, requireFound } from "../http/problem.ts";
import { respond } from "../http/respond.ts";
import { validate } from "../http/validate.ts";
import { NewAssignment } from "./contract.ts";
import { createAssignment, deleteAssignment, findDoctorsOf, listAssignments } from "./queries.ts";

const endAssignment = createFactory<GuardedEnv>().createHandlers(validate("param", ById), async (c) => {
  const { gone } = await deleteAssignment(c.get("caller"), c.req.valid("param"));
  if (!gone) throw notFound("assignment");
  return c.body(null, 204);
});

export const mappings = new Hono<AppEnv>()
  .use(guard)

  .get("/", validate("query", PageQuery), async (c) => {
    const page = c.req.valid("query");
    return respondWithPage(c, await listAssignments(c.get("caller"), page), page);
  })

  .post("/", validate("json", NewAssignment), async (c) => {
    const { patient, doctor, body } = await createAssignment(c.get("caller"), c.req.valid("json"));
    if (body) return respond(body, 201);
    const errors: FieldErrors = {};
    if (!patient) errors["patient"] = ["There is no such patient."];
    if (!doctor) errors["doctor"] = ["There is no such doctor."];
    throw invalidFields(errors);
  })

  // A patient's id here, an assignment's below: existing clients rely on both.
  .get("/:id", validate("param", ById), async (c) => {
    const { body } = await findDoctorsOf(c.get("caller"), c.req.valid("param"));
    return respond(requireFound(body, "patient"));
  })

  .delete("/:id", ...endAssignment)
  .delete("/:id/delete", ...endAssignment);
