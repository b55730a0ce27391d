import { sql } from "drizzle-orm";
import { emailKey } from "../db/columns.ts";
import { doneOrRefused, insertAuditEventOf, type RequestOrigin } from "../db/query/audit.ts";
import { changesBetween } from "../db/query/audit-changes.ts";
import type { TokenClaims } from "../db/query/caller.ts";
import { columnNames, jsonObject, stepJson } from "../db/query/json.ts";
import { isInvitationValid } from "../db/query/permissions.ts";
import { defineStatement, intParam, type Json, param } from "../db/statement.ts";
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
import type { NewAccount } from "./responses.ts";

// The statements of requests without an access token. Each inserts its own audit event.

const newAccountFields: (keyof NewAccount)[] = ["id", "username", "email"];

const username = sql`${param("username")}::text`;
const email = sql`${param("email")}::text`;
const passwordHash = sql`${param("password_hash")}::text`;
const newHash = sql`${param("new_hash")}::text`;
const codeHash = sql`${param("code_hash")}::text`;
const id = intParam("id");
const clinic = intParam("clinic");

const invitationStep = sql`invitation AS (
    SELECT i.id, i.clinic_id, i.clinic_role, ${emailKey(sql`i.email`)} = ${emailKey(email)} AS is_same_email
    FROM invitations i WHERE i.code_hash = ${codeHash} AND ${isInvitationValid}
  )`;

/** Whether an invitation is valid, and whether it was sent to this email. */
export type InvitationState = { isInvited: boolean; isInvitedEmail: boolean };

/** Looks an invitation up, before the password is hashed. */
export const findInvitation = defineStatement<InvitationState, { email: string; code_hash: string }>(
  "auth/find-invitation",
  () => sql`-- POST /api/auth/register
  WITH ${invitationStep}
SELECT EXISTS (SELECT FROM invitation) AS "isInvited",
  EXISTS (SELECT FROM invitation WHERE is_same_email) AS "isInvitedEmail"`,
);

/**
 * Creates an account, with an invitation when there is a `code_hash`; the invitation is used up.
 *
 * @returns its row: `body` is null when no account was created. The reason is the first of these that holds:
 *   `isInvited` is false (the invitation is not valid), `isInvitedEmail` is false (it was sent to another email),
 *   `isUsernameTaken` (the username exists), or a concurrent request used the invitation up.
 */
export const createAccount = defineStatement<
  InvitationState & { body: Json<NewAccount> | null; isUsernameTaken: boolean },
  { username: string; email: string; password_hash: string; code_hash: string | null } & RequestOrigin
>(
  "auth/create-account",
  () => sql`-- POST /api/auth/register
  WITH ${invitationStep},
  username_taken AS (SELECT WHERE account_taken(${username})),
  -- The admin who manages the clinic until a manager is named. Memberships are locked before their clinic.
  interim AS (
    SELECT ms.clinic_id, ms.account_id FROM invitation JOIN memberships ms ON ms.clinic_id = invitation.clinic_id
    WHERE invitation.clinic_role = 'manager' AND is_same_email AND ms.is_interim AND ms.ended_at IS NULL
      AND NOT EXISTS (SELECT FROM username_taken)
    FOR NO KEY UPDATE OF ms
  ),
  clinic AS (
    SELECT c.id, c.time_zone, c.active FROM clinics c
    WHERE c.id = (SELECT clinic_id FROM invitation WHERE is_same_email) AND (SELECT count(*) FROM interim) >= 0
    FOR KEY SHARE
  ),
  used_invitation AS (
    -- Of two concurrent requests with the same code only one deletes the row. Shown by
    -- test/invitations/invitations.test.ts.
    DELETE FROM invitations i USING invitation
    WHERE i.id = invitation.id AND is_same_email AND NOT EXISTS (SELECT FROM username_taken)
      AND (SELECT count(*) FROM clinic) >= 0
    RETURNING i.id, i.role, i.clinic_role
  ),
  created AS (
    INSERT INTO users (username, email, password_hash, password_prehashed, role)
    SELECT ${username}, ${email}, ${passwordHash}, true, coalesce((SELECT role FROM used_invitation), 'clinician')
    WHERE NOT EXISTS (SELECT FROM username_taken) AND (${codeHash} IS NULL OR EXISTS (SELECT FROM used_invitation))
    RETURNING id, username, email, role
  ),
  membership AS (
    INSERT INTO memberships (clinic_id, account_id, role, time_zone, clinic_active)
    SELECT clinic.id, created.id, used_invitation.clinic_role, clinic.time_zone, clinic.active
    FROM created, used_invitation, clinic
    RETURNING clinic_id, role
  ),
  ended_interim AS (
    UPDATE memberships ms SET ended_at = now(), is_interim = false FROM interim, membership
    WHERE ms.clinic_id = interim.clinic_id AND ms.account_id = interim.account_id
    RETURNING ms.account_id
  ),
  ${insertAuditEventOf(
    { from: sql`created` },
    {
      action: "register",
      changes: sql`(
      SELECT ${changesBetween(
        sql`json_strip_nulls(json_build_object('invitation', id, 'interim_manager', (SELECT account_id FROM ended_interim)))`,
        stepJson(sql`clinic_id AS clinic, role AS clinic_role`, "membership"),
      )} FROM used_invitation
    )`,
    },
  )}
SELECT (SELECT ${jsonObject(columnNames(newAccountFields, "created."))}::text FROM created) AS body,
  ${codeHash} IS NULL OR EXISTS (SELECT FROM invitation) AS "isInvited",
  ${codeHash} IS NULL OR EXISTS (SELECT FROM invitation WHERE is_same_email) AS "isInvitedEmail",
  EXISTS (SELECT FROM username_taken) AS "isUsernameTaken"`,
);

/**
 * Counts a login attempt, and returns what the password is compared with: the account's columns are null when there
 * is no such account. The first attempt that a lockout refuses is audited here, and their number
 * after it; `openSession` audits the attempts that are admitted.
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
 * Opens a session and uncounts the login attempt. There is no row when the account does not exist or is disabled,
 * the password was wrong or has expired, or the password was changed meanwhile. Then only the attempt is audited, which takes the
 * same time in all of these cases. `session_id` is null when the account does not work in the clinic.
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
