import { type SQL, sql } from "drizzle-orm";
import { doneOrRefused, insertAuditEvent, insertAuditEventOf } from "../db/query/audit.ts";
import type { AuditAction } from "../db/query/audit-actions.ts";
import { authenticated, authenticatedForPasswordChange } from "../db/query/authenticated.ts";
import {
  callerClinicId,
  callerId,
  callerRecheckWithoutRole,
  callerStepsForAuditors,
  callerStepsForPasswordChange,
  isStillAccepted,
  refusalAfterWait,
  refusalColumn,
  sessionId,
} from "../db/query/caller.ts";
import { openSessionIds } from "../db/query/lock-order.ts";
import { param } from "../db/statement.ts";
import type { AttemptNetworks } from "../http/rate-limits.ts";
import {
  countAttemptSteps,
  type LoginAttempt,
  loginAttemptColumns,
  uncountAttemptSteps,
} from "./login-attempts.ts";
import { type NewSession, newSessionSteps } from "./new-session.ts";
import type { StoredPassword } from "./passwords.ts";

const username = sql`(SELECT lower(username COLLATE "C") FROM caller)`;
const passwordHash = sql`${param("password_hash")}::text`;
const newHash = sql`${param("new_hash")}::text`;

/** Whether the password of an account `u` was set by an operator, and was not changed before it expired. */
export const isPasswordExpired = sql`(u.must_change_password AND u.password_expires_at <= now()) IS TRUE`;

type OwnPassword = LoginAttempt & StoredPassword & { isExpired: boolean; username: string; email: string };

/**
 * A statement that counts an attempt at the caller's password like a login attempt, and returns what the password is
 * compared with. Only lockouts are audited here; the statement after it audits the attempts that are admitted.
 *
 * @param steps the first steps.
 * @param action what the password is needed for.
 */
const ownPasswordQuery = (route: string, steps: SQL, action: AuditAction) => () =>
  sql`${sql.raw(`-- ${route}`)}
  WITH ${steps},
  ${countAttemptSteps(username)},
  account AS (
    SELECT u.password_hash, u.password_trimmed, u.password_prehashed, u.username, u.email,
      ${isPasswordExpired} AS is_expired
    FROM users u WHERE u.id = ${callerId}
  ),
  ${insertAuditEventOf(
    {
      from: sql`token_account LEFT JOIN lockout ON refusal IS NULL
    WHERE refusal IS NOT NULL OR reason IS NOT NULL`,
      session: sessionId,
      clinic: sql`clinic_id`,
    },
    { action, outcome: "refused", reason: sql`reason` },
  )}
SELECT ${refusalColumn}, ${loginAttemptColumns},
  (SELECT password_hash FROM account) AS password_hash, (SELECT password_trimmed FROM account) AS password_trimmed,
  (SELECT password_prehashed FROM account) AS password_prehashed,
  (SELECT is_expired FROM account) AS "isExpired",
  (SELECT username FROM account) AS username, (SELECT email FROM account) AS email
FROM token_account`;

/** Before a change of the password. */
export const findOwnPassword = authenticatedForPasswordChange<OwnPassword, AttemptNetworks>(
  "auth/find-own-password",
  ownPasswordQuery("POST /api/auth/password", callerStepsForPasswordChange, "change_password"),
);

/** Before another change of the caller's own account: one that has to change its password first is refused. */
export const findOwnPasswordForChange = authenticated<OwnPassword, AttemptNetworks>(
  "auth/find-own-password-for-change",
  ownPasswordQuery("PATCH /api/auth/me", callerStepsForAuditors, "update_account"),
  { acceptsAuditors: true },
);

/**
 * Changes the caller's password, ends all its sessions and opens a new one. `session_id` is null when nothing was
 * changed: the password was wrong, or a concurrent request has changed it.
 *
 * @param password_hash the hash that the current password was compared with; null when it was wrong.
 * @param new_hash null when the new password is not acceptable.
 */
export const changePassword = authenticatedForPasswordChange<
  { session_id: string | null },
  {
    password_hash: string | null;
    new_hash: string | null;
    isOwnNetwork: boolean;
  } & AttemptNetworks &
    NewSession
>(
  "auth/change-password",
  () => sql`-- POST /api/auth/password
  WITH ${callerStepsForPasswordChange},
  locked_account AS (SELECT u.id FROM users u WHERE u.id = ${callerId} FOR NO KEY UPDATE),
  sessions_lock AS (
    -- The lock of the trigger sessions_bounded. A login takes it before it deletes old sessions; to take it after this
    -- statement has locked them would be a deadlock. Shown by test/races/password-changes.test.ts.
    SELECT pg_advisory_xact_lock(7205883, id) FROM locked_account
  ),
  locked_sessions AS (
    -- Before the membership, as the deletion of a clinic locks them. Shown by test/races/lock-order.test.ts.
    SELECT s.id FROM sessions s
    WHERE s.id = ANY (${openSessionIds(callerId)}) AND s.ended_at IS NULL AND (SELECT count(*) FROM sessions_lock) > 0
    ORDER BY s.id
    FOR NO KEY UPDATE
  ),
  ${callerRecheckWithoutRole("locked_sessions")},
  correct_password AS (SELECT FROM users u WHERE u.id = ${callerId} AND u.password_hash = ${passwordHash}),
  changed AS (
    UPDATE users u SET password_hash = ${newHash}, password_version = u.password_version + 1, password_trimmed = false,
      password_prehashed = true, must_change_password = false, updated_at = now()
    WHERE u.id = ${callerId} AND u.password_hash = ${passwordHash} AND ${newHash} IS NOT NULL AND ${isStillAccepted}
    RETURNING u.id, ${callerClinicId} AS clinic_id, u.token_version, u.password_version
  ),
  ended_sessions AS (
    UPDATE sessions s SET ended_at = now() FROM locked_sessions
    WHERE s.id = locked_sessions.id AND EXISTS (SELECT FROM changed)
  ),
  ${newSessionSteps("changed")},
  ${uncountAttemptSteps(username, "correct_password")},
  ${insertAuditEvent({ action: "change_password", outcome: doneOrRefused(sql`EXISTS (SELECT FROM changed)`) })}
SELECT ${refusalAfterWait("locked_account")}, (SELECT session_id FROM new_session) AS session_id
FROM token_account`,
);
