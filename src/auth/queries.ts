import { sql } from "drizzle-orm";
import { caseFolded } from "../db/columns.ts";
import { doneOrRefused, insertAuditEvent, type RequestOrigin } from "../db/query/steps/audit.ts";
import type { TokenClaims } from "../db/query/steps/caller.ts";
import { jsonObject, selectColumns } from "../db/query/steps/json.ts";
import { isInvitationValid } from "../db/query/steps/permissions.ts";
import { defineStatement, exists, type Json, param } from "../db/query/steps/statement.ts";
import { invitations, refresh_tokens, sessions, users } from "../db/schema.ts";
import { countAttempt, type LoginAttempt, loginAttemptColumns, uncountAttempt } from "./login-attempts.ts";
import type { StoredPassword } from "./passwords.ts";
import type { NewAccount } from "./responses.ts";
import { claimColumns } from "./session-queries.ts";

// The statements of requests without an access token. Each inserts its own audit event.

const newAccountFields: (keyof NewAccount)[] = ["id", "username", "email"];

const username = sql`${param("username")}::text`;
const codeHash = sql`${param("code_hash")}::text`;

/**
 * Creates an account, with an invitation when there is a `code_hash`; the invitation is used up.
 *
 * @returns its row: `body` is null when no account was created. The reason is the first of these that holds:
 *   `isInvited` is false (the invitation is not valid), `isInvitedEmail` is false (it was sent to another email),
 *   `isUsernameTaken` (the username exists), or a concurrent request used the invitation up.
 */
export const createAccount = defineStatement<
  { body: Json<NewAccount> | null; isInvited: boolean; isInvitedEmail: boolean; isUsernameTaken: boolean },
  { username: string; email: string; password_hash: string; code_hash: string | null } & RequestOrigin
>(() => ({
  steps: {
    invitation: sql`
      SELECT ${invitations.id}, lower(${invitations.email}) = lower(${param("email")}) AS is_same_email
      FROM ${invitations} WHERE ${invitations.code_hash} = ${codeHash} AND ${isInvitationValid}`,
    username_taken: sql`SELECT WHERE account_taken(${username})`,
    // Of two concurrent requests with the same code only one deletes the row. Shown by
    // test/invitations/invitations.test.ts.
    used_invitation: sql`
      DELETE FROM ${invitations} USING invitation
      WHERE ${invitations.id} = invitation.id AND is_same_email AND NOT ${exists("username_taken")}
      RETURNING ${invitations.id}, ${invitations.role}`,
    created: sql`
      INSERT INTO ${users} (username, email, password_hash, role)
      SELECT ${username}, ${param("email")}, ${param("password_hash")}, coalesce((SELECT role FROM used_invitation), 'clinician')
      WHERE NOT ${exists("username_taken")} AND (${codeHash} IS NULL OR ${exists("used_invitation")})
      RETURNING ${users.id}, ${users.username}, ${users.email}, ${users.role}`,
    audit_event: insertAuditEvent(
      { from: sql`created` },
      {
        action: "register",
        changes: sql`(
          SELECT json_build_object('invitation', json_build_object('before', id, 'after', NULL)) FROM used_invitation)`,
      },
    ),
    one_row: sql`SELECT`,
  },
  from: "one_row",
  row: {
    body: sql`(SELECT ${jsonObject(selectColumns(users, newAccountFields))}::text FROM created ${users})`,
    isInvited: sql`${codeHash} IS NULL OR ${exists("invitation")}`,
    isInvitedEmail: sql`${codeHash} IS NULL OR EXISTS (SELECT FROM invitation WHERE is_same_email)`,
    isUsernameTaken: exists("username_taken"),
  },
}));

/**
 * Counts a login attempt, and returns what the password is compared with: the account's columns are null when there
 * is no such account. An attempt that is not admitted is audited here; `openSession` audits the others.
 *
 * @param username in lower case.
 */
export const findLoginAccount = defineStatement<
  LoginAttempt & { id: number | null; active: boolean | null } & StoredPassword,
  { username: string; network: string } & RequestOrigin
>(() => ({
  steps: {
    ...countAttempt(username),
    account: sql`SELECT id, password_hash, password_trimmed, active FROM ${users} WHERE ${caseFolded(users.username)} = ${username}`,
    audit_event: insertAuditEvent(
      {
        from: sql`(SELECT FROM attempt WHERE NOT is_admitted) refused LEFT JOIN ${users} ON ${caseFolded(users.username)} = ${username}`,
      },
      { action: "login", outcome: sql`'refused'`, reason: sql`'too many attempts'` },
    ),
  },
  from: "attempt",
  row: {
    ...loginAttemptColumns,
    id: sql`(SELECT id FROM account)`,
    password_hash: sql`(SELECT password_hash FROM account)`,
    password_trimmed: sql`(SELECT password_trimmed FROM account)`,
    active: sql`(SELECT active FROM account)`,
  },
}));

/**
 * Opens a session and uncounts the login attempt. There is no row when the account does not exist or is disabled,
 * the password was wrong, or the password was changed meanwhile. Then only the attempt is audited, which takes the
 * same time in all of these cases.
 *
 * @param password_hash the hash that the password was compared with; null when it was wrong.
 * @param new_hash replaces `password_hash`, when `BCRYPT_COST` was raised since; null otherwise.
 * @param days how long the session lasts.
 */
export const openSession = defineStatement<
  TokenClaims,
  {
    id: number | null;
    username: string;
    network: string;
    isOwnNetwork: boolean;
    password_hash: string | null;
    new_hash: string | null;
    token_hash: string;
    days: number;
    user_agent: string | null;
  } & RequestOrigin
>(() => ({
  steps: {
    account: sql`
      SELECT id, token_version, password_version, must_change_password FROM ${users}
      WHERE id = ${param("id")} AND active AND password_hash = ${param("password_hash")}`,
    rehashed: sql`
      UPDATE ${users} SET password_hash = ${param("new_hash")}::text
      WHERE id = (SELECT id FROM account) AND password_hash = ${param("password_hash")} AND ${param("new_hash")}::text IS NOT NULL`,
    new_session: sql`
      INSERT INTO ${sessions} (user_id, token_version, password_version, expires_at, user_agent)
      SELECT id, token_version, password_version, now() + make_interval(days => ${param("days")}), ${param("user_agent")} FROM account
      RETURNING id AS session_id, user_id, token_version`,
    new_token: sql`INSERT INTO ${refresh_tokens} (token_hash, session_id) SELECT ${param("token_hash")}, session_id FROM new_session`,
    ...uncountAttempt(username, "new_session"),
    audit_event: insertAuditEvent(
      {
        from: sql`(SELECT) attempt LEFT JOIN ${users} ON id = ${param("id")}`,
        session: sql`(SELECT session_id FROM new_session)`,
      },
      { action: "login", outcome: doneOrRefused(exists("new_session")) },
    ),
    claims: sql`SELECT new_session.*, must_change_password FROM new_session, account`,
  },
  from: "claims",
  row: claimColumns,
}));
