import { Hono } from "hono";
import { requireAccount } from "../auth/require-account.ts";
import type { AppEnv } from "../http/context.ts";
import {
  deleteHandlers,
  getHandlers,
  listHandlers,
  nestedListHandlers,
  updateHandlers,
} from "../http/resource-handlers.ts";
import { requireMethod } from "../http/routing.ts";
import { listPatientAccesses, listPatientChanges } from "./audit-queries.ts";
import { createPatientHandlers, listDuplicatesHandlers } from "./duplicates/handlers.ts";
import { exportHandlers } from "./export.ts";
import { withFreeIdentifiers } from "./identifier-checks.ts";
import { importHandlers } from "./import.ts";
import { listPatients } from "./list-queries.ts";
import { mergeHandlers, unmergeHandlers } from "./merge/handlers.ts";
import { eraseHandlers, grantEmergencyAccessHandlers, restoreHandlers } from "./ownership/handlers.ts";
import { transferAllHandlers, transferHandlers } from "./ownership/transfer-handlers.ts";
import { deletePatient, findPatient, updatePatient } from "./queries.ts";
import { PatientAuditQuery, PatientChanges, PatientsQuery } from "./requests.ts";

export const patientRoutes = new Hono<AppEnv>()
  .use(requireAccount)
  .get("/", ...listHandlers(PatientsQuery, listPatients))
  .post("/", ...createPatientHandlers)
  .use("/transfer", requireMethod("POST"))
  .post("/transfer", ...transferAllHandlers)
  .use("/export", requireMethod("GET", "HEAD"))
  .get("/export", ...exportHandlers)
  .use("/import", requireMethod("POST"))
  .post("/import", ...importHandlers)
  .get("/:id", ...getHandlers("patient", findPatient))
  .on(
    ["PUT", "PATCH"],
    "/:id",
    ...updateHandlers(
      "patient",
      PatientChanges,
      withFreeIdentifiers(updatePatient),
      "patients_owner_id_email_key",
    ),
  )
  .delete("/:id", ...deleteHandlers("patient", deletePatient))
  .get("/:id/duplicates", ...listDuplicatesHandlers)
  .get("/:id/history", ...nestedListHandlers("patient", PatientAuditQuery, listPatientChanges))
  .get("/:id/accesses", ...nestedListHandlers("patient", PatientAuditQuery, listPatientAccesses))
  .post("/:id/restore", ...restoreHandlers)
  .post("/:id/transfer", ...transferHandlers)
  .post("/:id/erase", ...eraseHandlers)
  .post("/:id/access", ...grantEmergencyAccessHandlers)
  .post("/:id/merge", ...mergeHandlers)
  .post("/:id/unmerge", ...unmergeHandlers);
