import { type SQL, sql } from "drizzle-orm";
import { insertAuditEvent, writeOutcome } from "../db/query/audit.ts";
import {
  authenticated,
  callerClinicId,
  callerDoctorId,
  callerRecheck,
  callerSteps,
  refusalAfterWait,
} from "../db/query/caller.ts";
import { isAfter } from "../db/query/lock-order.ts";
import { can } from "../db/query/permissions.ts";
import {
  type ChangedRecord,
  type ChangeParams,
  hasChange,
  isChangeableVersion,
  isTargetWritable,
  sentChanges,
  targetColumns,
  versionTag,
} from "../db/query/resource.ts";
import type { Appointment } from "./responses.ts";
import {
  appointmentChanges,
  appointmentJson,
  canOverride,
  doctorOfAppointment,
  id,
  isPast,
  isTooFarAhead,
  type NotBookable,
  notBookableColumn,
  patientOfAppointment,
  type RefusedFields,
} from "./steps.ts";

// Moving an appointment, and giving it a status or a note. Readers of the patient's clinic, and who has emergency access, see it
// but may do neither.

/** What the changes have for a field, as text; NULL for none. */
const sent = (name: string): SQL => sql`(${sentChanges} ->> '${sql.raw(name)}')`;
const sentNote = sql`CASE WHEN ${hasChange("note")} THEN ${sent("note")} ELSE a.note END`;
const isOwn = sql`a.owner_id = ${callerClinicId}`;
/** Not NULL for an account that is no doctor's own. */
const canChange = sql`${can("appointments:change")} IS TRUE`;
const clinicRoleColumn = sql`(SELECT is_own AND NOT can_change FROM target) AS "needsClinicRole"`;
const resultColumns = sql`(SELECT ${versionTag("version")} FROM changed) AS etag,
  (SELECT ${appointmentJson} FROM changed a) AS body`;

const [newDoctor, newStart] = [sql`${sent("doctor")}::int`, sql`${sent("starts_at")}::timestamptz`];
const overrideReason = sent("override_reason");
/** The doctor's own account books nobody with another doctor, so it gives its appointments to no other one. */
const canMove = sql`(${canChange} AND (${isOwn} OR coalesce(${newDoctor}, a.doctor_id) = ${callerDoctorId}))`;

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
  EXISTS (SELECT FROM patient) AS "isLocked", ${notBookableColumn}, ${resultColumns}
FROM token_account`,
);

const newStatus = sent("status");

/**
 * Which statuses may follow on that of `a`. Fulfilled and cancelled ones are final. A `no_show` is not open: its assignment may
 * have ended.
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
  (SELECT is_transition FROM target) AS "isTransition", (SELECT is_due FROM target) AS "isDue", ${resultColumns}
FROM token_account`,
);
