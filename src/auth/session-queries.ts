import { sql } from "drizzle-orm";
import { insertAuditEvent, readOutcome } from "../db/query/audit.ts";
import { authenticated, authenticatedRetryable } from "../db/query/authenticated.ts";
import { callerId, callerStepsForAuditors, refusalColumn, sessionId } from "../db/query/caller.ts";
import { isoTimestamp, jsonArray, jsonObject } from "../db/query/json.ts";
import { openSessionIds } from "../db/query/lock-order.ts";
import { intParam, type Json, param } from "../db/statement.ts";
import type { Session } from "./responses.ts";

const isEnded = sql`EXISTS (SELECT FROM ended)`;

/** When a session expires unless it is used again. `idle_minutes`: after how many minutes without use. */
const expiry = sql`least(s.expires_at, s.last_used_at + make_interval(mins => ${intParam("idle_minutes")}))`;

/** The caller's sessions that have not ended, newest first. */
export const listSessions = authenticatedRetryable<{ body: Json<Session[]> }, { idle_minutes: number }>(
  "auth/list-sessions",
  () => sql`-- GET /api/auth/sessions
  WITH ${callerStepsForAuditors},
  open_sessions AS (
    SELECT s.id, s.created_at, s.last_used_at, s.user_agent, s.last_address, s.last_user_agent,
      ${expiry}::timestamptz(3) AS expires_at
    FROM sessions s JOIN users u ON u.id = s.user_id
    WHERE s.user_id = ${callerId} AND s.ended_at IS NULL
      AND ${expiry} > now()
      AND s.token_version = u.token_version AND s.password_version = u.password_version
  )
SELECT ${refusalColumn}, (
    SELECT ${jsonArray(
      sql`${jsonObject(sql`
      s.id, ${isoTimestamp("s.created_at")} AS created_at,
      ${isoTimestamp("s.last_used_at")} AS last_used_at,
      ${isoTimestamp("s.expires_at")} AS expires_at,
      s.user_agent, s.last_address, s.last_user_agent, s.id = ${sessionId} AS current`)}::text`,
      sql`s.created_at DESC, s.id`,
    )}::text
    FROM open_sessions s
  ) AS body
FROM token_account`,
  { acceptsAuditors: true },
);

/** Ends one of the caller's sessions by its id. `isEnded` is false when there is no such open session. */
export const endSession = authenticated<{ isEnded: boolean }, { id: string }>(
  "auth/end-session",
  () => sql`-- DELETE /api/auth/sessions/:id
  WITH ${callerStepsForAuditors},
  ended AS (
    UPDATE sessions s SET ended_at = now()
    WHERE s.id = ${param("id")}::uuid AND s.user_id = ${callerId} AND s.ended_at IS NULL AND s.expires_at > now()
    RETURNING 1
  ),
  ${insertAuditEvent({ action: "logout", outcome: readOutcome(isEnded) })}
SELECT ${refusalColumn}, ${isEnded} AS "isEnded"
FROM token_account`,
  { acceptsAuditors: true },
);

/** Ends all sessions of the caller. `isEnded` is false when none was open. */
export const endAllSessions = authenticated<{ isEnded: boolean }>(
  "auth/end-all-sessions",
  () => sql`-- DELETE /api/auth/sessions
  WITH ${callerStepsForAuditors},
  locked_sessions AS (
    SELECT s.id FROM sessions s WHERE s.id = ANY (${openSessionIds(callerId)}) AND s.ended_at IS NULL ORDER BY s.id
    FOR NO KEY UPDATE
  ),
  ended AS (
    UPDATE sessions s SET ended_at = now() FROM locked_sessions WHERE s.id = locked_sessions.id
    RETURNING 1
  ),
  ${insertAuditEvent({ action: "logout" })}
SELECT ${refusalColumn}, ${isEnded} AS "isEnded"
FROM token_account`,
  { acceptsAuditors: true },
);
