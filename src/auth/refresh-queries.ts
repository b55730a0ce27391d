import { sql } from "drizzle-orm";
import { doneOrRefused, insertAuditEventOf, type RequestOrigin } from "../db/query/audit.ts";
import type { TokenClaims } from "../db/query/caller.ts";
import { defineStatement, intParam, param } from "../db/statement.ts";
import { clientAddress } from "./new-session.ts";

// The statements of requests with a refresh token in place of an access token.

/**
 * Ends the session with this refresh token, spent or not. An unknown token changes nothing and is not audited.
 * `isEnded` is whether there is such a session.
 */
export const endSessionByRefreshToken = defineStatement<
  { isEnded: boolean },
  { token_hash: string } & RequestOrigin
>(
  "auth/end-session-by-refresh-token",
  () => sql`-- POST /api/auth/logout
  WITH ended AS (
    UPDATE sessions s SET ended_at = coalesce(s.ended_at, now()) FROM refresh_tokens t
    WHERE t.token_hash = ${param("token_hash")}::text AND s.id = t.session_id
    RETURNING s.id, s.user_id, s.clinic_id
  ),
  ${insertAuditEventOf(
    {
      from: sql`ended JOIN users u ON u.id = ended.user_id`,
      alias: "u.",
      session: sql`ended.id`,
      clinic: sql`ended.clinic_id`,
    },
    { action: "logout" },
  )}
SELECT EXISTS (SELECT FROM ended) AS "isEnded"`,
);

/**
 * For how many seconds after a refresh token was spent it is exchanged again, because the response may have been
 * lost. A token that is used later than that may have been stolen: its session ends (RFC 9700, section 4.14.2).
 */
const REUSE_GRACE_SECONDS = sql.raw("30");
const isInGrace = sql`t.spent_at > now() - make_interval(secs => ${REUSE_GRACE_SECONDS})`;

const spentHash = sql`${param("spent_hash")}::text`;
const successorHashes = sql`${param("successor_hashes")}::text[]`;

/**
 * Refresh-token rotation: spends a refresh token and issues its successor. In the grace period it issues the same
 * successor again, which is audited. A session whose membership has ended, or whose clinic is not active any more, goes on in
 * the account's personal clinic. There is no row when
 *
 * - the token is unknown, or its session or account has ended or was not used for `idle_minutes`;
 * - it was spent before the grace period, or its successor has been spent: that also ends its session;
 * - another successor was issued for it than these, by a Worker with other secrets.
 *
 * Every refused token that is known is audited.
 *
 * @param successor_hashes the tokens that can be issued. The first one is, when the token is not spent yet.
 */
export const rotateRefreshToken = defineStatement<
  TokenClaims & { successor_hash: string },
  {
    spent_hash: string;
    successor_hashes: string[];
    idle_minutes: number;
    user_agent: string | null;
  } & RequestOrigin
>(
  "auth/rotate-refresh-token",
  () => sql`-- POST /api/auth/refresh
  WITH session AS (
    -- Locks the session before its token, in the order in which the cleanup job deletes both: no deadlock. The second
    -- of two refreshes waits here and then, under READ COMMITTED, sees the session as it is now, and the token as
    -- spent. Shown by test/races/refreshes.test.ts.
    SELECT s.* FROM sessions s WHERE s.id = (SELECT t.session_id FROM refresh_tokens t WHERE t.token_hash = ${spentHash})
    FOR NO KEY UPDATE
  ),
  spent AS (
    UPDATE refresh_tokens t SET spent_at = coalesce(t.spent_at, now()),
      successor_hash = coalesce(t.successor_hash, (${successorHashes})[1])
    FROM session s JOIN users u ON u.id = s.user_id
    WHERE t.token_hash = ${spentHash} AND (t.spent_at IS NULL OR ${isInGrace})
      AND s.id = t.session_id AND s.ended_at IS NULL AND s.expires_at > now()
      AND s.last_used_at > now() - make_interval(mins => ${intParam("idle_minutes")})
      AND u.active AND u.token_version = s.token_version AND u.password_version = s.password_version
    RETURNING t.successor_hash, s.user_id, s.id AS session_id, s.token_version, u.must_change_password,
      u.role = 'auditor' AS is_auditor, CASE WHEN EXISTS (
        SELECT FROM memberships ms
        WHERE ms.clinic_id = s.clinic_id AND ms.account_id = s.user_id AND ms.ended_at IS NULL AND ms.clinic_active
      ) THEN s.clinic_id ELSE s.user_id END AS clinic_id, t.spent_at <> now()::timestamptz(3) AS was_spent
  ),
  successor AS (
    -- The update changes nothing. It finds a successor that a concurrent refresh has inserted, unless it is spent.
    INSERT INTO refresh_tokens AS t (token_hash, session_id) SELECT successor_hash, session_id FROM spent
    ON CONFLICT (token_hash) DO UPDATE SET spent_at = NULL WHERE t.spent_at IS NULL
    RETURNING xmax = 0 AS is_new
  ),
  exchanged AS (
    SELECT spent.*, successor.is_new FROM spent, successor WHERE successor_hash = ANY (${successorHashes})
  ),
  superseded AS (
    -- A move of the session without its refresh token has spent this one without a successor, and issued another. Two chains
    -- of tokens would hide a thief: only the one that is used first goes on.
    UPDATE refresh_tokens t SET spent_at = now() FROM exchanged
    WHERE exchanged.is_new AND exchanged.was_spent AND t.session_id = exchanged.session_id
      AND t.token_hash <> exchanged.successor_hash AND t.spent_at IS NULL
  ),
  used_session AS (
    UPDATE sessions s SET last_used_at = now(), last_address = ${clientAddress}, last_user_agent = ${param("user_agent")}::text,
      clinic_id = exchanged.clinic_id
    FROM exchanged WHERE s.id = exchanged.session_id
  ),
  ended_session AS (
    UPDATE sessions s SET ended_at = now()
    WHERE s.ended_at IS NULL AND s.id = coalesce(
      (SELECT t.session_id FROM refresh_tokens t WHERE t.token_hash = ${spentHash} AND NOT ${isInGrace}),
      (SELECT session_id FROM spent WHERE NOT EXISTS (SELECT FROM successor))
    )
    RETURNING 1
  ),
  ${insertAuditEventOf(
    {
      from: sql`refresh_tokens t JOIN sessions s ON s.id = t.session_id JOIN users u ON u.id = s.user_id
    WHERE t.token_hash = ${spentHash} AND NOT EXISTS (SELECT FROM exchanged WHERE is_new)`,
      alias: "u.",
      session: sql`s.id`,
      clinic: sql`s.clinic_id`,
    },
    {
      action: sql`CASE WHEN EXISTS (SELECT FROM exchanged) THEN 'repeat_refresh' ELSE 'refresh' END`,
      outcome: doneOrRefused(sql`EXISTS (SELECT FROM exchanged)`),
      reason: sql`CASE WHEN EXISTS (SELECT FROM ended_session) THEN 'used again: the session has ended' END`,
    },
  )}
SELECT user_id, session_id, clinic_id, token_version, must_change_password, is_auditor, successor_hash FROM exchanged`,
);
