import { Hono } from "hono";
import type { AppEnv } from "../http/context.ts";
import { ById } from "../http/fields.ts";
import { guard } from "../http/guard.ts";
import { PageQuery, respondWithPage } from "../http/pagination.ts";
import { requireFound } from "../http/problem.ts";
import { validate } from "../http/validate.ts";
import { NewPatient, PatientChanges } from "./contract.ts";
import { changePatient, createPatient, deletePatient, findPatient, listPatients } from "./queries.ts";

export const patients = new Hono<AppEnv>()
  .use(guard)

  .get("/", validate("query", PageQuery), async (c) => {
    const page = c.req.valid("query");
    return respondWithPage(c, await listPatients(c.var.db, c.var.claims, page), page);
  })

  .post("/", validate("json", NewPatient), async (c) => {
    const patient = await createPatient(c.var.db, c.var.claims, c.req.valid("json"));
    return c.json(patient, 201, { Location: `/api/patients/${patient.id}/` });
  })

  .get("/:id", validate("param", ById), async (c) => {
    const { id } = c.req.valid("param");
    return c.json(requireFound(await findPatient(c.var.db, c.var.claims, id), "patient"));
  })

  .on(["PUT", "PATCH"], "/:id", validate("param", ById), validate("json", PatientChanges), async (c) => {
    const { id } = c.req.valid("param");
    const patient = await changePatient(c.var.db, c.var.claims, id, c.req.valid("json"));
    return c.json(requireFound(patient, "patient"));
  })

  .delete("/:id", validate("param", ById), async (c) => {
    const { id } = c.req.valid("param");
    requireFound(await deletePatient(c.var.db, c.var.claims, id), "patient");
    return c.body(null, 204);
  });
