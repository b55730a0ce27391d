import { Hono } from "hono";
import { guard } from "../auth/require-account.ts";
import type { AppEnv } from "../http/context.ts";
import { changeOf, creationOf, deletionOf, listOf, listUnder, readingOf } from "../http/resource-handlers.ts";
import { only } from "../http/routing.ts";
import { listAccesses, listChanges } from "./audit-queries.ts";
import { exportPatients } from "./export.ts";
import { importFile } from "./import.ts";
import { listPatients } from "./list-queries.ts";
import { opening, restoring, transferring, transferringAll } from "./ownership/handlers.ts";
import { changePatient, createPatient, deletePatient, findPatient } from "./queries.ts";
import { NewPatient, PatientChanges, PatientsQuery, RecordQuery } from "./requests.ts";

export const patients = new Hono<AppEnv>()
  .use(guard)
  .get("/", ...listOf(PatientsQuery, listPatients))
  .post("/", ...creationOf("/api/patients", NewPatient, createPatient, "patients_owner_id_email_key"))
  .get("/:id", ...readingOf("patient", findPatient))
  .on(["PUT", "PATCH"], "/:id", ...changeOf("patient", PatientChanges, changePatient))
  .delete("/:id", ...deletionOf("patient", deletePatient))
  .get("/:id/history", ...listUnder("patient", RecordQuery, listChanges))
  .get("/:id/accesses", ...listUnder("patient", RecordQuery, listAccesses))
  .post("/:id/restore", ...restoring)
  .post("/:id/transfer", ...transferring)
  .post("/:id/access", ...opening)
  .use("/transfer", only("POST"))
  .post("/transfer", ...transferringAll)
  .use("/export", only("GET", "HEAD"))
  .get("/export", ...exportPatients)
  .use("/import", only("POST"))
  .post("/import", ...importFile);
