import { sql } from "drizzle-orm";
import {
  adminOutcome,
  insertAuditEvent,
  insertRetryableAuditEvent,
  permittedOutcome,
  readOutcome,
} from "../db/query/audit.ts";
import { changesBetween } from "../db/query/audit-changes.ts";
import { authenticated, authenticatedRetryable } from "../db/query/authenticated.ts";
import {
  callerId,
  callerRecheckWithoutRole,
  callerSteps,
  callerStepsForAuditors,
  isStillAccepted,
  refusalAfterWait,
  refusalColumn,
  sessionId,
} from "../db/query/caller.ts";
import { isoTimestamp, jsonBody, stepJson } from "../db/query/json.ts";
import { openSessionIds } from "../db/query/lock-order.ts";
import { can } from "../db/query/permissions.ts";
import { intParam, type Json, param } from "../db/statement.ts";
import type { AccountDetails } from "./responses.ts";

// In every statement the account is `u`.

const canRead = can("accounts:read");
const isAdmin = can("accounts:manage");
const id = intParam("id");

/** An account as the response has it. */
export const accountColumns = sql`u.id, u.username, u.email, u.role, u.active, u.doctor_id AS doctor,
      ${isoTimestamp("u.created_at")} AS created_at`;

/** The row of a statement for admins. `body` is null when there is no such account. */
type AdminRow<Shape> = { isAdmin: boolean; body: Json<Shape> | null };

/** One account, for admins and auditors. */
export const findAccount = authenticatedRetryable<
  { isAllowed: boolean; body: Json<AccountDetails> | null },
  { id: number }
>(
  "accounts/find",
  () => sql`-- GET /api/accounts/:id
  WITH ${callerStepsForAuditors},
  found AS (
    SELECT ${accountColumns}
    FROM users u WHERE u.id = ${id} AND ${canRead}
  ),
  ${insertRetryableAuditEvent({
    action: "read_account",
    outcome: permittedOutcome(canRead, readOutcome(sql`EXISTS (SELECT FROM found)`)),
    account: id,
  })}
SELECT ${refusalColumn}, ${canRead} AS "isAllowed", ${jsonBody("found")} AS body
FROM token_account`,
  { acceptsAuditors: true },
);

/** What an admin can change of an account. */
const settingsJson = (step: string) => stepJson(sql`email, role, active, doctor_id AS doctor`, step);

const changes = sql`${param("changes")}::jsonb`;
/** The id of the doctor in `changes`; NULL when the account is not linked to one. */
const newDoctorId = sql`(${changes} ->> 'doctor_id')::int`;

/** The username that a client sends back; NULL when it sends none. */
const sentUsername = sql`${param("username")}::text`;

/**
 * The row of a change. Nothing was changed when the caller would link its own account to a doctor (`isOwnLink`) or
 * change its own email (`isOwnEmail`), or has sent another username than the account's (`isRenamed`).
 */
type UpdateRow = AdminRow<AccountDetails> & { isOwnLink: boolean; isOwnEmail: boolean; isRenamed: boolean };

/** Why `target` is not changed. */
const isOwnLink = sql`EXISTS (SELECT FROM new_link WHERE is_own)`;
const isOwnEmail = sql`EXISTS (SELECT FROM target WHERE id = ${callerId} AND email <> ${changes} ->> 'email')`;
const isRenamed = sql`EXISTS (SELECT FROM target WHERE username <> ${sentUsername})`;
const isRefused = sql`${isOwnLink} OR ${isOwnEmail} OR ${isRenamed}`;

/**
 * Changes the fields of an account in `changes`, for an admin. Another role, and disabling or enabling the
 * account, ends all its sessions. Both accounts are locked in order of id, so that of two admins who disable each
 * other the second waits and is no admin any more when it has the lock. Shown by test/races/admins.test.ts.
 *
 * Nobody links the own account to a doctor: an admin could read the doctor's patients. The audit event of a link names
 * these patients, so that their owners see it. The doctor is locked, so that a concurrent assignment comes either
 * before the link, and is named, or after it; and before the accounts, as every statement locks a doctor first.
 * `doctor_patients` reads a snapshot of its own, which is newer than the lock. Shown by test/races/links.test.ts.
 *
 * Nobody changes the email of the own account here: that needs the password (`PATCH /api/auth/me/`).
 */
export const updateAccount = authenticated<
  UpdateRow,
  { id: number; changes: object; username: string | null; reason: string | null }
>(
  "accounts/update",
  () => sql`-- PATCH /api/accounts/:id
  WITH ${callerSteps},
  new_doctor AS (
    SELECT d.id FROM doctors d
    WHERE d.id = ${newDoctorId} AND ${isAdmin}
    FOR NO KEY UPDATE
  ),
  locked_accounts AS (
    SELECT u.* FROM users u
    WHERE u.id IN (${callerId}, ${id}) AND ${isAdmin}
      AND (SELECT count(*) FROM new_doctor) >= 0
    ORDER BY u.id
    FOR NO KEY UPDATE
  ),
  ${callerRecheckWithoutRole("locked_accounts")},
  target AS (SELECT * FROM locked_accounts WHERE id = ${id} AND ${isStillAccepted}),
  new_link AS (
    SELECT target.id = ${callerId} AS is_own
    FROM target
    WHERE ${newDoctorId} IS NOT NULL AND ${newDoctorId} IS DISTINCT FROM target.doctor_id
  ),
  changed AS (
    UPDATE users u SET (email, role, active, doctor_id, token_version, updated_at) = (
      SELECT new.email, new.role, new.active, new.doctor_id,
        u.token_version + (new.role <> u.role OR new.active <> u.active)::int, now()
      FROM jsonb_populate_record(u, ${changes}) new
    )
    FROM target WHERE u.id = target.id AND NOT (${isRefused})
    RETURNING u.*
  ),
  response AS (
    SELECT ${accountColumns}
    FROM changed u
  ),
  ${insertAuditEvent({
    action: "update_account",
    outcome: adminOutcome(
      sql`
      WHEN NOT ${isStillAccepted} OR ${isRefused} THEN 'refused'
      ${readOutcome(sql`EXISTS (SELECT FROM changed)`)}`,
    ),
    account: id,
    patients: sql`(SELECT doctor_patients(changed.doctor_id) FROM changed, new_link)`,
    reason: sql`${param("reason")}::text`,
    changes: sql`(SELECT ${changesBetween(settingsJson("target"), settingsJson("changed"))} FROM changed)`,
  })}
SELECT ${refusalAfterWait("locked_accounts")}, ${isAdmin} AS "isAdmin",
  ${isOwnLink} AS "isOwnLink", ${isOwnEmail} AS "isOwnEmail", ${isRenamed} AS "isRenamed",
  ${jsonBody("response")} AS body
FROM token_account`,
);

/** Ends all sessions of an account, for an admin. `isFound` is false when there is no such account. */
export const endAccountSessions = authenticated<{ isAdmin: boolean; isFound: boolean }, { id: number }>(
  "accounts/end-sessions",
  () => sql`-- DELETE /api/accounts/:id/sessions
  WITH ${callerSteps},
  locked_account AS (SELECT u.id FROM users u WHERE u.id = ${callerId} AND ${isAdmin} FOR SHARE),
  locked_sessions AS (
    -- The caller's session is among them, and all are locked in the order of their ids: two admins may sign out each other.
    -- Shown by test/races/lock-order.test.ts.
    SELECT s.id, s.user_id FROM sessions s
    WHERE s.id = ANY (${sessionId} || ${openSessionIds(id)}) AND EXISTS (SELECT FROM locked_account)
    ORDER BY s.id
    FOR NO KEY UPDATE
  ),
  ${callerRecheckWithoutRole("caller", "locked_sessions")},
  found AS (
    SELECT u.id FROM users u
    WHERE u.id = ${id} AND ${isAdmin} AND ${isStillAccepted}
  ),
  ended_sessions AS (
    UPDATE sessions s SET ended_at = now()
    FROM found, locked_sessions
    WHERE s.id = locked_sessions.id AND locked_sessions.user_id = found.id AND s.ended_at IS NULL
  ),
  ${insertAuditEvent({
    action: "sign_out",
    outcome: adminOutcome(readOutcome(sql`EXISTS (SELECT FROM found)`)),
    account: id,
  })}
SELECT ${refusalAfterWait("caller")}, ${isAdmin} AS "isAdmin", EXISTS (SELECT FROM found) AS "isFound"
FROM token_account`,
);
