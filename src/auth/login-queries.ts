import { sql } from "drizzle-orm";
import { doneOrRefused, insertAuditEventOf, type RequestOrigin } from "../db/query/audit.ts";
import type { TokenClaims } from "../db/query/caller.ts";
import { defineStatement, intParam, param } from "../db/statement.ts";
import type { AttemptNetworks } from "../http/rate-limits.ts";
import {
  countAttemptSteps,
  type LoginAttempt,
  loginAttemptColumns,
  uncountAttemptSteps,
} from "./login-attempts.ts";
import { type NewSession, newSessionSteps } from "./new-session.ts";
import { isPasswordExpired } from "./password-queries.ts";
import type { StoredPassword } from "./passwords.ts";

// The statements of a login. They have no caller: there is no access token yet.

const username = sql`${param("username")}::text`;
const passwordHash = sql`${param("password_hash")}::text`;
const newHash = sql`${param("new_hash")}::text`;
const id = intParam("id");
const clinic = intParam("clinic");

/**
 * Counts a login attempt, and returns what the password is compared with: the account's columns are null when there
 * is no such account. Of the attempts that a lockout refuses, it audits the first one, and after the lockout their
 * number. `openSession` audits the attempts that are admitted.
 *
 * @param username in lower case.
 */
export const findLoginAccount = defineStatement<
  LoginAttempt & { id: number | null; active: boolean | null } & StoredPassword,
  { username: string } & AttemptNetworks & RequestOrigin
>(
  "auth/find-login-account",
  () => sql`-- POST /api/auth/login
  WITH ${countAttemptSteps(username)},
  account AS (
    SELECT u.id, u.password_hash, u.password_trimmed, u.password_prehashed, u.active
    FROM users u WHERE lower(u.username COLLATE "C") = ${username}
  ),
  ${insertAuditEventOf(
    {
      from: sql`lockout
      LEFT JOIN users u ON lower(u.username COLLATE "C") = ${username}`,
      alias: "u.",
    },
    { action: "login", outcome: "refused", reason: sql`lockout.reason` },
  )}
SELECT ${loginAttemptColumns},
  (SELECT id FROM account) AS id, (SELECT password_hash FROM account) AS password_hash,
  (SELECT password_trimmed FROM account) AS password_trimmed,
  (SELECT password_prehashed FROM account) AS password_prehashed, (SELECT active FROM account) AS active
FROM attempt`,
);

/**
 * Opens a session and uncounts the login attempt. There is no row when the account does not exist or is disabled, the
 * password was wrong or has expired, or the password was changed meanwhile. Then only the attempt is audited, which
 * takes the same time in all of these cases. `session_id` is null when the account does not work in the clinic.
 *
 * @param clinic in which the session works; null: in the one that was used last, or else the personal one.
 * @param password_hash the hash that the password was compared with; null when it was wrong.
 * @param new_hash replaces `password_hash`, when that is outdated (`rehashIfOutdated`); null otherwise.
 */
export const openSession = defineStatement<
  Omit<TokenClaims, "session_id"> & { session_id: string | null },
  {
    id: number | null;
    clinic: number | null;
    username: string;
    isOwnNetwork: boolean;
    password_hash: string | null;
    new_hash: string | null;
  } & AttemptNetworks &
    NewSession &
    RequestOrigin
>(
  "auth/open-session",
  () => sql`-- POST /api/auth/login
  WITH account AS (
    SELECT u.id, u.token_version, u.password_version, u.must_change_password, u.role = 'auditor' AS is_auditor, (
        SELECT ms.clinic_id FROM memberships ms
        WHERE ms.account_id = u.id AND ms.ended_at IS NULL AND ms.clinic_active AND NOT ms.is_interim AND (${clinic} IS NULL OR ms.clinic_id = ${clinic})
        ORDER BY ms.last_used_at DESC NULLS LAST, ms.clinic_id = u.id DESC LIMIT 1
      ) AS clinic_id
    FROM users u
    WHERE u.id = ${id} AND u.active AND u.password_hash = ${passwordHash}
      AND NOT ${isPasswordExpired}
  ),
  rehashed AS (
    UPDATE users u SET password_hash = ${newHash}, password_prehashed = true
    WHERE u.id = (SELECT id FROM account) AND u.password_hash = ${passwordHash} AND ${newHash} IS NOT NULL
  ),
  ${newSessionSteps("account")},
  used_membership AS (
    UPDATE memberships ms SET last_used_at = now() FROM new_session
    WHERE ms.clinic_id = new_session.clinic_id AND ms.account_id = new_session.user_id AND ${clinic} IS NOT NULL
  ),
  ${uncountAttemptSteps(username, "account")},
  ${insertAuditEventOf(
    {
      from: sql`(SELECT) attempt LEFT JOIN users u ON u.id = ${id}`,
      alias: "u.",
      session: sql`(SELECT session_id FROM new_session)`,
      clinic: sql`(SELECT clinic_id FROM new_session)`,
    },
    {
      action: "login",
      outcome: doneOrRefused(sql`EXISTS (SELECT FROM new_session)`),
      reason: sql`CASE WHEN u.password_hash = ${passwordHash}
      AND ${isPasswordExpired} THEN 'password expired' END`,
    },
  )}
SELECT account.id AS user_id, new_session.session_id, new_session.clinic_id, account.token_version, account.must_change_password,
  account.is_auditor
FROM account LEFT JOIN new_session ON true`,
);
