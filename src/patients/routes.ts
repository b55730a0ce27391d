import { Hono } from "hono";
import type { AppEnv } from "../http/context.ts";
import { ById } from "../http/fields.ts";
import { guard } from "../http/guard.ts";
import { IdempotencyKey, respondWithMade } from "../http/idempotency.ts";
import { only } from "../http/methods.ts";
import { pageOf, respondWithPage } from "../http/pagination.ts";
import {
  etagOf,
  expectedVersions,
  IfMatch,
  IfNoneMatch,
  knownVersions,
  overtaken,
  requireWritable,
  respondIfNew,
} from "../http/preconditions.ts";
import { respond } from "../http/respond.ts";
import { validate, validateHeaders } from "../http/validate.ts";
import { NewPatient, PatientChanges, PatientsQuery } from "./contract.ts";
import { exportPatients } from "./export.ts";
import { importFile } from "./import.ts";
import { changePatient, createPatient, deletePatient, findPatient, listPatients } from "./queries.ts";

export const patients = new Hono<AppEnv>()
  .use(guard)

  .get("/", validate("query", PatientsQuery), async (c) => {
    const page = await pageOf(c, c.req.valid("query"));
    return respondWithPage(c, await listPatients(c.get("caller"), page), page);
  })

  .post("/", validateHeaders(IdempotencyKey), validate("json", NewPatient), async (c) => {
    const { "Idempotency-Key": key } = c.req.valid("header");
    const made = await createPatient(c.get("caller"), { record: c.req.valid("json") }, key);
    return respondWithMade(made, { Location: `/api/patients/${made.id}/`, ETag: etagOf(1) });
  })

  .get("/:id", validate("param", ById), validateHeaders(IfNoneMatch), async (c) => {
    const match = c.req.valid("header");
    const values = { ...c.req.valid("param"), known: knownVersions(match) };
    return respondIfNew(await findPatient(c.get("caller"), values), match, "patient");
  })

  .on(
    ["PUT", "PATCH"],
    "/:id",
    validate("param", ById),
    validateHeaders(IfMatch),
    validate("json", PatientChanges),
    async (c) => {
      const expected = expectedVersions(c, c.req.valid("header"));
      const values = { ...c.req.valid("param"), changes: c.req.valid("json"), expected };
      const { version, body, ...target } = await changePatient(c.get("caller"), values);
      requireWritable(target, "patient");
      if (version === null || body === null) throw overtaken(expected, "patient");
      return respond(body, 200, { ETag: etagOf(version) });
    },
  )

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
