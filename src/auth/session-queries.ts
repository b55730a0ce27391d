import { sql } from "drizzle-orm";
import { readOutcome } from "../db/query/audit.ts";
import { authenticated, authenticatedRetryable, callerId, neverRevoked } from "../db/query/caller.ts";
import { isoTimestamp, jsonArray, jsonBody } from "../db/query/json.ts";
import { refresh_tokens, sessions, users } from "../db/schema.ts";
import { exists, type Json, param } from "../db/statement.ts";
import type { Account, Session } from "./responses.ts";

/** The caller's own account. */
export const findOwnAccount = authenticatedRetryable<{ body: Json<Account> }>(() => ({
  auditEvent: null,
  revoked: neverRevoked,
  steps: { account: sql`SELECT id, username, email, role FROM ${users} WHERE ${users.id} = ${callerId}` },
  row: { body: jsonBody("account") },
}));

/** When a session expires unless it is used again. `idle_days`: after how many days without use. */
const expiry = sql`least(expires_at, last_used_at + make_interval(days => ${param("idle_days")}))`;

/** The caller's sessions that have not ended, newest first. */
export const listSessions = authenticatedRetryable<{ body: Json<Session[]> }, { idle_days: number }>(() => ({
  auditEvent: null,
  revoked: neverRevoked,
  steps: {
    open_sessions: sql`
      SELECT s.id, s.created_at, s.last_used_at, ${expiry}::timestamptz(3) AS expires_at, s.user_agent
      FROM ${sessions} s JOIN ${users} u ON u.id = s.user_id
      WHERE s.user_id = ${callerId} AND ended_at IS NULL AND ${expiry} > now()
        AND s.token_version = u.token_version AND s.password_version = u.password_version`,
  },
  row: {
    body: sql`(
      SELECT ${jsonArray(
        sql`${sessions.id}, ${isoTimestamp(sessions.created_at)} AS created_at, ${isoTimestamp(sessions.last_used_at)} AS last_used_at,
          ${isoTimestamp(sessions.expires_at)} AS expires_at, ${sessions.user_agent}, ${sessions.id} = ${param("session_id")}::uuid AS current`,
        sql`${sessions.created_at} DESC, ${sessions.id}`,
      )}::text FROM open_sessions ${sessions})`,
  },
}));

/** Ends one of the caller's sessions by its id. `isEnded` is false when there is no such open session. */
export const endSession = authenticated<{ isEnded: boolean }, { id: string }>(() => ({
  auditEvent: { action: "logout", outcome: readOutcome(exists("ended")) },
  revoked: neverRevoked,
  steps: {
    ended: sql`
      UPDATE ${sessions} SET ended_at = now()
      WHERE id = ${param("id")}::uuid AND user_id = ${callerId} AND ended_at IS NULL AND expires_at > now() RETURNING 1`,
  },
  row: { isEnded: exists("ended") },
}));

/** Ends all sessions of the caller, and returns how many. */
export const endAllSessions = authenticated<{ ended: number }>(() => ({
  auditEvent: { action: "logout" },
  revoked: neverRevoked,
  steps: {
    ended: sql`UPDATE ${sessions} SET ended_at = now() WHERE user_id = ${callerId} AND ended_at IS NULL RETURNING 1`,
  },
  row: { ended: sql`(SELECT count(*)::int FROM ended)` },
}));

/**
 * Ends the caller's session with this refresh token, spent or not. `isEnded` is false when no session of the caller
 * has it.
 */
export const endSessionByRefreshToken = authenticated<{ isEnded: boolean }, { token_hash: string }>(() => ({
  auditEvent: { action: "logout", outcome: readOutcome(exists("ended")) },
  revoked: neverRevoked,
  steps: {
    ended: sql`
      UPDATE ${sessions} s SET ended_at = coalesce(s.ended_at, now()) FROM ${refresh_tokens} t
      WHERE t.token_hash = ${param("token_hash")} AND s.id = t.session_id AND s.user_id = ${callerId}
      RETURNING s.id`,
  },
  row: { isEnded: exists("ended") },
}));
