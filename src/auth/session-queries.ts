import { sql } from "drizzle-orm";
import { insertAuditEvent, insertAuditEventOf, type RequestOrigin, readOutcome } from "../db/query/audit.ts";
import {
  authenticated,
  authenticatedRetryable,
  callerId,
  callerStepsForAuditors,
  type TokenClaims,
} from "../db/query/caller.ts";
import { isoTimestamp, jsonArray, jsonBody } from "../db/query/json.ts";
import { defineStatement, intParam, type Json, param } from "../db/statement.ts";
import type { Account, Session } from "./responses.ts";

const sessionId = sql`${param("session_id")}::uuid`;
const isEnded = sql`EXISTS (SELECT FROM ended)`;

/** The caller's own account. */
export const findOwnAccount = authenticatedRetryable<{ body: Json<Account> }>(
  "auth/find-own-account",
  sql`-- GET /api/auth/me
  WITH ${callerStepsForAuditors},
  account AS (SELECT u.id, u.username, u.email, u.role FROM users u WHERE u.id = ${callerId})
SELECT ${jsonBody("account")} AS body
FROM caller`,
  { acceptsAuditors: true },
);

/** When a session expires unless it is used again. `idle_days`: after how many days without use. */
const expiry = sql`least(s.expires_at, s.last_used_at + make_interval(days => ${intParam("idle_days")}))`;

/** The caller's sessions that have not ended, newest first. */
export const listSessions = authenticatedRetryable<{ body: Json<Session[]> }, { idle_days: number }>(
  "auth/list-sessions",
  sql`-- GET /api/auth/sessions
  WITH ${callerStepsForAuditors},
  open_sessions AS (
    SELECT s.id, s.created_at, s.last_used_at, s.user_agent,
      ${expiry}::timestamptz(3) AS expires_at
    FROM sessions s JOIN users u ON u.id = s.user_id
    WHERE s.user_id = ${callerId} AND s.ended_at IS NULL
      AND ${expiry} > now()
      AND s.token_version = u.token_version AND s.password_version = u.password_version
  )
SELECT (
    SELECT ${jsonArray(
      sql`
      s.id, ${isoTimestamp("s.created_at")} AS created_at,
      ${isoTimestamp("s.last_used_at")} AS last_used_at,
      ${isoTimestamp("s.expires_at")} AS expires_at,
      s.user_agent, s.id = ${sessionId} AS current`,
      sql`s.created_at DESC, s.id`,
    )}::text
    FROM open_sessions s
  ) AS body
FROM caller`,
  { acceptsAuditors: true },
);

/** Ends one of the caller's sessions by its id. `isEnded` is false when there is no such open session. */
export const endSession = authenticated<{ isEnded: boolean }, { id: string }>(
  "auth/end-session",
  sql`-- DELETE /api/auth/sessions/:id
  WITH ${callerStepsForAuditors},
  ended AS (
    UPDATE sessions s SET ended_at = now()
    WHERE s.id = ${param("id")}::uuid AND s.user_id = ${callerId} AND s.ended_at IS NULL AND s.expires_at > now()
    RETURNING 1
  ),
  ${insertAuditEvent({ action: "logout", outcome: readOutcome(isEnded) })}
SELECT ${isEnded} AS "isEnded"
FROM caller`,
  { acceptsAuditors: true },
);

/** Ends all sessions of the caller. `isEnded` is false when none was open. */
export const endAllSessions = authenticated<{ isEnded: boolean }>(
  "auth/end-all-sessions",
  sql`-- DELETE /api/auth/sessions
  WITH ${callerStepsForAuditors},
  ended AS (
    UPDATE sessions s SET ended_at = now() WHERE s.user_id = ${callerId} AND s.ended_at IS NULL
    RETURNING 1
  ),
  ${insertAuditEvent({ action: "logout" })}
SELECT ${isEnded} AS "isEnded"
FROM caller`,
  { acceptsAuditors: true },
);

/**
 * Ends the caller's session with this refresh token, spent or not. `isEnded` is false when no session of the caller
 * has it.
 */
export const endSessionByRefreshToken = authenticated<{ isEnded: boolean }, { token_hash: string }>(
  "auth/end-session-by-refresh-token",
  sql`-- POST /api/auth/logout
  WITH ${callerStepsForAuditors},
  ended AS (
    UPDATE sessions s SET ended_at = coalesce(s.ended_at, now()) FROM refresh_tokens t
    WHERE t.token_hash = ${param("token_hash")}::text AND s.id = t.session_id AND s.user_id = ${callerId}
    RETURNING 1
  ),
  ${insertAuditEvent({ action: "logout", outcome: readOutcome(isEnded) })}
SELECT ${isEnded} AS "isEnded"
FROM caller`,
  { acceptsAuditors: true },
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
  { spent_hash: string; next_hash: string; idle_days: number } & RequestOrigin
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
    RETURNING s.user_id, s.id AS session_id, s.token_version, u.must_change_password,
      u.role = 'auditor' AS is_auditor
  ),
  used_session AS (UPDATE sessions s SET last_used_at = now() WHERE s.id = (SELECT session_id FROM spent)),
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
SELECT user_id, session_id, token_version, must_change_password, is_auditor FROM spent`,
);
