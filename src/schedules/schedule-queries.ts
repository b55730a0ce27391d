import { type SQL, sql } from "drizzle-orm";
import { insertAuditEvent, writeOutcome } from "../db/query/audit.ts";
import { changesBetween } from "../db/query/audit-changes.ts";
import { authenticated, authenticatedRetryable } from "../db/query/authenticated.ts";
import { callerId, callerRecheck, callerSteps, refusalAfterWait, refusalColumn } from "../db/query/caller.ts";
import { isoTimestamp, jsonArray, jsonObject, stepJson } from "../db/query/json.ts";
import { can } from "../db/query/permissions.ts";
import {
  type ChangedRecord,
  type DeleteParams,
  type FindParams,
  type FoundRecord,
  foundColumns,
  foundRecordColumns,
  isChangeableVersion,
  isTargetWritable,
  targetColumns,
  versionTag,
} from "../db/query/resource.ts";
import { isKnownZone } from "../db/query/time-zones.ts";
import { intParam, param } from "../db/statement.ts";
import type { Schedule } from "./responses.ts";

// A doctor's weekly hours. In every statement the schedule is `sc`, its doctor `d`.

const id = intParam("id");
const timeZone = sql`${param("time_zone")}::text`;

/** A minute of a day as `09:30`; the end of the day is `24:00`. */
const timeOfDay = (minute: string): SQL =>
  sql.raw(`to_char(make_interval(mins => ${minute} - day * 1440), 'HH24:MI')`);

/** The hours of a schedule, day by day: what is one over midnight in the database is two here. */
const hours = sql`(
        SELECT ${jsonArray(
          sql`format('{"weekday":%s,"from":"%s","to":"%s"}', day + 1, ${timeOfDay("lower(h)")}, ${timeOfDay("upper(h)")})`,
          sql`h`,
        )}
        FROM generate_series(0, 6) day, unnest(sc.week * int4multirange(int4range(day * 1440, (day + 1) * 1440))) h
      )`;

const scheduleJson = sql`${jsonObject(sql`sc.doctor_id AS doctor, sc.time_zone, sc.slot_minutes, ${hours} AS hours,
      ${isoTimestamp("sc.updated_at")} AS updated_at, sc.version`)}::text`;

/** Reads a doctor's schedule. Not audited: like the doctor, it is part of a directory. */
export const findSchedule = authenticatedRetryable<FoundRecord<Schedule>, FindParams>(
  "schedules/find",
  () => sql`-- GET /api/doctors/:id/schedule
  WITH ${callerSteps},
  found AS (
    SELECT ${foundColumns("sc.version", scheduleJson)}
    FROM schedules sc JOIN doctors d ON d.id = sc.doctor_id WHERE d.id = ${id} AND ${can("doctors:read")}
  )
SELECT ${refusalColumn}, ${foundRecordColumns}
FROM token_account`,
);

/** What the audit log says of a schedule. */
const settingsOf = (step: string) =>
  stepJson(sql`sc.time_zone, sc.slot_minutes, ${hours} AS hours`, `${step} sc`);

/**
 * Sets a doctor's schedule, whole. `isNew`: there was none. Nothing is changed when PostgreSQL does not know the time
 * zone, or `others` open appointments count their days in another one.
 *
 * Bookings with the doctor wait for `lock_schedule`, and it for them (drizzle/0035_appointments.sql): it is VOLATILE,
 * so it sees a schedule that a concurrent request has set. The statement's own snapshot does not, but ON CONFLICT does.
 *
 * `must_exist`: whether the request has `If-Match`, which is false when there is no schedule.
 */
export const putSchedule = authenticated<
  ChangedRecord<Schedule> & { isNew: boolean; isKnownZone: boolean; others: number },
  DeleteParams & { must_exist: boolean; time_zone: string; slot_minutes: number; week: string }
>(
  "schedules/put",
  () => sql`-- PUT /api/doctors/:id/schedule
  WITH ${callerSteps},
  doctor AS (
    SELECT d.id, ${can("schedules:change")} AS can_change
    FROM doctors d WHERE d.id = ${id} AND ${can("doctors:read")} AND ${callerId} IS NOT NULL
    FOR KEY SHARE
  ),
  schedule AS (SELECT sc.* FROM doctor, lock_schedule(doctor.id) sc WHERE doctor.can_change),
  ${callerRecheck("doctor", "schedule")},
  target AS (
    SELECT doctor.can_change, CASE WHEN schedule.doctor_id IS NULL THEN NOT ${param("must_exist")}::boolean
      ELSE ${isChangeableVersion("schedule.version")} END AS is_expected_version
    FROM doctor LEFT JOIN schedule ON true
  ),
  new_zone AS (
    SELECT ${isKnownZone(timeZone)} AS is_known, appointments_in_other_zone(${id}, ${timeZone}) AS others
    FROM target LEFT JOIN schedule ON true
    WHERE ${isTargetWritable} AND lower(schedule.time_zone COLLATE "C")
        IS DISTINCT FROM lower(${timeZone} COLLATE "C")
  ),
  changed AS (
    INSERT INTO schedules AS sc (doctor_id, time_zone, slot_minutes, week)
    SELECT ${id}, ${timeZone}, ${param("slot_minutes")}::smallint, ${param("week")}::int4multirange
    FROM target WHERE ${isTargetWritable} AND NOT EXISTS (SELECT FROM new_zone WHERE NOT is_known OR others > 0)
    ON CONFLICT (doctor_id) DO UPDATE SET time_zone = EXCLUDED.time_zone, slot_minutes = EXCLUDED.slot_minutes,
      week = EXCLUDED.week, updated_at = now(), version = sc.version + 1
    RETURNING sc.*
  ),
  ${insertAuditEvent({
    action: "schedule",
    outcome: writeOutcome(sql`EXISTS (SELECT FROM target)`, sql`EXISTS (SELECT FROM changed)`),
    doctor: id,
    changes: sql`(SELECT ${changesBetween(settingsOf("schedule"), settingsOf("changed"))} FROM changed)`,
  })}
SELECT ${refusalAfterWait("doctor")}, ${targetColumns}, NOT EXISTS (SELECT FROM schedule) AS "isNew",
  NOT EXISTS (SELECT FROM new_zone WHERE NOT is_known) AS "isKnownZone", coalesce((SELECT others FROM new_zone), 0) AS others,
  (SELECT ${versionTag("version")} FROM changed) AS etag, (SELECT ${scheduleJson} FROM changed sc) AS body
FROM token_account`,
);
