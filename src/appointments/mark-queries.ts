import { sql } from "drizzle-orm";
import { insertAuditEvent, writeOutcome } from "../db/query/audit.ts";
import { authenticated } from "../db/query/authenticated.ts";
import { callerRecheck, callerSteps, refusalAfterWait } from "../db/query/caller.ts";
import { isAfter } from "../db/query/lock-order.ts";
import { can } from "../db/query/permissions.ts";
import {
  type ChangedRecord,
  type ChangeParams,
  clinicRoleColumn,
  isChangeableVersion,
  isTargetWritable,
  targetColumns,
} from "../db/query/resource.ts";
import type { Appointment } from "./responses.ts";
import {
  appointmentChanges,
  canChange,
  changedColumns,
  doctorOfAppointment,
  id,
  isOwn,
  patientOfAppointment,
  sent,
  sentNote,
} from "./steps.ts";

const newStatus = sent("status");

/**
 * Which statuses may follow on that of `a`. Fulfilled and cancelled ones are final. A `no_show` is not open: its
 * assignment may have ended.
 */
const isTransition = sql`(${newStatus} IS NULL OR CASE a.status
        WHEN 'booked' THEN ${newStatus} <> 'booked'
        WHEN 'arrived' THEN ${newStatus} IN ('booked', 'fulfilled', 'cancelled')
        WHEN 'no_show' THEN ${newStatus} = 'arrived' AND EXISTS (SELECT FROM reopened_assignment)
        ELSE false END)`;

/** Whether it is time for the new status. */
const isDue = sql`CASE
        WHEN ${newStatus} IN ('arrived', 'fulfilled') THEN (now() AT TIME ZONE a.time_zone)::date >= a.day
        WHEN ${newStatus} = 'no_show' THEN now() >= a.starts_at
        ELSE true END`;

/** The row of a mark. `isTransition` and `isDue`: whether the status allows the new one, and whether it is time for it. */
type MarkRow = ChangedRecord<Appointment> & {
  status: string | null;
  isTransition: boolean | null;
  isDue: boolean | null;
};

/**
 * Gives an appointment another status, or a note. A cancelled one frees its time and its place on the day. One that is open
 * again locks its patient and its assignment first, as a booking does: neither ends meanwhile.
 */
export const markAppointment = authenticated<MarkRow, ChangeParams>(
  "appointments/mark",
  () => sql`-- PATCH /api/appointments/:id
  WITH ${callerSteps},
  reopened_patient AS (
    SELECT p.id, a.doctor_id FROM appointments a JOIN patients p ON p.id = a.patient_id AND p.owner_id = a.owner_id
    WHERE a.id = ${id} AND ${canChange} AND a.status = 'no_show' AND ${newStatus} = 'arrived'
    FOR KEY SHARE OF p
  ),
  reopened_assignment AS (
    SELECT m.id FROM reopened_patient p JOIN mappings m ON m.patient_id = p.id AND m.doctor_id = p.doctor_id
    FOR KEY SHARE OF m
  ),
  target AS (
    SELECT a.*, ${canChange} AS can_change, ${isOwn} AS is_own,
      ${isChangeableVersion("a.version")} AS is_expected_version, ${isTransition} AS is_transition, ${isDue} AS is_due
    FROM appointments a
    WHERE a.id = ${id} AND ${can("appointments:read")} AND ${isAfter("reopened_assignment")}
    FOR UPDATE
  ),
  ${callerRecheck("reopened_patient", "reopened_assignment", "target")},
  changed AS (
    UPDATE appointments a SET status = coalesce(${newStatus}, a.status),
      cancel_reason = CASE WHEN ${newStatus} IS NULL THEN a.cancel_reason ELSE ${sent("cancel_reason")} END,
      note = ${sentNote}, updated_at = now(), version = target.version + 1
    FROM target
    WHERE a.id = target.id AND target.is_transition AND target.is_due AND ${isTargetWritable}
    RETURNING a.*
  ),
  ${insertAuditEvent({
    action: sql`CASE WHEN ${newStatus} = 'cancelled' THEN 'cancel' ELSE 'update_appointment' END`,
    outcome: writeOutcome(sql`EXISTS (SELECT FROM target)`, sql`EXISTS (SELECT FROM changed)`),
    patient: patientOfAppointment,
    doctor: doctorOfAppointment,
    changes: sql`(SELECT ${appointmentChanges("target", "changed")} FROM target, changed)`,
  })}
SELECT ${refusalAfterWait("target")}, ${targetColumns}, ${clinicRoleColumn}, (SELECT status FROM target) AS status,
  (SELECT is_transition FROM target) AS "isTransition", (SELECT is_due FROM target) AS "isDue", ${changedColumns}
FROM token_account`,
);
