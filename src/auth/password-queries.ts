import { sql } from "drizzle-orm";
import { caseFolded } from "../db/columns.ts";
import { doneOrRefused, insertAuditEvent } from "../db/query/steps/audit.ts";
import {
  auditActor,
  authenticatedForPasswordChange,
  callerId,
  withoutRecheck,
} from "../db/query/steps/caller.ts";
import { exists, param } from "../db/query/steps/statement.ts";
import { sessions, users } from "../db/schema.ts";
import { countAttempt, type LoginAttempt, loginAttemptColumns, uncountAttempt } from "./login-attempts.ts";
import type { StoredPassword } from "./passwords.ts";

const username = sql`(SELECT ${caseFolded(sql`username`)} FROM caller)`;

/**
 * Counts an attempt at the caller's password like a login attempt, and returns what the password is compared with.
 * Only a refused attempt is audited here; `changePassword` audits the others.
 */
export const findOwnPassword = authenticatedForPasswordChange<
  LoginAttempt & StoredPassword & { username: string; email: string },
  { network: string }
>(() => ({
  auditEvent: null,
  revoked: withoutRecheck,
  steps: {
    ...countAttempt(username),
    account: sql`SELECT password_hash, password_trimmed, username, email FROM ${users} WHERE id = ${callerId}`,
    refusal_event: insertAuditEvent(
      {
        ...auditActor,
        from: sql`token_account WHERE NOT is_accepted OR EXISTS (SELECT FROM attempt WHERE NOT is_admitted)`,
      },
      {
        action: "change_password",
        outcome: sql`'refused'`,
        reason: sql`CASE WHEN is_accepted THEN 'too many attempts' END`,
      },
    ),
  },
  row: {
    ...loginAttemptColumns,
    password_hash: sql`(SELECT password_hash FROM account)`,
    password_trimmed: sql`(SELECT password_trimmed FROM account)`,
    username: sql`(SELECT username FROM account)`,
    email: sql`(SELECT email FROM account)`,
  },
}));

/**
 * Changes the caller's password and ends its other sessions.
 *
 * @param password_hash the hash that the current password was compared with; null when it was wrong.
 * @param new_hash null when the new password is not acceptable.
 */
export const changePassword = authenticatedForPasswordChange<
  { isChanged: boolean },
  { password_hash: string | null; new_hash: string | null; network: string; isOwnNetwork: boolean }
>(() => ({
  auditEvent: { action: "change_password", outcome: doneOrRefused(exists("changed")) },
  revoked: withoutRecheck,
  steps: {
    correct_password: sql`SELECT FROM ${users} WHERE id = ${callerId} AND password_hash = ${param("password_hash")}`,
    changed: sql`
      UPDATE ${users} SET password_hash = ${param("new_hash")}, password_version = password_version + 1, password_trimmed = false,
        must_change_password = false, updated_at = now()
      WHERE id = ${callerId} AND password_hash = ${param("password_hash")} AND ${param("new_hash")}::text IS NOT NULL
        AND active AND token_version = ${param("token_version")}
      RETURNING password_version`,
    kept_session: sql`
      UPDATE ${sessions} SET password_version = changed.password_version FROM changed WHERE id = ${param("session_id")}::uuid`,
    ended_sessions: sql`
      UPDATE ${sessions} SET ended_at = now()
      WHERE user_id = ${callerId} AND id <> ${param("session_id")}::uuid AND ended_at IS NULL AND ${exists("changed")}`,
    ...uncountAttempt(username, "correct_password"),
  },
  row: { isChanged: exists("changed") },
}));
