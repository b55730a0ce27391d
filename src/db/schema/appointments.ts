import { sql } from "drizzle-orm";
import { check, date, index, integer, pgTable, text } from "drizzle-orm/pg-core";
import { foreignKeyTo, isOneOf, timestampColumn, timestampDefaultNow, versionColumn } from "../columns.ts";
import { users } from "./accounts.ts";
import { appointmentStatuses } from "./codes.ts";
import { doctors } from "./doctors.ts";
import { patients } from "./patients.ts";

/**
 * Appointments of patients with doctors. All but cancelled ones hold their time and count against the limit of the day. The
 * migration (drizzle/0035_appointments.sql) has the constraints that Drizzle cannot express: no two at once for a doctor
 * or a patient, and no more on a day than the doctor's limit.
 */
export const appointments = pgTable(
  "appointments",
  {
    id: integer().primaryKey().generatedAlwaysAsIdentity(),
    patient_id: integer().notNull(),
    /** The owner of the patient, null while the patient is deleted: a copy, as in `mappings`. */
    owner_id: integer(),
    doctor_id: integer().notNull(),
    starts_at: timestampColumn().notNull(),
    ends_at: timestampColumn().notNull(),
    /** The doctor's time zone when it was booked or moved: its day does not change any more. */
    time_zone: text().notNull(),
    /** The date of `starts_at` in the time zone. */
    day: date().notNull().generatedAlwaysAs(sql`(starts_at AT TIME ZONE time_zone)::date`),
    status: text({ enum: appointmentStatuses }).notNull().default("booked"),
    note: text(),
    cancel_reason: text(),
    /** Why it was booked although the day was full, the doctor absent, or the time outside the hours. */
    override_reason: text(),
    created_by: integer().notNull(),
    created_at: timestampDefaultNow(),
    updated_at: timestampDefaultNow(),
    version: versionColumn(),
  },
  (t) => [
    foreignKeyTo(
      "appointments_patient_fkey",
      [t.owner_id, t.patient_id],
      [patients.owner_id, patients.id],
    ).onUpdate("cascade"),
    foreignKeyTo("appointments_patient_id_fkey", [t.patient_id], [patients.id]).onDelete("cascade"),
    foreignKeyTo("appointments_doctor_id_fkey", [t.doctor_id], [doctors.id]),
    foreignKeyTo("appointments_created_by_fkey", [t.created_by], [users.id]),
    check("appointments_status_check", isOneOf(t.status, appointmentStatuses)),
    check(
      "appointments_ends_at_check",
      sql`${t.ends_at} BETWEEN ${t.starts_at} + interval '5 minutes' AND ${t.starts_at} + interval '8 hours'`,
    ),
    check(
      "appointments_starts_at_check",
      sql`isfinite(${t.starts_at}) AND ${t.starts_at} AT TIME ZONE 'UTC' = date_trunc('minute', ${t.starts_at} AT TIME ZONE 'UTC')`,
    ),
    check("appointments_note_check", sql`char_length(${t.note}) <= 500`),
    check(
      "appointments_cancel_reason_check",
      sql`(${t.cancel_reason} IS NULL OR ${t.status} = 'cancelled') AND char_length(${t.cancel_reason}) <= 200`,
    ),
    check("appointments_override_reason_check", sql`char_length(${t.override_reason}) BETWEEN 10 AND 500`),
    // A deleted patient has no open appointments.
    check(
      "appointments_owner_id_check",
      sql`${t.owner_id} IS NOT NULL OR ${t.status} NOT IN ('booked', 'arrived')`,
    ),
    // Those that count against the limit of a day.
    index("appointments_doctor_id_day_idx").on(t.doctor_id, t.day).where(sql`${t.status} <> 'cancelled'`),
    // The lists of a clinic, of a doctor and of a patient: by time and by id.
    index("appointments_owner_id_starts_at_id_idx").on(t.owner_id, t.starts_at, t.id),
    index("appointments_owner_id_id_idx").on(t.owner_id, t.id),
    // Those of a clinic with one doctor: others may have many more with that doctor (test/db/appointment-plans.test.ts).
    index("appointments_doctor_id_owner_id_starts_at_id_idx").on(t.doctor_id, t.owner_id, t.starts_at, t.id),
    index("appointments_doctor_id_owner_id_id_idx").on(t.doctor_id, t.owner_id, t.id),
    index("appointments_doctor_id_starts_at_id_idx").on(t.doctor_id, t.starts_at, t.id),
    index("appointments_doctor_id_id_idx").on(t.doctor_id, t.id),
    index("appointments_patient_id_starts_at_id_idx").on(t.patient_id, t.starts_at, t.id),
  ],
);
