import { type SQL, sql } from "drizzle-orm";
import { changesBetween, readOutcome, writeOutcome } from "../db/query/steps/audit.ts";
import {
  authenticated,
  authenticatedRetryable,
  callerDoctorId,
  isRevokedDuringWait,
  recheckCaller,
  withoutRecheck,
} from "../db/query/steps/caller.ts";
import { idempotentCreate, nextId } from "../db/query/steps/idempotent-create.ts";
import { isoTimestamp, jsonArray, jsonBody, selectColumns, stepJson } from "../db/query/steps/json.ts";
import { can } from "../db/query/steps/permissions.ts";
import { exists, intParam, type Json, param } from "../db/query/steps/statement.ts";
import { assignments, doctors, patients } from "../db/schema.ts";
import type { Assignment, DoctorsOfPatient, ListedAssignment } from "./responses.ts";

const patientSummaryFields: (keyof ListedAssignment["patient"])[] = [
  "id",
  "firstname",
  "lastname",
  "age",
  "gender",
  "created_by",
];
const doctorSummaryFields: (keyof ListedAssignment["doctor"])[] = [
  "id",
  "firstname",
  "lastname",
  "specialization",
  "max_appointments_per_day",
  "gender",
  "active",
];
/** The columns of the patient and of the doctor that an assignment shows. */
export const patientSummary = selectColumns(patients, patientSummaryFields);
export const doctorSummary = selectColumns(doctors, doctorSummaryFields);

const patient = intParam("patient");
const doctor = intParam("doctor");

/** The doctors of a patient that the caller may read. `body` is null when there is no such patient. */
export const findDoctorsOfPatient = authenticatedRetryable<
  { body: Json<DoctorsOfPatient> | null },
  { id: number }
>(() => ({
  auditEvent: {
    action: "read",
    outcome: readOutcome(exists("found")),
    patients: sql`ARRAY[${intParam("id")}]`,
  },
  revoked: withoutRecheck,
  steps: {
    found: sql`
      SELECT ${patients.id} AS patient_id, ${patients.firstname} || ' ' || ${patients.lastname} AS patient, (
        SELECT ${jsonArray(doctorSummary, sql`${doctors.id}`)} FROM ${assignments}
        JOIN ${doctors} ON ${doctors.id} = ${assignments.doctor_id} WHERE ${assignments.patient_id} = ${patients.id}) AS doctors
      FROM ${patients} WHERE ${patients.id} = ${param("id")} AND ${can("patients:read")}`,
  },
  row: { body: jsonBody("found") },
}));

const doctorJson = (step: string): SQL => stepJson(sql`doctor_id AS doctor`, step);

/**
 * Assigns a doctor to one of the caller's patients. Nothing is created, and no id is taken, unless both exist, the
 * doctor is `active` and is not `assigned` to the patient yet. Of two concurrent requests the second waits in
 * `assignment_taken` for an advisory lock and then finds the assignment: the function is VOLATILE, and so reads a
 * snapshot of its own under READ COMMITTED. Shown by test/races/unique.test.ts.
 */
export const createAssignment = idempotentCreate<
  Assignment,
  { patient: number; doctor: number },
  { patient: boolean; doctor: boolean; active: boolean; assigned: boolean }
>(() => ({
  revoked: isRevokedDuringWait("doctor"),
  steps: {
    patient: sql`
      SELECT ${patients.id}, ${patients.owner_id} FROM ${patients}
      WHERE ${patients.id} = ${patient} AND ${can("patients:assign_doctor")}`,
    // Locked, so that no patient is assigned to a doctor whom a concurrent request makes inactive or deletes.
    doctor: sql`SELECT ${doctors.id}, ${doctors.active} FROM ${doctors} WHERE ${doctors.id} = ${doctor} FOR SHARE`,
    caller_recheck: recheckCaller("doctor"),
    assigned: sql`SELECT FROM patient WHERE assignment_taken(patient.id, ${doctor})`,
  },
  draft: sql`
    SELECT ${nextId(assignments)}::int AS id, patient.id AS patient_id, owner_id, doctor.id AS doctor_id,
      now()::timestamptz(3) AS assigned_at
    FROM patient, doctor WHERE active AND ${exists("caller_recheck")} AND NOT ${exists("assigned")}`,
  body: sql`(
    SELECT row_to_json(a)::text FROM (
      SELECT id, patient_id AS patient, doctor_id AS doctor, ${isoTimestamp(assignments.assigned_at)} AS assigned_at
      FROM draft ${assignments}) a)`,
  id: sql`(SELECT id FROM draft)`,
  auditEvent: {
    action: sql`'assign'`,
    outcome: writeOutcome(exists("patient"), exists("draft")),
    patients: sql`ARRAY[${patient}]`,
    changes: changesBetween(sql`NULL`, doctorJson("draft")),
  },
  replaySubjects: { patients: sql`ARRAY[${patient}]` },
  insert: (condition) => sql`
    INSERT INTO ${assignments} (id, patient_id, owner_id, doctor_id, assigned_at) OVERRIDING SYSTEM VALUE
    SELECT id, patient_id, owner_id, doctor_id, assigned_at FROM draft WHERE ${condition}`,
  requestText: sql`concat_ws(' ', 'mappings', ${patient}, ${doctor})`,
  extraColumns: {
    patient: exists("patient"),
    doctor: exists("doctor"),
    active: sql`EXISTS (SELECT FROM doctor WHERE active)`,
    assigned: exists("assigned"),
  },
}));

const id = intParam("id");
const canEnd = can("assignments:end");
const isRefused = exists("doctor_may_only_read");

/**
 * Ends an assignment of one of the caller's patients, or for an admin any assignment. `isRefused`: the caller is the
 * doctor's own account, which may see the assignment but not end it. Any attempt is audited with the assignment's
 * patient.
 */
export const deleteAssignment = authenticated<{ isDeleted: boolean; isRefused: boolean }, { id: number }>(
  () => ({
    auditEvent: {
      action: "unassign",
      outcome: writeOutcome(isRefused, exists("deleted")),
      patients: sql`ARRAY(SELECT ${assignments.patient_id} FROM ${assignments} WHERE ${assignments.id} = ${id})`,
      changes: changesBetween(doctorJson("deleted"), sql`NULL`),
    },
    revoked: isRevokedDuringWait("caller"),
    steps: {
      caller_recheck: recheckCaller("caller"),
      doctor_may_only_read: sql`
        SELECT FROM ${assignments}
        WHERE ${assignments.id} = ${id} AND ${assignments.current_doctor_id} = ${callerDoctorId} AND NOT ${canEnd}`,
      deleted: sql`
        DELETE FROM ${assignments}
        WHERE ${assignments.id} = ${id} AND ${assignments.owner_id} IS NOT NULL AND ${canEnd} AND ${exists("caller_recheck")}
        RETURNING ${assignments.doctor_id}`,
    },
    row: { isDeleted: exists("deleted"), isRefused },
  }),
);
