import { sql } from "drizzle-orm";
import { ended, type Origin, outcomeOfReading, recording } from "../db/audit.ts";
import { type Claims, callerId, framed, repeatable } from "../db/caller.ts";
import { folded } from "../db/columns.ts";
import { bodyOf, columnsOf, objectOf } from "../db/json.ts";
import { refresh_tokens, sessions, users } from "../db/schema.ts";
import { exists, type Json, statement, value } from "../db/statement.ts";
import { Account, NewAccount } from "./contract.ts";

// The first four have no caller: they are how one becomes it. They put on record what they did by themselves.

/**
 * How long after its rotation a spent refresh token is merely refused, in seconds: two tabs, or a retry whose answer was
 * lost. Later than that somebody has kept it, and the session ends.
 */
const REUSE_GRACE_SECONDS = 10;

/**
 * Creates an account. A taken username breaks `users_username_key`. Only these columns are named: the Worker's database
 * role may not write any other, so that nothing makes an admin here.
 */
export const createAccount = statement<
  { body: Json<NewAccount> },
  { username: string; email: string; password_hash: string } & Origin
>(
  {
    created: sql`
      INSERT INTO ${users} (username, email, password_hash)
      VALUES (${value("username")}, ${value("email")}, ${value("password_hash")})
      RETURNING ${columnsOf(users, Account.shape)}`,
    recorded: recording({ from: sql`created` }, { action: "register" }),
  },
  "created",
  { body: sql`(SELECT ${objectOf(columnsOf(users, NewAccount.shape))}::text FROM created ${users})` },
);

/** What logging in needs to know of an account, by `username` in lower case. */
export const findAccount = statement<
  { id: number; password_hash: string; active: boolean },
  { username: string }
>(
  {
    account: sql`
      SELECT id, password_hash, active FROM ${users} WHERE ${folded(users.username)} = ${value("username")}`,
  },
  "account",
  { id: sql`id`, password_hash: sql`password_hash`, active: sql`active` },
);

const claimsOf = {
  user_id: sql<number>`user_id`,
  session_id: sql<string>`session_id`,
  token_version: sql<number>`token_version`,
};

/**
 * Logs in: opens a session of so many `days` for an account whose password has just been checked against `password_hash`, and
 * clears away the account's expired ones. No row when there is no such account, its password was not the one that
 * was given (null), it is disabled, or its password was changed meanwhile: then only the attempt is put on record, in the
 * same time for all of these.
 */
export const logIn = statement<
  Claims,
  { id: number | null; password_hash: string | null; token_hash: string; days: number } & Origin
>(
  {
    account: sql`
      SELECT id, token_version FROM ${users}
      WHERE id = ${value("id")} AND active AND password_hash = ${value("password_hash")}`,
    cleared: sql`DELETE FROM ${sessions} WHERE user_id = (SELECT id FROM account) AND expires_at < now()`,
    opened: sql`
      INSERT INTO ${sessions} (user_id, token_version, expires_at)
      SELECT id, token_version, now() + make_interval(days => ${value("days")}) FROM account
      RETURNING id AS session_id, user_id, token_version`,
    issued: sql`INSERT INTO ${refresh_tokens} (token_hash, session_id) SELECT ${value("token_hash")}, session_id FROM opened`,
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
  },
  "opened",
  claimsOf,
);

/**
 * Spends a refresh token and issues the next one of its session, both or neither; of any number of requests at once,
 * one gets through. A spent token is refused, which is put on record, and one that was spent longer ago than the grace
 * ends its session. No row when the token is unknown or spent, or its session or account is over.
 */
export const rotateRefresh = statement<Claims, { spent_hash: string; next_hash: string } & Origin>(
  {
    spent: sql`
      UPDATE ${refresh_tokens} t SET spent_at = now()
      FROM ${sessions} s JOIN ${users} u ON u.id = s.user_id
      WHERE t.token_hash = ${value("spent_hash")} AND t.spent_at IS NULL
        AND s.id = t.session_id AND s.ended_at IS NULL AND s.expires_at > now()
        AND u.active AND u.token_version = s.token_version
      RETURNING s.id AS session_id, s.user_id, s.token_version`,
    issued: sql`INSERT INTO ${refresh_tokens} (token_hash, session_id) SELECT ${value("next_hash")}, session_id FROM spent`,
    ended: sql`
      UPDATE ${sessions} SET ended_at = now()
      WHERE ended_at IS NULL AND id = (
        SELECT session_id FROM ${refresh_tokens}
        WHERE token_hash = ${value("spent_hash")} AND spent_at < now() - make_interval(secs => ${REUSE_GRACE_SECONDS}))`,
    recorded: recording(
      {
        from: sql`
          ${refresh_tokens} t JOIN ${sessions} s ON s.id = t.session_id JOIN ${users} u ON u.id = s.user_id
          WHERE t.token_hash = ${value("spent_hash")} AND NOT EXISTS (SELECT FROM spent)`,
        of: sql`u.`,
        session: sql`s.id`,
      },
      { action: "refresh", outcome: ended("refused") },
    ),
  },
  "spent",
  claimsOf,
);

/** Ends the session of a refresh token, spent or not, if it is one of the caller's; whether it was. */
export const endSession = framed<{ ended: boolean }, { token_hash: string }>(
  { action: "logout", outcome: outcomeOfReading(exists("ended")) },
  {
    ended: sql`
      UPDATE ${sessions} s SET ended_at = coalesce(s.ended_at, now()) FROM ${refresh_tokens} t
      WHERE t.token_hash = ${value("token_hash")} AND s.id = t.session_id AND s.user_id = ${callerId}
      RETURNING s.id`,
  },
  { ended: exists("ended") },
);

/** The caller's own account. */
export const findOwnAccount = repeatable<{ body: Json<Account> }>(
  null,
  { account: sql`SELECT ${columnsOf(users, Account.shape)} FROM ${users} WHERE ${users.id} = ${callerId}` },
  { body: bodyOf("account") },
);
