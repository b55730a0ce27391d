import { sql } from "drizzle-orm";
import { insertAuditEvent, insertRetryableAuditEvent, readOutcome, writeOutcome } from "../db/query/audit.ts";
import { changesBetween } from "../db/query/audit-changes.ts";
import {
  authenticated,
  authenticatedRetryable,
  callerClinicId,
  callerRecheck,
  callerSteps,
  isStillAccepted,
  refusalAfterWait,
  refusalColumn,
} from "../db/query/caller.ts";
import {
  createOrReplay,
  createResultColumns,
  earlierKeySteps,
  hasResult,
  idempotentCreate,
  isNewResult,
  resultSteps,
} from "../db/query/idempotent-create.ts";
import { isoTimestamp, jsonArray, jsonBody, jsonObject, stepJson } from "../db/query/json.ts";
import { can } from "../db/query/permissions.ts";
import { type MergedState, successorColumn, successorStep, unlessMerged } from "../db/query/successor.ts";
import { intParam, type Json } from "../db/statement.ts";
import type { Assignment, DoctorsOfPatient } from "./responses.ts";
import { doctorSummary } from "./summaries.ts";

// In every statement the assignment is `m`, its patient `p` and its doctor `d`.

const id = intParam("id");

/** The doctors of a patient that the caller may read. `body` is null when there is no such patient. */
export const findDoctorsOfPatient = authenticatedRetryable<
  MergedState & { body: Json<DoctorsOfPatient> | null },
  { id: number }
>(
  "assignments/find-doctors-of-patient",
  () => sql`-- GET /api/mappings/:id
  WITH ${callerSteps},
  found AS (
    SELECT p.id AS patient_id, btrim(p.firstname || ' ' || p.lastname) AS patient, (
      SELECT ${jsonArray(sql`concat(${doctorSummary})`, sql`d.id`)}
      FROM mappings m JOIN doctors d ON d.id = m.doctor_id WHERE m.patient_id = p.id
    ) AS doctors
    FROM patients p WHERE p.id = ${id} AND ${can("patients:read")}
  ),
  ${successorStep(sql`EXISTS (SELECT FROM found)`)},
  ${insertRetryableAuditEvent({
    action: "read",
    outcome: unlessMerged(readOutcome(sql`EXISTS (SELECT FROM found)`)),
    patient: id,
  })}
SELECT ${refusalColumn}, ${jsonBody("found")} AS body, ${successorColumn}
FROM token_account`,
);

const patient = intParam("patient");
const doctor = intParam("doctor");
const doctorOf = (step: string) => stepJson(sql`doctor_id AS doctor`, step);

/** The assignment `m` as the response has it. */
const assignmentJson = jsonObject(
  sql`m.id, m.patient_id AS patient, m.doctor_id AS doctor, ${isoTimestamp("m.assigned_at")} AS assigned_at`,
);

/**
 * Assigns a doctor to one of the caller's patients. Nothing is created, and no id is taken, unless both exist, the
 * doctor is `active` and is not `assigned` to the patient yet. Of two concurrent requests the second waits in
 * `assignment_taken` for an advisory lock and then finds the assignment: the function is VOLATILE, and so reads a
 * snapshot of its own under READ COMMITTED. Shown by test/races/unique.test.ts.
 */
export const createAssignment = idempotentCreate<
  Assignment,
  { patient: number; doctor: number },
  { isAllowed: boolean; patient: boolean; doctor: boolean; active: boolean; assigned: boolean }
>(
  "assignments/create",
  () => sql`-- POST /api/mappings
  WITH ${callerSteps},
  ${earlierKeySteps(
    sql`concat_ws(' ', 'mappings', ${patient}, ${doctor})`,
    sql`EXISTS (
      SELECT FROM mappings m JOIN patients p ON p.id = m.patient_id WHERE m.id = k.record_id AND ${can("patients:read")}
    )`,
  )},
  patient AS (
    SELECT p.id, p.owner_id FROM patients p
    WHERE p.id = ${patient} AND ${can("patients:assign_doctor")}
  ),
  doctor AS (
    -- Locked, so that no patient is assigned to a doctor whom a concurrent request makes inactive or deletes.
    SELECT d.id, d.active FROM doctors d WHERE d.id = ${doctor} AND NOT EXISTS (SELECT FROM earlier_key)
    FOR SHARE
  ),
  assigned AS (
    SELECT FROM patient WHERE EXISTS (SELECT FROM doctor) AND assignment_taken(patient.id, ${doctor})
  ),
  ${callerRecheck("caller", "earlier_key", "doctor", "assigned")},
  draft AS (
    SELECT nextval('mappings_id_seq')::int AS id, patient.id AS patient_id, patient.owner_id, doctor.id AS doctor_id,
      now()::timestamptz(3) AS assigned_at
    FROM patient, doctor
    WHERE doctor.active AND ${isStillAccepted}
      AND NOT EXISTS (SELECT FROM earlier_key) AND NOT EXISTS (SELECT FROM assigned)
  ),
  response AS (SELECT m.id AS record_id, ${assignmentJson}::text AS answer FROM draft m),
  ${resultSteps},
  created AS (
    INSERT INTO mappings (id, patient_id, owner_id, doctor_id, assigned_at) OVERRIDING SYSTEM VALUE
    SELECT id, patient_id, owner_id, doctor_id, assigned_at FROM draft WHERE ${isNewResult}
  ),
  ${insertRetryableAuditEvent({
    action: createOrReplay("assign"),
    outcome: writeOutcome(
      sql`EXISTS (SELECT FROM patient) OR EXISTS (SELECT FROM result) OR NOT ${isStillAccepted}`,
      hasResult,
    ),
    patient,
    changes: sql`(SELECT ${changesBetween(sql`NULL`, doctorOf("draft"))} FROM result WHERE is_new)`,
  })}
SELECT ${refusalAfterWait("caller")}, ${can("assignments:create")} AS "isAllowed", ${createResultColumns},
  EXISTS (SELECT FROM patient) AS patient, EXISTS (SELECT FROM doctor) AS doctor,
  EXISTS (SELECT FROM doctor WHERE active) AS active, EXISTS (SELECT FROM assigned) AS assigned
FROM token_account`,
);

const canEnd = can("assignments:end");

/**
 * Ends an assignment of one of the clinic's patients, or for an admin any assignment. `isRefused`: the caller may see the
 * assignment but not end it, as the doctor's own account or because of its role in the clinic (`needsClinicRole`). Any attempt is audited with the assignment's
 * patient.
 */
export const deleteAssignment = authenticated<
  { isDeleted: boolean; isRefused: boolean; needsClinicRole: boolean },
  { id: number }
>(
  "assignments/delete",
  () => sql`-- DELETE /api/mappings/:id, DELETE /api/mappings/:id/delete
  WITH ${callerSteps},
  ${callerRecheck("caller")},
  may_only_read AS (
    SELECT m.owner_id = ${callerClinicId} AS needs_clinic_role FROM mappings m
    WHERE m.id = ${id} AND ${can("assignments:list")} AND NOT ${canEnd}
  ),
  deleted AS (
    DELETE FROM mappings m
    WHERE m.id = ${id} AND m.owner_id IS NOT NULL AND ${canEnd} AND ${isStillAccepted}
    RETURNING m.doctor_id
  ),
  ${insertAuditEvent({
    action: "unassign",
    outcome: writeOutcome(sql`EXISTS (SELECT FROM may_only_read)`, sql`EXISTS (SELECT FROM deleted)`),
    patient: sql`(SELECT m.patient_id FROM mappings m WHERE m.id = ${id})`,
    changes: changesBetween(doctorOf("deleted"), sql`NULL`),
  })}
SELECT ${refusalAfterWait("caller")}, EXISTS (SELECT FROM deleted) AS "isDeleted", EXISTS (SELECT FROM may_only_read) AS "isRefused",
  EXISTS (SELECT FROM may_only_read WHERE needs_clinic_role) AS "needsClinicRole"
FROM token_account`,
);
