import { and, eq, sql } from "drizzle-orm";
import { asCaller, type Claims } from "../db/caller.ts";
import type { Database } from "../db/client.ts";
import { folded, refresh_tokens, sessions, users } from "../db/schema.ts";

/**
 * How long after its rotation a spent refresh token is merely refused, in seconds: two tabs, or a retry whose answer was
 * lost. Later than that somebody has kept it, and the session ends.
 */
const REUSE_GRACE_SECONDS = 10;

interface NewAccount {
  username: string;
  email: string;
  password_hash: string;
}

/**
 * Creates an account. A taken username breaks `users_username_key`. Only these columns are named: the Worker's database
 * role may not write any other, so that nothing makes an admin here.
 */
export async function createAccount(db: Database, account: NewAccount) {
  const { rows } = await db.execute<{ id: number; username: string; email: string }>(sql`
    INSERT INTO ${users} (username, email, password_hash)
    VALUES (${account.username}, ${account.email}, ${account.password_hash})
    RETURNING id, username, email`);
  return rows[0];
}

/**
 * What logging in to an active account needs to know of it.
 *
 * @param foldedUsername its username in lower case.
 */
export async function findAccount(db: Database, foldedUsername: string) {
  const [account] = await db
    .select({ id: users.id, password_hash: users.password_hash })
    .from(users)
    .where(and(eq(folded(users.username), foldedUsername), users.active));
  return account;
}

/**
 * Opens a session for an account whose password has just been checked against `password_hash`, and clears away the
 * account's expired ones.
 *
 * @returns `undefined` when the account is disabled, or its password was changed meanwhile.
 */
export async function openSession(
  db: Database,
  account: { id: number; password_hash: string },
  { tokenHash, days }: { tokenHash: string; days: number },
): Promise<Claims | undefined> {
  const { rows } = await db.execute<Row<Claims>>(sql`
    WITH account AS (
      SELECT id, token_version FROM ${users}
      WHERE id = ${account.id} AND active AND password_hash = ${account.password_hash}
    ), cleared AS (
      DELETE FROM ${sessions} WHERE user_id = (SELECT id FROM account) AND expires_at < now()
    ), opened AS (
      INSERT INTO ${sessions} (user_id, token_version, expires_at)
      SELECT id, token_version, now() + make_interval(days => ${days}) FROM account
      RETURNING id, user_id, token_version
    ), issued AS (
      INSERT INTO ${refresh_tokens} (token_hash, session_id) SELECT ${tokenHash}, id FROM opened
    )
    SELECT user_id, id AS session_id, token_version FROM opened`);
  return rows[0];
}

/**
 * Spends a refresh token and issues the next one of its session, both or neither; of any number of requests at once,
 * one gets through. A token spent longer ago than the grace ends its session.
 *
 * @returns `undefined` when the token is unknown or spent, or its session or account is over.
 */
export async function rotateRefresh(
  db: Database,
  { spentHash, nextHash }: { spentHash: string; nextHash: string },
): Promise<Claims | undefined> {
  const { rows } = await db.execute<Row<Claims>>(sql`
    WITH spent AS (
      UPDATE ${refresh_tokens} t SET spent_at = now()
      FROM ${sessions} s JOIN ${users} u ON u.id = s.user_id
      WHERE t.token_hash = ${spentHash} AND t.spent_at IS NULL
        AND s.id = t.session_id AND s.ended_at IS NULL AND s.expires_at > now()
        AND u.active AND u.token_version = s.token_version
      RETURNING s.id AS session_id, s.user_id, s.token_version
    ), issued AS (
      INSERT INTO ${refresh_tokens} (token_hash, session_id) SELECT ${nextHash}, session_id FROM spent
    ), ended AS (
      UPDATE ${sessions} SET ended_at = now()
      WHERE ended_at IS NULL AND id = (
        SELECT session_id FROM ${refresh_tokens}
        WHERE token_hash = ${spentHash} AND spent_at < now() - make_interval(secs => ${REUSE_GRACE_SECONDS}))
    )
    SELECT user_id, session_id, token_version FROM spent`);
  return rows[0];
}

/** Ends the session of a refresh token, spent or not, if it is one of the caller's. */
export async function endSession(db: Database, claims: Claims, tokenHash: string): Promise<boolean> {
  const [{ ended }] = await asCaller(db, claims, (caller) => [
    db.$with("ended", { id: sessions.id }).as(sql`
      UPDATE ${sessions} s SET ended_at = coalesce(s.ended_at, now()) FROM ${refresh_tokens} t, ${caller}
      WHERE t.token_hash = ${tokenHash} AND s.id = t.session_id AND s.user_id = ${caller.id}
      RETURNING s.id`),
  ]);
  return ended !== null;
}

/** The caller's own account. */
export async function findOwnAccount(db: Database, claims: Claims) {
  const [{ account }] = await asCaller(db, claims, (caller) => [
    db
      .$with("account")
      .as(
        db
          .select({ id: users.id, username: users.username, email: users.email, role: users.role })
          .from(users)
          .innerJoin(caller, eq(users.id, caller.id)),
      ),
  ]);
  return account;
}

/** Makes an interface the record that `db.execute` wants its rows to be. */
type Row<T> = { [Key in keyof T]: T[Key] };
