import { sql } from "drizzle-orm";
import { insertAuditEvent, writeOutcome } from "../db/query/audit.ts";
import { authenticated } from "../db/query/authenticated.ts";
import { callerDoctorId, callerRecheck, callerSteps, refusalAfterWait } from "../db/query/caller.ts";
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
  canOverride,
  changedColumns,
  doctorOfAppointment,
  id,
  isOwn,
  isPast,
  isTooFarAhead,
  type NotBookable,
  notBookableColumn,
  patientOfAppointment,
  type RefusedFields,
  sent,
  sentNote,
} from "./steps.ts";

const [newDoctor, newStart] = [sql`${sent("doctor")}::int`, sql`${sent("starts_at")}::timestamptz`];
const overrideReason = sent("override_reason");
/** The doctor's own account books nobody with another doctor, so it moves no appointment to another one. */
const canMove = sql`(${canChange}
        AND (${can("appointments:change_doctor")} OR coalesce(${newDoctor}, a.doctor_id) IS NOT DISTINCT FROM ${callerDoctorId}))`;

interface MoveRow extends ChangedRecord<Appointment>, RefusedFields {
  status: string | null;
  /** Whether the patient was locked: otherwise nothing was checked. */
  isLocked: boolean;
  mayOverride: boolean | null;
  notBookable: NotBookable | null;
}

/**
 * Moves a booked appointment to another time or doctor. It takes the locks of a booking before that of the appointment,
 * and with them the calendar of the doctor that it leaves, in the order of the doctors' ids: an absence there, which cancels
 * appointments, must see this one or not. They are chosen by the snapshot of the statement: an appointment that has another
 * version after the waits is not moved. Shown by test/races/appointments.test.ts.
 */
export const moveAppointment = authenticated<MoveRow, ChangeParams>(
  "appointments/move",
  () => sql`-- PATCH /api/appointments/:id
  WITH ${callerSteps},
  requested AS (
    SELECT a.id, a.version, a.patient_id, a.owner_id, a.doctor_id AS former_doctor_id, l.*,
      ${isPast(sql`l.starts_at`)} AND (l.starts_at, l.doctor_id) <> (a.starts_at, a.doctor_id) AS is_past,
      ${isTooFarAhead(sql`l.starts_at`)} AND l.starts_at <> a.starts_at AS is_too_far_ahead
    FROM appointments a, LATERAL (
      SELECT coalesce(${newDoctor}, a.doctor_id) AS doctor_id, coalesce(${newStart}, a.starts_at) AS starts_at,
        coalesce(make_interval(mins => ${sent("minutes")}::int), a.ends_at - a.starts_at) AS length
    ) l
    WHERE a.id = ${id} AND ${can("appointments:read")} AND ${canMove} AND a.status = 'booked' AND ${isChangeableVersion("a.version")}
  ),
  patient AS (
    SELECT p.id, p.owner_id FROM requested, patients p
    WHERE p.id = requested.patient_id AND p.owner_id = requested.owner_id
    FOR KEY SHARE OF p
  ),
  doctor AS (
    -- Locked, so that it is not made inactive and keeps its limit.
    SELECT d.id, d.active, ${canOverride(sql`(SELECT owner_id FROM patient)`)} AS may_override FROM doctors d
    WHERE d.id = (SELECT doctor_id FROM requested) AND EXISTS (SELECT FROM patient)
    FOR SHARE
  ),
  assignments AS (
    -- Also the one that it leaves: who ends that one, and cancels its appointments, must see this one or not.
    SELECT m.patient_id, m.doctor_id FROM requested, patient, doctor, mappings m
    WHERE m.patient_id = patient.id AND m.doctor_id IN (doctor.id, requested.former_doctor_id)
    ORDER BY m.id
    FOR KEY SHARE OF m
  ),
  movable AS (
    SELECT requested.* FROM requested, doctor
    WHERE EXISTS (SELECT FROM assignments WHERE doctor_id = requested.doctor_id) AND doctor.active
      AND (${overrideReason} IS NULL OR doctor.may_override) AND NOT requested.is_past AND NOT requested.is_too_far_ahead
  ),
  calendars AS (
    SELECT lock_calendar(c.doctor_id) FROM (
      SELECT unnest(ARRAY[doctor_id, former_doctor_id]) AS doctor_id FROM movable ORDER BY 1 OFFSET 0
    ) c
  ),
  checked AS (
    SELECT movable.*, c.time_zone, c.rules, c.next_free
    FROM (SELECT * FROM movable WHERE (SELECT count(*) FROM calendars) > 0 OFFSET 0) movable, check_appointment(
      movable.doctor_id, movable.patient_id, movable.starts_at, movable.starts_at + movable.length, movable.id, ${overrideReason} IS NOT NULL) c
  ),
  target AS (
    SELECT a.*, ${canMove} AS can_change, ${isOwn} AS is_own, ${isChangeableVersion("a.version")} AS is_expected_version
    FROM appointments a
    WHERE a.id = ${id} AND ${can("appointments:read")} AND ${isAfter("checked")}
    FOR UPDATE
  ),
  ${callerRecheck("patient", "doctor", "assignments", "calendars", "checked", "target")},
  changed AS (
    UPDATE appointments a SET doctor_id = checked.doctor_id, starts_at = checked.starts_at, ends_at = checked.starts_at + checked.length,
      time_zone = checked.time_zone, override_reason = ${overrideReason}, note = ${sentNote}, updated_at = now(),
      version = target.version + 1
    FROM target, checked
    WHERE a.id = target.id AND target.version = checked.version AND checked.rules = '{}' AND ${isTargetWritable}
    RETURNING a.*
  ),
  ${insertAuditEvent({
    action: "reschedule",
    outcome: writeOutcome(sql`EXISTS (SELECT FROM target)`, sql`EXISTS (SELECT FROM changed)`),
    patient: patientOfAppointment,
    doctor: doctorOfAppointment,
    changes: sql`(SELECT ${appointmentChanges("target", "changed")} FROM target, changed)`,
    reason: overrideReason,
  })}
SELECT ${refusalAfterWait("target")}, ${targetColumns}, ${clinicRoleColumn}, (SELECT status FROM target) AS status,
  EXISTS (SELECT FROM doctor) AS "isDoctor", EXISTS (SELECT FROM doctor WHERE active) AS "isActive",
  EXISTS (SELECT FROM assignments, doctor WHERE doctor_id = doctor.id) AS "isAssigned", (SELECT may_override FROM doctor) AS "mayOverride",
  coalesce((SELECT is_past FROM requested), false) AS "isPast",
  coalesce((SELECT is_too_far_ahead FROM requested), false) AS "isTooFarAhead",
  EXISTS (SELECT FROM patient) AS "isLocked", ${notBookableColumn}, ${changedColumns}
FROM token_account`,
);
