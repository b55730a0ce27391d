import { sql } from "drizzle-orm";
import { doneOrRefused, insertAuditEvent, insertAuditEventOf } from "../db/query/audit.ts";
import {
  authenticatedForPasswordChange,
  callerId,
  callerStepsForPasswordChange,
} from "../db/query/caller.ts";
import { intParam, param } from "../db/statement.ts";
import {
  countAttemptSteps,
  type LoginAttempt,
  loginAttemptColumns,
  uncountAttemptSteps,
} from "./login-attempts.ts";
import type { StoredPassword } from "./passwords.ts";

const username = sql`(SELECT lower(username COLLATE "C") FROM caller)`;
const passwordHash = sql`${param("password_hash")}::text`;
const newHash = sql`${param("new_hash")}::text`;
const sessionId = sql`${param("session_id")}::uuid`;

/** Whether the password of an account `u` was set by an operator, and was not changed before it expired. */
export const isPasswordExpired = sql`(u.must_change_password AND u.password_expires_at <= now()) IS TRUE`;

/**
 * Counts an attempt at the caller's password like a login attempt, and returns what the password is compared with.
 * Only a refused attempt is audited here; `changePassword` audits the others.
 */
export const findOwnPassword = authenticatedForPasswordChange<
  LoginAttempt & StoredPassword & { isExpired: boolean; username: string; email: string },
  { network: string }
>(
  "auth/find-own-password",
  sql`-- POST /api/auth/password
  WITH ${callerStepsForPasswordChange},
  ${countAttemptSteps(username)},
  account AS (
    SELECT u.password_hash, u.password_trimmed, u.password_prehashed, u.username, u.email,
      ${isPasswordExpired} AS is_expired
    FROM users u WHERE u.id = ${callerId}
  ),
  ${insertAuditEventOf(
    {
      from: sql`token_account
    WHERE NOT is_accepted OR EXISTS (SELECT FROM attempt WHERE NOT is_admitted)`,
      session: sessionId,
    },
    {
      action: "change_password",
      outcome: "refused",
      reason: sql`CASE WHEN is_accepted THEN 'too many attempts' END`,
    },
  )}
SELECT ${loginAttemptColumns},
  (SELECT password_hash FROM account) AS password_hash, (SELECT password_trimmed FROM account) AS password_trimmed,
  (SELECT password_prehashed FROM account) AS password_prehashed,
  (SELECT is_expired FROM account) AS "isExpired",
  (SELECT username FROM account) AS username, (SELECT email FROM account) AS email
FROM caller`,
);

/**
 * Changes the caller's password and ends its other sessions.
 *
 * @param password_hash the hash that the current password was compared with; null when it was wrong.
 * @param new_hash null when the new password is not acceptable.
 */
export const changePassword = authenticatedForPasswordChange<
  { isChanged: boolean },
  { password_hash: string | null; new_hash: string | null; network: string; isOwnNetwork: boolean }
>(
  "auth/change-password",
  sql`-- POST /api/auth/password
  WITH ${callerStepsForPasswordChange},
  correct_password AS (SELECT FROM users u WHERE u.id = ${callerId} AND u.password_hash = ${passwordHash}),
  changed AS (
    UPDATE users u SET password_hash = ${newHash}, password_version = u.password_version + 1, password_trimmed = false,
      password_prehashed = true, must_change_password = false, updated_at = now()
    WHERE u.id = ${callerId} AND u.password_hash = ${passwordHash} AND ${newHash} IS NOT NULL
      AND u.active AND u.token_version = ${intParam("token_version")}
    RETURNING u.password_version
  ),
  kept_session AS (
    UPDATE sessions s SET password_version = changed.password_version FROM changed WHERE s.id = ${sessionId}
  ),
  ended_sessions AS (
    UPDATE sessions s SET ended_at = now()
    WHERE s.user_id = ${callerId} AND s.id <> ${sessionId} AND s.ended_at IS NULL AND EXISTS (SELECT FROM changed)
  ),
  ${uncountAttemptSteps(username, "correct_password")},
  ${insertAuditEvent({ action: "change_password", outcome: doneOrRefused(sql`EXISTS (SELECT FROM changed)`) })}
SELECT EXISTS (SELECT FROM changed) AS "isChanged"
FROM caller`,
);
