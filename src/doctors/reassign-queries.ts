import { type SQL, sql } from "drizzle-orm";
import { insertAuditEvent, insertFurtherAuditEvents, permittedOutcome } from "../db/query/audit.ts";
import { changesBetween } from "../db/query/audit-changes.ts";
import { authenticated } from "../db/query/authenticated.ts";
import {
  callerClinicId,
  callerId,
  callerIsAdmin,
  callerRecheck,
  callerSteps,
  isStillAccepted,
  refusalAfterWait,
} from "../db/query/caller.ts";
import { jsonBody } from "../db/query/json.ts";
import {
  cancelledChange,
  type OpenAppointments,
  openAppointmentsColumn,
} from "../db/query/open-appointments.ts";
import { can } from "../db/query/permissions.ts";
import { intParam, type Json, param } from "../db/statement.ts";
import type { Reassignment } from "./responses.ts";

// A doctor who leaves: their current assignments end, and those to another doctor begin. The assignment is `m`.

const [id, to] = [intParam("id"), intParam("to")];
const patientIds = sql`${param("patients")}::int[]`;
const cancels = sql`${param("cancels")}::boolean`;
const reason = sql`${param("reason")}::text`;
const canReassign = can("assignments:reassign");
/** An admin reassigns the patients of all clinics, and must say why. */
const needsReason = sql`(${callerIsAdmin} AND ${reason} IS NULL)`;

/** How many assignments one request ends at most, within the deadline of a statement. */
const BATCH_SIZE = sql.raw("1000");

/** The first patients of the doctor, by an index that begins with these columns. */
const firstPatients = (condition: SQL) => sql`(
      SELECT m.patient_id FROM mappings m
      WHERE m.current_doctor_id = ${id} AND ${condition} AND (${patientIds} IS NULL OR m.patient_id = ANY (${patientIds}))
      ORDER BY m.patient_id LIMIT ${BATCH_SIZE}
      )`;

/** Whether the assignment `m` may be ended. Also after the wait for its patient, which may have another owner then. */
const isReassigned = sql`m.doctor_id = ${id} AND m.owner_id IS NOT NULL AND (${callerIsAdmin} OR m.owner_id = ${callerClinicId})`;

const doctorName = sql`(SELECT btrim(d.firstname || ' ' || d.lastname) FROM doctors d WHERE d.id = m.doctor_id)`;

const changeOfDoctor = (after: SQL) =>
  sql`json_build_object('doctor', json_build_object('before', ${id}, 'after', ${after}))`;

/** What the audit log says of an assignment to the other doctor that becomes the primary one. */
const receivingAssignment = (primary: SQL) =>
  sql`json_build_object('assignment', json_build_object('doctor', ${to}, 'primary', ${primary}))`;

/**
 * Ends the current assignments of a doctor and begins new ones to another doctor, with the same role. For managers those of
 * the clinic's patients, for admins all. Where the other doctor is assigned already, that assignment stays, and becomes the
 * primary one if the ended one was.
 *
 * Open appointments with the doctor are in the way, or are cancelled with `cancels`. A booking locks the assignment, so
 * `open_appointments` sees what was booked before this one waited for it.
 *
 * Patients are locked in the order of their ids, as transfers and merges lock them, and before the doctor, as the creation
 * of a primary assignment does.
 *
 * @returns its row: `body` is null when nothing was done: the caller may not (`isAllowed`), is an admin without a `reason`,
 *   or there is no such doctor (`isFound`) or no other active doctor `to` (`isReceiver`), or there are `openAppointments`.
 */
export const reassignPatients = authenticated<
  {
    isAllowed: boolean;
    needsReason: boolean;
    isFound: boolean;
    isReceiver: boolean;
    openAppointments: OpenAppointments | null;
    body: Json<Reassignment> | null;
  },
  { id: number; to: number; patients: number[] | null; cancels: boolean; reason: string | null }
>(
  "doctors/reassign",
  () => sql`-- POST /api/doctors/:id/reassign
  WITH ${callerSteps},
  batch AS (
    SELECT patient_id FROM (
      ${firstPatients(sql`m.owner_id = ${callerClinicId} AND NOT ${callerIsAdmin}`)}
      UNION ALL ${firstPatients(callerIsAdmin)}
    ) candidates
    WHERE ${canReassign} AND NOT ${needsReason}
  ),
  locked_patients AS (
    SELECT p.id FROM patients p WHERE p.id = ANY (ARRAY(SELECT patient_id FROM batch)) ORDER BY p.id
    FOR NO KEY UPDATE
  ),
  receiver AS (
    -- Locked, so that no patient is assigned to a doctor whom a concurrent request makes inactive or deletes.
    SELECT d.id FROM doctors d WHERE d.id = ${to} AND d.id <> ${id} AND d.active AND (SELECT count(*) FROM locked_patients) >= 0
    FOR SHARE
  ),
  locked_assignments AS (
    SELECT m.id, m.patient_id FROM mappings m, locked_patients, receiver
    WHERE m.patient_id = locked_patients.id AND ${isReassigned}
    ORDER BY m.patient_id
    FOR UPDATE OF m
  ),
  ${callerRecheck("caller", "locked_patients", "receiver", "locked_assignments")},
  found AS (SELECT d.id FROM doctors d WHERE d.id = ${id} AND ${canReassign} AND NOT ${needsReason} AND ${isStillAccepted}),
  open_appointment AS (
    SELECT a.* FROM found, open_appointments(ARRAY(SELECT patient_id FROM locked_assignments), ${id}) a
  ),
  cancelled AS (
    SELECT a.id, a.patient_id
    FROM cancel_appointments(CASE WHEN ${cancels} THEN ARRAY(SELECT id FROM open_appointment) END, 'The doctor has left.') a
  ),
  deleted AS (
    DELETE FROM mappings m USING locked_assignments, found, (SELECT count(*) FROM cancelled) cancelled
    WHERE m.id = locked_assignments.id AND (${cancels} OR NOT EXISTS (SELECT FROM open_appointment))
    RETURNING m.*
  ),
  ended AS (
    INSERT INTO ended_assignments (id, patient_id, owner_id, doctor_id, doctor_name, role, is_primary, version, assigned_at, ended_by)
    SELECT m.id, m.patient_id, m.owner_id, m.doctor_id, ${doctorName}, m.role, m.is_primary, m.version + 1, m.assigned_at, ${callerId}
    FROM deleted m
  ),
  created AS (
    INSERT INTO mappings (id, patient_id, owner_id, doctor_id, assigned_at, role, is_primary) OVERRIDING SYSTEM VALUE
    SELECT nextval('mappings_id_seq'), patient_id, owner_id, ${to}, now(), role, is_primary FROM deleted
    ON CONFLICT (patient_id, doctor_id) DO UPDATE SET is_primary = mappings.is_primary OR EXCLUDED.is_primary,
      version = mappings.version + (EXCLUDED.is_primary AND NOT mappings.is_primary)::int
    RETURNING patient_id, xmax = 0 AS is_new
  ),
  gained_primary AS (
    SELECT array_agg(patient_id ORDER BY patient_id) AS patients
    FROM created JOIN deleted USING (patient_id) WHERE NOT is_new AND deleted.is_primary
  ),
  response AS (
    SELECT (SELECT count(*)::int FROM created WHERE is_new) AS reassigned,
      (SELECT count(*)::int FROM created WHERE NOT is_new) AS already,
      (SELECT count(*)::int FROM cancelled) AS cancelled,
      (SELECT count(*) FROM batch) = ${BATCH_SIZE} AND ${patientIds} IS NULL AS more
    FROM found, receiver
    WHERE ${cancels} OR NOT EXISTS (SELECT FROM open_appointment)
  ),
  ${insertAuditEvent({
    action: "assign",
    outcome: permittedOutcome(
      canReassign,
      sql`WHEN EXISTS (SELECT FROM response) THEN 'done'\nELSE 'refused'`,
    ),
    patients: sql`ARRAY(SELECT patient_id FROM created WHERE is_new ORDER BY patient_id)`,
    doctor: id,
    changes: sql`(SELECT ${changeOfDoctor(to)} FROM response)`,
    reason,
  })},
  ${insertFurtherAuditEvents("unassign_event", sql`response WHERE already > 0`, {
    action: "unassign",
    patients: sql`ARRAY(SELECT patient_id FROM created WHERE NOT is_new ORDER BY patient_id)`,
    doctor: id,
    changes: changeOfDoctor(sql`NULL`),
    reason,
  })},
  ${insertFurtherAuditEvents("primary_event", sql`gained_primary WHERE patients IS NOT NULL`, {
    action: "update_assignment",
    patients: sql`gained_primary.patients`,
    doctor: to,
    changes: changesBetween(receivingAssignment(sql`false`), receivingAssignment(sql`true`)),
    reason,
  })},
  ${insertFurtherAuditEvents("cancel_event", sql`response WHERE cancelled > 0`, {
    action: "cancel",
    patients: sql`ARRAY(SELECT DISTINCT patient_id FROM cancelled ORDER BY patient_id)`,
    doctor: id,
    changes: cancelledChange("cancelled"),
    reason,
  })}
SELECT ${refusalAfterWait("caller")}, ${canReassign} AS "isAllowed", ${needsReason} AS "needsReason",
  EXISTS (SELECT FROM found) AS "isFound", EXISTS (SELECT FROM receiver) AS "isReceiver",
  ${openAppointmentsColumn("open_appointment")}, ${jsonBody("response")} AS body
FROM token_account`,
);
