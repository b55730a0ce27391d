import { sql } from "drizzle-orm";
import { insertRetryableAuditEvent, writeOutcome } from "../db/query/audit.ts";
import { authenticatedRetryable } from "../db/query/authenticated.ts";
import {
  callerClinicId,
  callerId,
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
import { isAfter } from "../db/query/lock-order.ts";
import { can } from "../db/query/permissions.ts";
import { type FindParams, type FoundRecord, foundColumns, foundRecordColumns } from "../db/query/resource.ts";
import { intParam, param } from "../db/statement.ts";
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

/** One appointment that the caller may read. */
export const findAppointment = authenticatedRetryable<FoundRecord<Appointment>, FindParams>(
  "appointments/find",
  () => sql`-- GET /api/appointments/:id
  WITH ${callerSteps},
  found AS (
    SELECT ${foundColumns("a.version", appointmentJson)}
    FROM appointments a WHERE a.id = ${id} AND ${can("appointments:read")}
  ),
  ${insertRetryableAuditEvent({
    action: "read",
    outcome: writeOutcome(
      sql`EXISTS (SELECT FROM found)`,
      sql`EXISTS (SELECT FROM found WHERE is_expected_version)`,
    ),
    patient: patientOfAppointment,
    doctor: doctorOfAppointment,
  })}
SELECT ${refusalColumn}, ${foundRecordColumns}
FROM token_account`,
);

const [patient, doctor, minutes] = [intParam("patient"), intParam("doctor"), intParam("minutes")];
const startsAt = sql`${param("starts_at")}::timestamptz`;
const [note, overrideReason] = [sql`${param("note")}::text`, sql`${param("override_reason")}::text`];

/** Whether the patient is the clinic's, and the caller only lacks the role. */
const lacksRole = sql`EXISTS (
    SELECT FROM patients p WHERE p.id = ${patient} AND p.owner_id = ${callerClinicId} AND ${can("appointments:book")} IS NOT TRUE
  )`;

interface BookRow extends RefusedFields {
  lacksRole: boolean;
  isPatient: boolean;
  mayOverride: boolean | null;
  notBookable: NotBookable | null;
  etag: string;
}

/** What is booked. `starts_at` is in UTC. */
interface BookParams {
  patient: number;
  doctor: number;
  starts_at: string;
  minutes: number | null;
  note: string | null;
  override_reason: string | null;
}

/**
 * Books an appointment, at most once for each idempotency key. It locks the patient, the doctor and the assignment, so that
 * none of them ends meanwhile, and then the calendars, in `check_appointment` (drizzle/0035_appointments.sql), which decides.
 * No id is taken for one that is refused. Shown by test/races/appointments.test.ts.
 */
export const bookAppointment = idempotentCreate<Appointment, BookParams, BookRow>(
  "appointments/book",
  () => sql`-- POST /api/appointments
  WITH ${callerSteps},
  ${earlierKeySteps(
    // As JSON: a note may have any text. The moment, not how it was written.
    sql`json_build_array('appointments', ${patient}, ${doctor}, extract(epoch FROM ${startsAt}), ${minutes}, ${note}, ${overrideReason})::text`,
    sql`EXISTS (SELECT FROM appointments a WHERE a.id = k.record_id AND ${can("appointments:read")})`,
  )},
  patient AS (
    SELECT p.id, p.owner_id FROM patients p
    WHERE p.id = ${patient} AND ${can("appointments:book")} AND NOT EXISTS (SELECT FROM earlier_key)
    FOR KEY SHARE
  ),
  doctor AS (
    -- Locked, so that it is not made inactive and keeps its limit.
    SELECT d.id, d.active, ${canOverride(sql`(SELECT owner_id FROM patient)`)} AS may_override FROM doctors d
    WHERE d.id = ${doctor} AND ${isAfter("patient")} AND NOT EXISTS (SELECT FROM earlier_key)
    FOR SHARE
  ),
  assigned AS (
    SELECT m.patient_id, m.doctor_id FROM patient, doctor, mappings m
    WHERE m.patient_id = patient.id AND m.doctor_id = doctor.id
    FOR KEY SHARE OF m
  ),
  requested AS (
    SELECT assigned.patient_id, assigned.doctor_id, ${startsAt} AS starts_at,
      ${startsAt} + make_interval(mins => coalesce(
        ${minutes}, (SELECT s.slot_minutes FROM schedules s WHERE s.doctor_id = assigned.doctor_id), 30)) AS ends_at
    FROM assigned, doctor
    WHERE doctor.active AND (${overrideReason} IS NULL OR doctor.may_override)
      AND NOT ${isPast(startsAt)} AND NOT ${isTooFarAhead(startsAt)}
  ),
  checked AS (
    SELECT requested.*, c.time_zone, c.rules, c.next_free
    FROM requested, check_appointment(
      requested.doctor_id, requested.patient_id, requested.starts_at, requested.ends_at, NULL, ${overrideReason} IS NOT NULL) c
  ),
  ${callerRecheck("caller", "earlier_key", "patient", "doctor", "assigned", "checked")},
  draft AS (
    SELECT nextval('appointments_id_seq')::int AS id, checked.patient_id, patient.owner_id, checked.doctor_id,
      checked.starts_at::timestamptz(3) AS starts_at, checked.ends_at::timestamptz(3) AS ends_at, checked.time_zone,
      (checked.starts_at AT TIME ZONE checked.time_zone)::date AS day, 'booked' AS status, ${note} AS note,
      NULL::text AS cancel_reason, ${overrideReason} AS override_reason, ${callerId} AS created_by,
      now()::timestamptz(3) AS created_at, now()::timestamptz(3) AS updated_at, 1 AS version
    FROM checked, patient
    WHERE checked.rules = '{}' AND ${isStillAccepted}
  ),
  response AS (SELECT a.id AS record_id, ${appointmentJson} AS answer FROM draft a),
  ${resultSteps},
  created AS (
    INSERT INTO appointments (id, patient_id, owner_id, doctor_id, starts_at, ends_at, time_zone, note, override_reason,
      created_by, created_at, updated_at) OVERRIDING SYSTEM VALUE
    SELECT id, patient_id, owner_id, doctor_id, starts_at, ends_at, time_zone, note, override_reason, created_by, created_at, updated_at
    FROM draft WHERE ${isNewResult}
  ),
  ${insertRetryableAuditEvent({
    action: createOrReplay("book"),
    outcome: writeOutcome(
      sql`EXISTS (SELECT FROM patient) OR EXISTS (SELECT FROM result) OR ${lacksRole} OR NOT ${isStillAccepted}`,
      hasResult,
    ),
    patient,
    doctor,
    changes: sql`(SELECT ${appointmentChanges(undefined, "draft")} FROM draft WHERE ${isNewResult})`,
    reason: overrideReason,
  })}
SELECT ${refusalAfterWait("caller")}, ${createResultColumns}, '1' AS etag, ${lacksRole} AS "lacksRole",
  EXISTS (SELECT FROM patient) AS "isPatient", EXISTS (SELECT FROM doctor) AS "isDoctor",
  EXISTS (SELECT FROM doctor WHERE active) AS "isActive", (SELECT may_override FROM doctor) AS "mayOverride",
  EXISTS (SELECT FROM assigned) AS "isAssigned", ${isPast(startsAt)} AS "isPast", ${isTooFarAhead(startsAt)} AS "isTooFarAhead",
  ${notBookableColumn}
FROM token_account`,
);
