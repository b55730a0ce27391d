import { sql } from "drizzle-orm";
import { readOutcome } from "../db/query/steps/audit.ts";
import {
  changeJson,
  changesOfPatient,
  defineEventList,
  eventJson,
  eventsOfPatient,
} from "../db/query/steps/audit-list.ts";
import { can } from "../db/query/steps/permissions.ts";
import { intParam } from "../db/query/steps/statement.ts";
import { patients } from "../db/schema.ts";
import type { PatientAccess, PatientChange } from "./responses.ts";

const id = intParam("id");

/**
 * Whether the caller may read a patient's audit events: also those of a deleted patient, which it may want to
 * restore.
 */
const isAllowed = sql<boolean>`EXISTS (
  SELECT FROM ${patients} WHERE ${patients.id} = ${id} AND ${can("patients:read_audit_log")})`;

const auditEvent = (action: "history" | "accesses") => () => ({
  action,
  outcome: readOutcome(isAllowed),
  patients: sql`ARRAY[${id}]`,
});

/** The changes of a patient. */
export const listPatientChanges = defineEventList<PatientChange>(() => ({
  json: changeJson,
  scan: changesOfPatient(id),
  isAllowed,
  auditEvent: auditEvent("history"),
}));

/** Everybody who read or changed a patient, or tried to. */
export const listPatientAccesses = defineEventList<PatientAccess>(() => ({
  json: eventJson(),
  scan: eventsOfPatient(id),
  isAllowed,
  auditEvent: auditEvent("accesses"),
}));
