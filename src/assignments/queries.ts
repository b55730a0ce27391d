import { sql } from "drizzle-orm";
import {
  insertFurtherAuditEvents,
  insertRetryableAuditEvent,
  readOutcome,
  writeOutcome,
} from "../db/query/audit.ts";
import { changesBetween } from "../db/query/audit-changes.ts";
import { authenticatedRetryable } from "../db/query/authenticated.ts";
import {
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
import { isoTimestamp, jsonArray, jsonBody, jsonObject } from "../db/query/json.ts";
import { isAfter } from "../db/query/lock-order.ts";
import { can } from "../db/query/permissions.ts";
import { type MergedState, successorColumn, successorStep, unlessMerged } from "../db/query/successor.ts";
import { intParam, type Json, param } from "../db/statement.ts";
import type { NewAssignment } from "./requests.ts";
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
      SELECT ${jsonArray(doctorSummary, sql`d.id`)}
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
const role = sql`${param("role")}::text`;
const isPrimary = sql`${param("primary")}::boolean`;

/** The current assignment `m` as the response has it. */
export const assignmentJson = jsonObject(
  sql`m.id, m.patient_id AS patient, m.doctor_id AS doctor, ${isoTimestamp("m.assigned_at")} AS assigned_at,
    m.role, m.is_primary AS "primary", NULL AS ended_at, NULL AS ended_by, m.version`,
);

/** What the audit log says of a new assignment. The usual role, and that it is not primary, are left out. */
const newAssignmentValues = sql`(
      SELECT json_strip_nulls(row_to_json(o)) FROM (
        SELECT doctor_id AS doctor, nullif(role, 'attending') AS role, nullif(is_primary, false) AS "primary" FROM draft
      ) o)`;

/**
 * The step `primary_event`: an event about the assignment that the step `former_primary` has made an ordinary one.
 * `unset_primary` (drizzle/0034_assignment_life.sql) returns it as it is then.
 */
export const formerPrimaryEvent = insertFurtherAuditEvents("primary_event", sql`former_primary f`, {
  action: "update_assignment",
  patient: sql`f.patient_id`,
  changes: changesBetween(
    sql`json_build_object('assignment', json_build_object('doctor', f.doctor_id, 'role', f.role, 'primary', true))`,
    sql`json_build_object('assignment', json_build_object('doctor', f.doctor_id, 'role', f.role, 'primary', false))`,
  ),
});

/**
 * Assigns a doctor to one of the caller's patients. Nothing is created, and no id is taken, unless both exist, the
 * doctor is `active` and is not `assigned` to the patient yet. Of two concurrent requests the second waits in
 * `assignment_taken` for an advisory lock and then finds the assignment: the function is VOLATILE, and so reads a
 * snapshot of its own under READ COMMITTED. Shown by test/races/unique.test.ts.
 *
 * A primary one locks its patient first. So of two, the second sees the first, and takes its place.
 */
export const createAssignment = idempotentCreate<
  Assignment,
  NewAssignment,
  { isAllowed: boolean; etag: string; patient: boolean; doctor: boolean; active: boolean; assigned: boolean }
>(
  "assignments/create",
  () => sql`-- POST /api/mappings
  WITH ${callerSteps},
  ${earlierKeySteps(
    // NULL is left out: a key from before there were roles stays the key of the same request.
    sql`concat_ws(' ', 'mappings', ${patient}, ${doctor}, nullif(${role}, 'attending'), CASE WHEN ${isPrimary} THEN 'primary' END)`,
    sql`EXISTS (
      SELECT FROM mappings m JOIN patients p ON p.id = m.patient_id WHERE m.id = k.record_id AND ${can("patients:read")}
    )`,
  )},
  patient AS (
    SELECT p.id, p.owner_id FROM patients p
    WHERE p.id = ${patient} AND ${can("patients:assign_doctor")}
  ),
  locked_patient AS (
    SELECT p.id FROM patients p
    WHERE p.id = (SELECT id FROM patient) AND ${isPrimary} AND NOT EXISTS (SELECT FROM earlier_key)
    FOR NO KEY UPDATE
  ),
  kept_patient AS (
    -- The lock of the foreign key, before the caller is locked. Shown by test/races/lock-order.test.ts.
    SELECT p.id FROM patients p
    WHERE p.id = (SELECT id FROM patient) AND NOT ${isPrimary} AND NOT EXISTS (SELECT FROM earlier_key)
    FOR KEY SHARE
  ),
  doctor AS (
    -- Locked, so that no patient is assigned to a doctor whom a concurrent request makes inactive or deletes.
    SELECT d.id, d.active FROM doctors d
    WHERE d.id = ${doctor} AND NOT EXISTS (SELECT FROM earlier_key) AND ${isAfter("locked_patient")} AND ${isAfter("kept_patient")}
    FOR SHARE
  ),
  assigned AS (
    SELECT FROM patient WHERE EXISTS (SELECT FROM doctor) AND assignment_taken(patient.id, ${doctor})
  ),
  ${callerRecheck("caller", "earlier_key", "locked_patient", "kept_patient", "doctor", "assigned")},
  draft AS (
    SELECT nextval('mappings_id_seq')::int AS id, patient.id AS patient_id, patient.owner_id, doctor.id AS doctor_id,
      now()::timestamptz(3) AS assigned_at, ${role} AS role, ${isPrimary} AS is_primary, 1 AS version
    FROM patient, doctor
    WHERE doctor.active AND ${isStillAccepted}
      AND NOT EXISTS (SELECT FROM earlier_key) AND NOT EXISTS (SELECT FROM assigned)
  ),
  response AS (SELECT m.id AS record_id, ${assignmentJson}::text AS answer FROM draft m),
  ${resultSteps},
  former_primary AS (
    SELECT m.* FROM draft, unset_primary(draft.patient_id) m WHERE draft.is_primary AND ${isNewResult}
  ),
  created AS (
    INSERT INTO mappings (id, patient_id, owner_id, doctor_id, assigned_at, role, is_primary) OVERRIDING SYSTEM VALUE
    SELECT id, patient_id, owner_id, doctor_id, assigned_at, role, is_primary
    FROM draft, (SELECT count(*) FROM former_primary) unset
    WHERE ${isNewResult}
  ),
  ${insertRetryableAuditEvent({
    action: createOrReplay("assign"),
    outcome: writeOutcome(
      sql`EXISTS (SELECT FROM patient) OR EXISTS (SELECT FROM result) OR NOT ${isStillAccepted}`,
      hasResult,
    ),
    patient,
    changes: sql`(SELECT ${changesBetween(sql`NULL`, newAssignmentValues)} FROM result WHERE is_new)`,
  })},
  ${formerPrimaryEvent}
SELECT ${refusalAfterWait("caller")}, ${can("assignments:create")} AS "isAllowed", ${createResultColumns}, '1' AS etag,
  EXISTS (SELECT FROM patient) AS patient, EXISTS (SELECT FROM doctor) AS doctor,
  EXISTS (SELECT FROM doctor WHERE active) AS active, EXISTS (SELECT FROM assigned) AS assigned
FROM token_account`,
);
