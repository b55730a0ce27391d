import { sql } from "drizzle-orm";
import { insertAuditEvent, writeOutcome } from "../db/query/audit.ts";
import { changesBetween } from "../db/query/audit-changes.ts";
import { authenticated } from "../db/query/authenticated.ts";
import {
  callerClinicId,
  callerId,
  callerRecheck,
  callerSteps,
  refusalAfterWait,
} from "../db/query/caller.ts";
import { stepJson } from "../db/query/json.ts";
import { type OpenAppointments, openAppointmentsColumn } from "../db/query/open-appointments.ts";
import { can } from "../db/query/permissions.ts";
import {
  type ChangedRecord,
  type ChangeParams,
  clinicRoleColumn,
  type DeleteParams,
  isChangeableVersion,
  isTargetWritable,
  sentChanges,
  type TargetState,
  targetColumns,
  versionTag,
} from "../db/query/resource.ts";
import { intParam } from "../db/statement.ts";
import { assignmentJson, formerPrimaryEvent } from "./queries.ts";
import type { Assignment } from "./responses.ts";

// Changing and ending an assignment, which is `m`. The doctor's own account, and readers and clerks of the patient's
// clinic, see it but may do neither.

const id = intParam("id");
const canChange = can("assignments:change");

/**
 * The step `target` locks the assignment, and its patient before it: `lock_assignment` in
 * drizzle/0034_assignment_life.sql. Only for those who see it.
 */
const targetSteps = sql`visible AS (
    SELECT m.id FROM mappings m
    WHERE m.id = ${id} AND m.owner_id IS NOT NULL AND ${callerId} IS NOT NULL
      AND (${can("assignments:list")} OR ${canChange})
  ),
  target AS (
    SELECT m.*, ${canChange} AS can_change, m.owner_id = ${callerClinicId} AS is_own, ${isChangeableVersion("m.version")} AS is_expected_version
    FROM visible, lock_assignment(visible.id) m
    WHERE m.owner_id IS NOT NULL AND (${can("assignments:list")} OR ${canChange})
  ),
  ${callerRecheck("target")}`;

/** Any attempt is audited with the patient of the assignment. */
const patient = sql`(SELECT m.patient_id FROM mappings m WHERE m.id = ${id})`;

/** What the audit log says of an assignment: the doctor tells it from others of the patient. */
const assignmentOf = (step: string) => sql`(
      SELECT json_build_object('assignment', json_build_object('doctor', doctor_id, 'role', role, 'primary', is_primary))
      FROM ${sql.raw(step)})`;

/**
 * Changes the role of an assignment, and whether it is the primary one of its patient. Another one that is primary becomes
 * an ordinary one first: the unique index `mappings_primary_key` has room for one. Two requests at once wait for each other
 * at the patient. Shown by test/races/assignments.test.ts.
 */
export const updateAssignment = authenticated<ChangedRecord<Assignment>, ChangeParams>(
  "assignments/update",
  () => sql`-- PATCH /api/mappings/:id
  WITH ${callerSteps},
  ${targetSteps},
  next AS (
    SELECT coalesce(${sentChanges} ->> 'role', target.role) AS role,
      coalesce((${sentChanges} ->> 'primary')::boolean, target.is_primary) AS is_primary
    FROM target
  ),
  former_primary AS (
    SELECT m.* FROM target, next, unset_primary(target.patient_id) m
    WHERE next.is_primary AND NOT target.is_primary AND ${isTargetWritable}
  ),
  changed AS (
    UPDATE mappings m SET role = next.role, is_primary = next.is_primary, version = target.version + 1
    FROM target, next, (SELECT count(*) FROM former_primary) unset
    WHERE m.id = target.id AND ${isTargetWritable}
    RETURNING m.*
  ),
  ${insertAuditEvent({
    action: "update_assignment",
    outcome: writeOutcome(sql`EXISTS (SELECT FROM target)`, sql`EXISTS (SELECT FROM changed)`),
    patient,
    changes: sql`(SELECT ${changesBetween(assignmentOf("target"), assignmentOf("changed"))} FROM changed)`,
  })},
  ${formerPrimaryEvent}
SELECT ${refusalAfterWait("target")}, ${targetColumns}, ${clinicRoleColumn}, (SELECT ${versionTag("version")} FROM changed) AS etag,
  (SELECT ${assignmentJson}::text FROM changed m) AS body
FROM token_account`,
);

const doctorOf = (step: string) => stepJson(sql`doctor_id AS doctor`, step);

/** The doctor's name. A current assignment has a doctor. */
const doctorName = sql`(SELECT btrim(d.firstname || ' ' || d.lastname) FROM doctors d WHERE d.id = m.doctor_id)`;

/**
 * Ends an assignment: moves it to `ended_assignments`. Not while the patient has open appointments with the doctor: a booking
 * locks the assignment, so `open_appointments` sees what was booked before this one waited for it.
 */
export const endAssignment = authenticated<
  TargetState & { openAppointments: OpenAppointments | null; isEnded: boolean },
  DeleteParams
>(
  "assignments/end",
  () => sql`-- DELETE /api/mappings/:id, DELETE /api/mappings/:id/delete
  WITH ${callerSteps},
  ${targetSteps},
  open_appointment AS (
    SELECT a.* FROM target, open_appointments(ARRAY[target.patient_id], target.doctor_id) a
    WHERE ${isTargetWritable}
  ),
  deleted AS (
    DELETE FROM mappings m USING target
    WHERE m.id = target.id AND ${isTargetWritable} AND NOT EXISTS (SELECT FROM open_appointment)
    RETURNING m.*
  ),
  ended AS (
    INSERT INTO ended_assignments (id, patient_id, owner_id, doctor_id, doctor_name, role, is_primary, version, assigned_at, ended_by)
    SELECT m.id, m.patient_id, m.owner_id, m.doctor_id, ${doctorName}, m.role, m.is_primary, m.version + 1, m.assigned_at, ${callerId}
    FROM deleted m
  ),
  ${insertAuditEvent({
    action: "unassign",
    outcome: writeOutcome(sql`EXISTS (SELECT FROM target)`, sql`EXISTS (SELECT FROM deleted)`),
    patient,
    changes: changesBetween(doctorOf("deleted"), sql`NULL`),
  })}
SELECT ${refusalAfterWait("target")}, ${targetColumns}, ${clinicRoleColumn}, ${openAppointmentsColumn("open_appointment")},
  EXISTS (SELECT FROM deleted) AS "isEnded"
FROM token_account`,
);
