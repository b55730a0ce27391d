import { type SQL, sql } from "drizzle-orm";
import { folded } from "../db/columns.ts";
import { ended, type Origin, recording } from "../db/query/audit.ts";
import type { Claims } from "../db/query/caller.ts";
import { isInvitationGood } from "../db/query/invited.ts";
import { columnsOf, objectOf } from "../db/query/json.ts";
import { invitations, refresh_tokens, sessions, users } from "../db/schema.ts";
import { exists, type Json, statement, value } from "../db/statement.ts";
import { type Attempt, counting, ofAttempt, takingBack } from "./login-attempts.ts";
import type { Stored } from "./passwords.ts";
import type { NewAccount } from "./responses.ts";

// These have no caller: they are how one becomes it. They put on record what they did by themselves.

/** What is shown of an account that has been made. */
const shownFields: (keyof NewAccount)[] = ["id", "username", "email"];

const username = sql`${value("username")}::text`;
const codeHash = sql`${value("code_hash")}::text`;

/**
 * Creates an account, by an invitation when there is a `code_hash`, which is used up then: its `body`, null when the invitation is
 * good (`invited`), was sent to another `email`, or the username is `taken`: each decides only when those before it are right.
 */
export const createAccount = statement<
  { body: Json<NewAccount> | null; invited: boolean; email: boolean; taken: boolean },
  { username: string; email: string; password_hash: string; code_hash: string | null } & Origin
>(() => ({
  steps: {
    invitation: sql`
      SELECT ${invitations.id}, lower(${invitations.email}) = lower(${value("email")}) AS same_email
      FROM ${invitations} WHERE ${invitations.code_hash} = ${codeHash} AND ${isInvitationGood}`,
    taken: sql`SELECT WHERE account_taken(${username})`,
    // Of two with one code, one deletes it.
    used: sql`
      DELETE FROM ${invitations} USING invitation
      WHERE ${invitations.id} = invitation.id AND same_email AND NOT ${exists("taken")}
      RETURNING ${invitations.id}, ${invitations.role}`,
    created: sql`
      INSERT INTO ${users} (username, email, password_hash, role)
      SELECT ${username}, ${value("email")}, ${value("password_hash")}, coalesce((SELECT role FROM used), 'clinician')
      WHERE NOT ${exists("taken")} AND (${codeHash} IS NULL OR ${exists("used")})
      RETURNING ${users.id}, ${users.username}, ${users.email}, ${users.role}`,
    recorded: recording(
      { from: sql`created` },
      {
        action: "register",
        changes: sql`(SELECT json_build_object('invitation', json_build_object('before', id, 'after', NULL)) FROM used)`,
      },
    ),
    answer: sql`SELECT`,
  },
  from: "answer",
  row: {
    body: sql`(SELECT ${objectOf(columnsOf(users, shownFields))}::text FROM created ${users})`,
    invited: sql`${codeHash} IS NULL OR ${exists("invitation")}`,
    email: sql`${codeHash} IS NULL OR EXISTS (SELECT FROM invitation WHERE same_email)`,
    taken: exists("taken"),
  },
}));

/**
 * Counts an attempt to log in by `username` in lower case, and gives what is needed to know of its account, nulls when there is none.
 * One that is not admitted is put on record.
 */
export const findAccount = statement<
  Attempt & { id: number | null; active: boolean | null } & Stored,
  { username: string; network: string } & Origin
>(() => ({
  steps: {
    ...counting(username),
    account: sql`SELECT id, password_hash, password_trimmed, active FROM ${users} WHERE ${folded(users.username)} = ${username}`,
    recorded: recording(
      {
        from: sql`(SELECT FROM attempt WHERE NOT admitted) refused LEFT JOIN ${users} ON ${folded(users.username)} = ${username}`,
      },
      { action: "login", outcome: ended("refused"), reason: sql`'too many attempts'` },
    ),
  },
  from: "attempt",
  row: {
    ...ofAttempt,
    id: sql`(SELECT id FROM account)`,
    password_hash: sql`(SELECT password_hash FROM account)`,
    password_trimmed: sql`(SELECT password_trimmed FROM account)`,
    active: sql`(SELECT active FROM account)`,
  },
}));

const claimsOf = {
  user_id: sql<number>`user_id`,
  session_id: sql<string>`session_id`,
  token_version: sql<number>`token_version`,
  must_change_password: sql<boolean>`must_change_password`,
};

/**
 * Logs in: opens a session of so many `days` for an account whose password has just been checked against `password_hash`, takes
 * the attempt back, and replaces that hash by a `new_hash`, if there is one. No row when there is no such account, its
 * password was not the one that was given (null), it is disabled, or its password was changed meanwhile: then only the attempt
 * is put on record, in the same time for all of these.
 */
export const logIn = statement<
  Claims,
  {
    id: number | null;
    username: string;
    network: string;
    known: boolean;
    password_hash: string | null;
    new_hash: string | null;
    token_hash: string;
    days: number;
    user_agent: string | null;
  } & Origin
>(() => ({
  steps: {
    account: sql`
      SELECT id, token_version, password_version, must_change_password FROM ${users}
      WHERE id = ${value("id")} AND active AND password_hash = ${value("password_hash")}`,
    rehashed: sql`
      UPDATE ${users} SET password_hash = ${value("new_hash")}::text
      WHERE id = (SELECT id FROM account) AND password_hash = ${value("password_hash")} AND ${value("new_hash")}::text IS NOT NULL`,
    opened: sql`
      INSERT INTO ${sessions} (user_id, token_version, password_version, expires_at, user_agent)
      SELECT id, token_version, password_version, now() + make_interval(days => ${value("days")}), ${value("user_agent")} FROM account
      RETURNING id AS session_id, user_id, token_version`,
    issued: sql`INSERT INTO ${refresh_tokens} (token_hash, session_id) SELECT ${value("token_hash")}, session_id FROM opened`,
    ...takingBack(username, "opened"),
    recorded: recording(
      {
        from: sql`(SELECT) attempt LEFT JOIN ${users} ON id = ${value("id")}`,
        session: sql`(SELECT session_id FROM opened)`,
      },
      {
        action: "login",
        outcome: sql`CASE WHEN ${exists("opened")} THEN ${ended("done")} ELSE ${ended("refused")} END`,
      },
    ),
    claims: sql`SELECT opened.*, must_change_password FROM opened, account`,
  },
  from: "claims",
  row: claimsOf,
}));

/**
 * How long after it was spent a refresh token is exchanged once more, in seconds: the answer may have been lost. Later than that
 * somebody has kept it, and the session ends.
 */
const REUSE_GRACE_SECONDS = sql.raw("30");
const isFresh = (spent: SQL): SQL => sql`${spent} > now() - make_interval(secs => ${REUSE_GRACE_SECONDS})`;

/**
 * Spends a refresh token and issues the next one of its session, both or neither. One that was spent is refused, which is put on
 * record, and ends its session; but for a while it is exchanged again. No row when the token is unknown or spent, or its session
 * or account is over, or it has not been used for `idle_days`.
 */
export const rotateRefresh = statement<
  Claims,
  { spent_hash: string; next_hash: string; idle_days: number } & Origin
>(() => ({
  steps: {
    // Locked first, as it is by what deletes it with its tokens.
    session: sql`
      SELECT id FROM ${sessions} WHERE id = (
        SELECT session_id FROM ${refresh_tokens} WHERE token_hash = ${value("spent_hash")}) FOR NO KEY UPDATE`,
    spent: sql`
      UPDATE ${refresh_tokens} t SET spent_at = coalesce(t.spent_at, now())
      FROM ${sessions} s JOIN session ON session.id = s.id JOIN ${users} u ON u.id = s.user_id
      WHERE t.token_hash = ${value("spent_hash")} AND (t.spent_at IS NULL OR ${isFresh(sql`t.spent_at`)})
        AND s.id = t.session_id AND s.ended_at IS NULL AND s.expires_at > now()
        AND s.last_used_at > now() - make_interval(days => ${value("idle_days")})
        AND u.active AND u.token_version = s.token_version AND u.password_version = s.password_version
      RETURNING s.id AS session_id, s.user_id, s.token_version, u.must_change_password`,
    used: sql`UPDATE ${sessions} SET last_used_at = now() WHERE id = (SELECT session_id FROM spent)`,
    issued: sql`INSERT INTO ${refresh_tokens} (token_hash, session_id) SELECT ${value("next_hash")}, session_id FROM spent`,
    ended: sql`
      UPDATE ${sessions} SET ended_at = now()
      WHERE ended_at IS NULL AND id = (
        SELECT session_id FROM ${refresh_tokens}
        WHERE token_hash = ${value("spent_hash")} AND NOT ${isFresh(sql`spent_at`)})`,
    recorded: recording(
      {
        from: sql`
          ${refresh_tokens} t JOIN ${sessions} s ON s.id = t.session_id JOIN ${users} u ON u.id = s.user_id
          WHERE t.token_hash = ${value("spent_hash")} AND NOT ${exists("spent")}`,
        of: sql`u.`,
        session: sql`s.id`,
      },
      { action: "refresh", outcome: ended("refused") },
    ),
  },
  from: "spent",
  row: claimsOf,
}));
