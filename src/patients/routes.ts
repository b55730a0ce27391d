import { Hono } from "hono";
import type { AppEnv } from "../http/context.ts";
import { ById } from "../http/fields.ts";
import { guard } from "../http/guard.ts";
import { only } from "../http/methods.ts";
import { expectedVersions, IfMatch, overtaken, requireWritable } from "../http/preconditions.ts";
import { changeOf, creationOf, listOf, readingOf } from "../http/resource.ts";
import { validate, validateHeaders } from "../http/validate.ts";
import { NewPatient, PatientChanges, PatientsQuery } from "./contract.ts";
import { exportPatients } from "./export.ts";
import { importFile } from "./import.ts";
import { changePatient, createPatient, deletePatient, findPatient, listPatients } from "./queries.ts";

export const patients = new Hono<AppEnv>()
  .use(guard)
  .get("/", ...listOf(PatientsQuery, listPatients))
  .post("/", ...creationOf("/api/patients", NewPatient, createPatient))
  .get("/:id", ...readingOf("patient", findPatient))
  .on(["PUT", "PATCH"], "/:id", ...changeOf("patient", PatientChanges, changePatient))
  .delete("/:id", validate("param", ById), validateHeaders(IfMatch), async (c) => {
    const expected = expectedVersions(c, c.req.valid("header"));
    const values = { ...c.req.valid("param"), expected };
    const { gone, ...target } = await deletePatient(c.get("caller"), values);
    requireWritable(target, "patient");
    if (!gone) throw overtaken(expected, "patient");
    return c.body(null, 204);
  })

  .use("/export", only("GET", "HEAD"))
  .get("/export", ...exportPatients)
  .use("/import", only("POST"))
  .post("/import", ...importFile);
