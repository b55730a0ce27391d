import { sql } from "drizzle-orm";
import { type AuditEventColumns, readOutcome } from "../db/query/audit.ts";
import {
  changedValuesOfPatient,
  changeJson,
  defineEventList,
  eventJson,
  eventsOfPatient,
  isPatientChange,
} from "../db/query/audit-list.ts";
import { can } from "../db/query/permissions.ts";
import { successorColumn, successorStep, unlessMerged } from "../db/query/successor.ts";
import { intParam } from "../db/statement.ts";
import type { PatientAccess, PatientChange } from "./responses.ts";

const id = intParam("id");

/**
 * Whether the caller may read a patient's audit events: also those of a deleted patient, which it may want to
 * restore.
 */
const isAllowed = sql<boolean>`EXISTS (SELECT FROM patients p WHERE p.id = ${id} AND ${can("patients:read_audit_log")})`;

const auditEvent = (action: "history" | "accesses"): { columns: AuditEventColumns } => ({
  columns: { action, outcome: unlessMerged(readOutcome(isAllowed)), patient: id },
});

/** The successor of a merged patient: one whose audit events the caller may read. */
const successor = {
  steps: successorStep(isAllowed, can("patients:read_audit_log")),
  successor: successorColumn,
};

/** The changes of a patient. */
export const listPatientChanges = defineEventList<PatientChange>({
  name: "patients/list-changes",
  routes: "GET /api/patients/:id/history",
  json: changeJson(id),
  scans: { all: eventsOfPatient(id, isPatientChange) },
  isAllowed,
  ...successor,
  auditEvent: auditEvent("history"),
});

/** Everybody who read or changed a patient, or tried to. */
export const listPatientAccesses = defineEventList<PatientAccess>({
  name: "patients/list-accesses",
  routes: "GET /api/patients/:id/accesses",
  // The account that an admin linked to a doctor of the patient.
  json: eventJson({ subjects: sql`'"subject":' || e.subject_id`, changed: changedValuesOfPatient(id) }),
  scans: { all: eventsOfPatient(id) },
  isAllowed,
  ...successor,
  auditEvent: auditEvent("accesses"),
});
