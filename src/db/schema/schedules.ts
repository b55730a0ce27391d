import { sql } from "drizzle-orm";
import { check, customType, index, integer, pgTable, smallint, text } from "drizzle-orm/pg-core";
import { foreignKeyTo, timestampColumn, timestampDefaultNow, versionColumn } from "../columns.ts";
import { users } from "./accounts.ts";
import { doctors } from "./doctors.ts";

// When a doctor works (docs/decisions/0018-appointments.md).

/** Ranges of integers. Those that touch or overlap become one. */
const integerRanges = customType<{ data: string }>({ dataType: () => "int4multirange" });

/** A doctor's weekly hours, in the doctor's own time zone. */
export const schedules = pgTable(
  "schedules",
  {
    doctor_id: integer().primaryKey(),
    /** An IANA name, as it was sent. */
    time_zone: text().notNull(),
    /** The usual length of an appointment in minutes, and the step from one free slot to the next. */
    slot_minutes: smallint().notNull(),
    /** The hours as minutes since Monday 00:00. */
    week: integerRanges().notNull(),
    updated_at: timestampDefaultNow(),
    version: versionColumn(),
  },
  (t) => [
    foreignKeyTo("schedules_doctor_id_fkey", [t.doctor_id], [doctors.id]).onDelete("cascade"),
    // An unknown name is an error of this expression (22023).
    check(
      "schedules_time_zone_check",
      sql`char_length(${t.time_zone}) <= 64 AND (timestamp 'epoch' AT TIME ZONE ${t.time_zone}) IS NOT NULL`,
    ),
    check("schedules_slot_minutes_check", sql`${t.slot_minutes} BETWEEN 5 AND 480`),
    check("schedules_week_check", sql`${t.week} <@ '{[0,10080)}'::int4multirange`),
  ],
);

/** A time in which a doctor does not work, whatever the hours say. */
export const absences = pgTable(
  "absences",
  {
    id: integer().primaryKey().generatedAlwaysAsIdentity(),
    doctor_id: integer().notNull(),
    starts_at: timestampColumn().notNull(),
    ends_at: timestampColumn().notNull(),
    created_by: integer().notNull(),
    created_at: timestampDefaultNow(),
  },
  (t) => [
    foreignKeyTo("absences_doctor_id_fkey", [t.doctor_id], [doctors.id]).onDelete("cascade"),
    foreignKeyTo("absences_created_by_fkey", [t.created_by], [users.id]),
    check(
      "absences_ends_at_check",
      sql`${t.ends_at} > ${t.starts_at} AND ${t.ends_at} <= ${t.starts_at} + interval '366 days'`,
    ),
    index("absences_doctor_id_starts_at_id_idx").on(t.doctor_id, t.starts_at, t.id),
  ],
);
