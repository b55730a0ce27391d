import { type SQL, sql } from "drizzle-orm";
import {
  doneOrRefused,
  insertAuditEvent,
  insertAuditEventOf,
  type RequestOrigin,
  readOutcome,
} from "../db/query/audit.ts";
import { authenticated } from "../db/query/authenticated.ts";
import {
  callerDoctorId,
  callerId,
  callerRecheck,
  callerSteps,
  isStillAccepted,
  refusalAfterWait,
} from "../db/query/caller.ts";
import { isoTimestamp, jsonArray, jsonObject } from "../db/query/json.ts";
import { defineStatement, intParam, type Json, param } from "../db/statement.ts";
import type { CalendarAppointment } from "./icalendar.ts";
import { MAX_FEEDS } from "./requests.ts";

// In every statement the calendar feed is `cf`.

/** Whether a feed works (drizzle/0040_calendar_feeds_end.sql). */
export const isFeedValid = sql`is_feed_valid(cf)`;

/** The changes of an audit event, which name the feed: both are its id, or NULL where there is no such feed. */
const changesOfFeed = (before: SQL, after: SQL) =>
  sql`concat('{"feed":{"before":', coalesce((${before})::text, 'null'), ',"after":', coalesce((${after})::text, 'null'), '}}')::json`;

const doctor = intParam("doctor");
const isOwnDoctor = sql<boolean>`(${doctor} IS NULL OR EXISTS (SELECT FROM own_doctor))`;

const isBelowLimit = sql`(SELECT count(*) FROM valid_feed) < ${sql.raw(String(MAX_FEEDS))}`;

/**
 * Creates a calendar feed of the clinic in which the caller works, or of the doctor whose own account is calling. `id`
 * is null for another doctor, and when the account has as many feeds as it may have.
 *
 * `lock_valid_feeds` takes an advisory lock and then reads a snapshot of its own, so concurrent requests do not exceed
 * the limit. Shown by test/races/calendar-feeds.test.ts.
 */
export const createFeed = authenticated<
  { isOwnDoctor: boolean; id: number | null; created_at: string },
  { label: string; doctor: number | null; token_hash: string }
>(
  "calendar-feeds/create",
  () => sql`-- POST /api/calendar-feeds
  WITH ${callerSteps},
  -- Before the account: deleting a doctor locks the doctor, and then the account that is linked to it.
  own_doctor AS (SELECT d.id FROM doctors d WHERE d.id = ${doctor} AND d.id = ${callerDoctorId} FOR KEY SHARE),
  valid_feed AS (SELECT cf.id FROM caller, lock_valid_feeds(caller.id) cf),
  ${callerRecheck("caller", "own_doctor", "valid_feed")},
  created AS (
    INSERT INTO calendar_feeds (account_id, clinic_id, doctor_id, label, token_hash)
    SELECT id, clinic_id, ${doctor}, ${param("label")}::text, ${param("token_hash")}::text FROM caller
    WHERE ${isOwnDoctor} AND ${isBelowLimit} AND ${isStillAccepted}
    RETURNING id, created_at
  ),
  ${insertAuditEvent({
    action: "feed",
    outcome: doneOrRefused(sql`EXISTS (SELECT FROM created)`),
    doctor,
    changes: sql`(SELECT ${changesOfFeed(sql`NULL`, sql`id`)} FROM created)`,
  })}
SELECT ${refusalAfterWait("caller")}, ${isOwnDoctor} AS "isOwnDoctor", (SELECT id FROM created) AS id,
  (SELECT ${isoTimestamp("created_at")} FROM created) AS created_at
FROM token_account`,
);

/** Deletes one of the caller's calendar feeds, also one that does not work any more. */
export const deleteFeed = authenticated<{ isDeleted: boolean }, { id: number }>(
  "calendar-feeds/delete",
  () => sql`-- DELETE /api/calendar-feeds/:id
  WITH ${callerSteps},
  ${callerRecheck("caller")},
  deleted AS (
    DELETE FROM calendar_feeds cf
    WHERE cf.id = ${intParam("id")} AND cf.account_id = ${callerId} AND ${isStillAccepted}
    RETURNING cf.id, cf.doctor_id
  ),
  ${insertAuditEvent({
    action: "feed",
    outcome: readOutcome(sql`EXISTS (SELECT FROM deleted)`),
    doctor: sql`(SELECT doctor_id FROM deleted)`,
    changes: sql`(SELECT ${changesOfFeed(sql`id`, sql`NULL`)} FROM deleted)`,
  })}
SELECT ${refusalAfterWait("caller")}, EXISTS (SELECT FROM deleted) AS "isDeleted"
FROM token_account`,
);

/** How many appointments a calendar has at most, and of how many days before and after now. */
const MAX_EVENTS = 2000;
const DAYS_BEFORE = 31;
const DAYS_AFTER = 366;

const clinicOfFeed = sql`a.owner_id = (SELECT clinic_id FROM valid_feed WHERE doctor_id IS NULL)`;
const doctorOfFeed = sql`a.owner_id IS NOT NULL AND a.doctor_id = (SELECT doctor_id FROM valid_feed)`;
const isNext = sql`a.starts_at >= now() AND a.starts_at <= now() + ${sql.raw(`interval '${DAYS_AFTER} days'`)}`;
const isPast = sql`a.starts_at < now() AND a.starts_at >= now() - ${sql.raw(`interval '${DAYS_BEFORE} days'`)}`;

/** The nearest appointments before or after now. */
const nearestOf = (ofFeed: SQL, isInPeriod: SQL, direction: "ASC" | "DESC") => sql`(
        SELECT a.* FROM appointments a WHERE ${ofFeed} AND ${isInPeriod}
        ORDER BY a.starts_at ${sql.raw(direction)}, a.id ${sql.raw(direction)} LIMIT ${sql.raw(String(MAX_EVENTS))}
      )`;

/**
 * Reads the calendar of a feed. There is no row when the token is unknown, or the feed does not work any more; the latter is
 * audited as refused. When there are more appointments than a calendar has at most, the next ones come first, and then the
 * latest of the past.
 */
export const readCalendar = defineStatement<
  { label: string; appointments: Json<CalendarAppointment[]> },
  { token_hash: string } & RequestOrigin
>(
  "calendar-feeds/read",
  () => sql`-- GET /calendar/:feed
  WITH feed AS (
    SELECT cf.*, ${isFeedValid} AS is_valid FROM calendar_feeds cf WHERE cf.token_hash = ${param("token_hash")}::text
  ),
  valid_feed AS (SELECT * FROM feed WHERE is_valid),
  used AS (
    -- At most once an hour: programs ask every few minutes.
    UPDATE calendar_feeds cf SET last_used_at = now() FROM valid_feed
    WHERE cf.id = valid_feed.id AND coalesce(cf.last_used_at < now() - interval '1 hour', true)
  ),
  event AS (
    SELECT * FROM (
      ${nearestOf(clinicOfFeed, isNext, "ASC")}
      UNION ALL ${nearestOf(clinicOfFeed, isPast, "DESC")}
      UNION ALL ${nearestOf(doctorOfFeed, isNext, "ASC")}
      UNION ALL ${nearestOf(doctorOfFeed, isPast, "DESC")}
    ) a
    ORDER BY a.starts_at < now(), greatest(a.starts_at - now(), now() - a.starts_at), a.id
    LIMIT ${sql.raw(String(MAX_EVENTS))}
  ),
  ${insertAuditEventOf(
    { from: sql`feed JOIN users u ON u.id = feed.account_id`, alias: "u.", clinic: sql`feed.clinic_id` },
    {
      action: "feed",
      outcome: doneOrRefused(sql`feed.is_valid`),
      patients: sql`(SELECT array_agg(DISTINCT patient_id) FROM event)`,
      doctor: sql`feed.doctor_id`,
      changes: changesOfFeed(sql`feed.id`, sql`feed.id`),
    },
  )}
SELECT label, (
    SELECT ${jsonArray(
      sql`${jsonObject(sql`a.id, ${isoTimestamp("a.starts_at")} AS starts_at, ${isoTimestamp("a.ends_at")} AS ends_at, a.status,
      ${isoTimestamp("a.updated_at")} AS updated_at, a.version`)}::text`,
      sql`a.starts_at, a.id`,
    )}::text
    FROM event a
  ) AS appointments
FROM valid_feed`,
);
