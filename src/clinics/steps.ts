import { type SQL, sql } from "drizzle-orm";
import {
  callerClinicId,
  callerId,
  callerIsAdmin,
  callerRecheckWithoutRole,
  isStillAccepted,
  sessionId,
} from "../db/query/caller.ts";
import { isoTimestamp } from "../db/query/json.ts";
import { isAfter } from "../db/query/lock-order.ts";
import { intParam, param } from "../db/statement.ts";

// What the statements of clinics and of their members share. In every statement the clinic is `c`, a membership `ms`.

/** The id of the clinic in the path. */
export const id = intParam("id");

/** The API's `TIME_ZONE`, which a clinic without a time zone has. */
export const defaultTimeZone = sql`${param("default_time_zone")}::text`;

/** @param role of the caller in the clinic `c` */
export const clinicColumns = (role: SQL): SQL => sql`c.id, c.name, c.kind,
      coalesce(nullif(c.time_zone, ''), ${defaultTimeZone}) AS time_zone, c.active, ${role} AS role,
      ${isoTimestamp("c.created_at")} AS created_at, ${isoTimestamp("c.updated_at")} AS updated_at`;

/** The caller's role in the clinic `c`; NULL when the caller is no member. */
export const callerRole = sql`(
        SELECT ms.role FROM memberships ms WHERE ms.clinic_id = c.id AND ms.account_id = ${callerId} AND ms.ended_at IS NULL
      )`;

/** Whether the caller may read the clinic `c` and its members. */
export const isReadable = sql`(${callerIsAdmin} OR ${callerRole} IS NOT NULL)`;

/** Whether the caller may read the clinic in the path. */
export const isClinicReadable = sql<boolean>`EXISTS (SELECT FROM clinics c WHERE c.id = ${id} AND ${isReadable})`;

/**
 * The steps that lock what a change of a clinic or of its members depends on, and say who the caller is to the clinic:
 * `locked_members` (all memberships, also those that have ended), `target` (the clinic) and `access`, which has a row
 * when the caller may read the clinic.
 *
 * They lock in the order of all statements (src/db/query/lock-order.ts). The accounts come first, because a change of
 * an account locks its row and then re-checks its caller's membership. The caller's session and the membership in which
 * it works are among those that are locked, because the re-check locks them too, and two managers of two clinics may
 * each work in the other's. Shown by test/races/clinics.test.ts.
 *
 * @param options.account the account that becomes or stays a member; it may not be disabled meanwhile.
 * @param options.sessions whether the sessions that work in the clinic are locked, because they will move.
 * @param options.lock of the clinic: its time zone and whether it is active are part of a key.
 */
export const manageSteps = ({
  account,
  sessions = false,
  lock = "NO KEY UPDATE",
}: {
  account?: SQL;
  sessions?: boolean;
  lock?: "NO KEY UPDATE" | "UPDATE";
}): SQL => sql`visible AS (SELECT WHERE ${isClinicReadable}),
  locked_accounts AS (
    SELECT u.id, u.username, u.active AND u.role <> 'auditor' AS can_work FROM users u
    WHERE u.id = ANY (ARRAY[${callerId}${account && sql`, ${account}`}]) AND EXISTS (SELECT FROM visible)
    ORDER BY u.id
    FOR SHARE
  ),
  locked_sessions AS (
    SELECT s.id, s.clinic_id FROM sessions s
    WHERE ${sessions ? isOwnSessionOrOfMember : sql`s.id = ${sessionId}`} AND ${isAfter("locked_accounts")} AND EXISTS (SELECT FROM visible)
    ORDER BY s.id
    FOR ${sql.raw(sessions ? "NO KEY UPDATE" : "SHARE")}
  ),
  locked_members AS (
    SELECT ms.* FROM memberships ms
    WHERE ${isAfter("locked_sessions")} AND EXISTS (SELECT FROM visible)
      AND ms.clinic_id = ANY (ARRAY[${id}, ${callerClinicId}]) AND (ms.clinic_id = ${id} OR ms.account_id = ${callerId})
    ORDER BY ms.clinic_id, ms.account_id
    FOR ${sql.raw(lock)}
  ),
  target AS (
    SELECT c.* FROM clinics c
    WHERE c.id = ${id} AND (SELECT count(*) FROM locked_members) > 0
    FOR ${sql.raw(lock)}
  ),
  ${callerRecheckWithoutRole("locked_members", "target")},
  access AS (
    SELECT target.id, target.kind, own.role, ${callerIsAdmin} OR coalesce(own.role = 'manager', false) AS can_manage
    FROM target LEFT JOIN locked_members own
      ON own.clinic_id = target.id AND own.account_id = ${callerId} AND own.ended_at IS NULL
    WHERE ${isStillAccepted} AND (${callerIsAdmin} OR own.role IS NOT NULL)
  )`;

/** Whether the session `s` is the caller's, or works in the clinic. */
const isOwnSessionOrOfMember = sql`s.id = ANY (${sessionId} || ARRAY(
        SELECT of_member.id FROM memberships ms JOIN sessions of_member ON of_member.user_id = ms.account_id
        WHERE ms.clinic_id = ${id} AND of_member.clinic_id = ${id}
      )) AND (s.id = ${sessionId} OR s.clinic_id = ${id})`;

export const canManage = sql`EXISTS (SELECT FROM access WHERE can_manage)`;
const isPersonal = sql`EXISTS (SELECT FROM access WHERE kind = 'personal')`;

/** What a change says about the clinic. */
export interface ClinicState {
  /** Whether there is such a clinic for the caller. */
  isFound: boolean;
  canManage: boolean;
  isPersonal: boolean;
}

/** The columns of `ClinicState`. */
export const clinicStateColumns = sql`EXISTS (SELECT FROM access) AS "isFound", ${canManage} AS "canManage", ${isPersonal} AS "isPersonal"`;

/** The outcome of a change: `not_found` without the clinic, or `refused`. */
export const changeOutcome = (isDone: SQL, isFound: SQL = sql`EXISTS (SELECT FROM access)`): SQL =>
  sql`WHEN ${isDone} THEN 'done'
      WHEN EXISTS (SELECT FROM visible) AND NOT ${isStillAccepted} THEN 'refused'
      WHEN NOT (${isFound}) THEN 'not_found' ELSE 'refused'`;

/**
 * The changes of an audit event, which also name the clinic: the event's own clinic is the one in which the caller works.
 * NULL when the caller is not accepted.
 *
 * @param fields a JSON object `{field: {before, after}}`; NULL when there are none.
 */
export const changesInClinic = (
  fields: SQL = sql`NULL::json`,
  before: SQL = id,
  after: SQL = id,
): SQL => sql`(
      SELECT concat('{"clinic":{"before":', coalesce(${before}::text, 'null'), ',"after":', coalesce(${after}::text, 'null'), '}',
        coalesce(',' || substr((${fields})::text, 2), '}'))::json
      FROM caller
    )`;
