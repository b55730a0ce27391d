import { Hono } from "hono";
import type { AppEnv } from "../http/context.ts";
import { ById } from "../http/fields.ts";
import { guard } from "../http/guard.ts";
import { PageQuery, respondWithPage } from "../http/pagination.ts";
import { notFound, requireFound } from "../http/problem.ts";
import { respond } from "../http/respond.ts";
import { validate } from "../http/validate.ts";
import { NewPatient, PatientChanges } from "./contract.ts";
import { changePatient, createPatient, deletePatient, findPatient, listPatients } from "./queries.ts";

export const patients = new Hono<AppEnv>()
  .use(guard)

  .get("/", validate("query", PageQuery), async (c) => {
    const page = c.req.valid("query");
    return respondWithPage(c, await listPatients(c.get("caller"), page), page);
  })

  .post("/", validate("json", NewPatient), async (c) => {
    const { id, body } = await createPatient(c.get("caller"), { record: c.req.valid("json") });
    return respond(body, 201, { Location: `/api/patients/${id}/` });
  })

  .get("/:id", validate("param", ById), async (c) => {
    const { body } = await findPatient(c.get("caller"), c.req.valid("param"));
    return respond(requireFound(body, "patient"));
  })

  .on(["PUT", "PATCH"], "/:id", validate("param", ById), validate("json", PatientChanges), async (c) => {
    const values = { ...c.req.valid("param"), changes: c.req.valid("json") };
    const { body } = await changePatient(c.get("caller"), values);
    return respond(requireFound(body, "patient"));
  })

  .delete("/:id", validate("param", ById), async (c) => {
    const { gone } = await deletePatient(c.get("caller"), c.req.valid("param"));
    if (!gone) throw notFound("patient");
    return c.body(null, 204);
  });
