import { sql } from "drizzle-orm";
import { insertAuditEventOf, type RequestOrigin } from "../db/query/audit.ts";
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
  sql`-- POST /api/auth/logout
  WITH ended AS (
    UPDATE sessions s SET ended_at = coalesce(s.ended_at, now()) FROM refresh_tokens t
    WHERE t.token_hash = ${param("token_hash")}::text AND s.id = t.session_id
    RETURNING s.id, s.user_id
  ),
  ${insertAuditEventOf(
    {
      from: sql`ended JOIN users u ON u.id = ended.user_id`,
      alias: "u.",
      session: sql`ended.id`,
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

/**
 * Refresh-token rotation: spends a refresh token and issues the next one of its session. There is no row when the
 * token is unknown, was spent before the grace period, or its session or account has ended or was not used for
 * `idle_days`. A token that was spent before the grace period also ends its session. Every refused token that is known
 * is audited.
 */
export const rotateRefreshToken = defineStatement<
  TokenClaims,
  { spent_hash: string; next_hash: string; idle_days: number; user_agent: string | null } & RequestOrigin
>(
  "auth/rotate-refresh-token",
  sql`-- POST /api/auth/refresh
  WITH session AS (
    -- Locks the session before its token, in the order in which the cleanup job deletes both: no deadlock. The second
    -- of two refreshes waits here and then, under READ COMMITTED, sees the token as spent. Shown by
    -- test/races/unique.test.ts.
    SELECT s.id FROM sessions s WHERE s.id = (SELECT t.session_id FROM refresh_tokens t WHERE t.token_hash = ${spentHash})
    FOR NO KEY UPDATE
  ),
  spent AS (
    UPDATE refresh_tokens t SET spent_at = coalesce(t.spent_at, now())
    FROM sessions s JOIN session ON session.id = s.id JOIN users u ON u.id = s.user_id
    WHERE t.token_hash = ${spentHash} AND (t.spent_at IS NULL OR ${isInGrace})
      AND s.id = t.session_id AND s.ended_at IS NULL AND s.expires_at > now()
      AND s.last_used_at > now() - make_interval(days => ${intParam("idle_days")})
      AND u.active AND u.token_version = s.token_version AND u.password_version = s.password_version
    RETURNING s.user_id, s.id AS session_id, s.token_version, u.must_change_password
  ),
  used_session AS (
    UPDATE sessions s SET last_used_at = now(), last_address = ${clientAddress}, last_user_agent = ${param("user_agent")}::text
    WHERE s.id = (SELECT session_id FROM spent)
  ),
  new_token AS (
    INSERT INTO refresh_tokens (token_hash, session_id) SELECT ${param("next_hash")}::text, session_id FROM spent
  ),
  ended_session AS (
    UPDATE sessions s SET ended_at = now()
    WHERE s.ended_at IS NULL AND s.id = (
      SELECT t.session_id FROM refresh_tokens t
      WHERE t.token_hash = ${spentHash} AND NOT ${isInGrace}
    )
  ),
  ${insertAuditEventOf(
    {
      from: sql`refresh_tokens t JOIN sessions s ON s.id = t.session_id JOIN users u ON u.id = s.user_id
    WHERE t.token_hash = ${spentHash} AND NOT EXISTS (SELECT FROM spent)`,
      alias: "u.",
      session: sql`s.id`,
    },
    { action: "refresh", outcome: "refused" },
  )}
SELECT user_id, session_id, token_version, must_change_password FROM spent`,
);
