import { type SQL, sql } from "drizzle-orm";
import { insertAuditEvent, type RequestOrigin, readOutcome } from "../db/query/steps/audit.ts";
import {
  authenticated,
  authenticatedRetryable,
  callerId,
  type TokenClaims,
  withoutRecheck,
} from "../db/query/steps/caller.ts";
import { isoTimestamp, jsonArray, jsonBody } from "../db/query/steps/json.ts";
import { defineStatement, exists, type Json, param } from "../db/query/steps/statement.ts";
import { refresh_tokens, sessions, users } from "../db/schema.ts";
import type { Account, Session } from "./responses.ts";

/** The caller's own account. */
export const findOwnAccount = authenticatedRetryable<{ body: Json<Account> }>(() => ({
  auditEvent: null,
  revoked: withoutRecheck,
  steps: { account: sql`SELECT id, username, email, role FROM ${users} WHERE ${users.id} = ${callerId}` },
  row: { body: jsonBody("account") },
}));

/** When a session expires unless it is used again. `idle_days`: after how many days without use. */
const expiry = sql`least(expires_at, last_used_at + make_interval(days => ${param("idle_days")}))`;

/** The caller's sessions that have not ended, newest first. */
export const listSessions = authenticatedRetryable<{ body: Json<Session[]> }, { idle_days: number }>(() => ({
  auditEvent: null,
  revoked: withoutRecheck,
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
  revoked: withoutRecheck,
  steps: {
    ended: sql`
      UPDATE ${sessions} SET ended_at = now()
      WHERE id = ${param("id")}::uuid AND user_id = ${callerId} AND ended_at IS NULL AND expires_at > now() RETURNING 1`,
  },
  row: { isEnded: exists("ended") },
}));

/** Ends all sessions of the caller. `isEnded` is false when none was open. */
export const endAllSessions = authenticated<{ isEnded: boolean }>(() => ({
  auditEvent: { action: "logout" },
  revoked: withoutRecheck,
  steps: {
    ended: sql`UPDATE ${sessions} SET ended_at = now() WHERE user_id = ${callerId} AND ended_at IS NULL RETURNING 1`,
  },
  row: { isEnded: exists("ended") },
}));

/**
 * Ends the caller's session with this refresh token, spent or not. `isEnded` is false when no session of the caller
 * has it.
 */
export const endSessionByRefreshToken = authenticated<{ isEnded: boolean }, { token_hash: string }>(() => ({
  auditEvent: { action: "logout", outcome: readOutcome(exists("ended")) },
  revoked: withoutRecheck,
  steps: {
    ended: sql`
      UPDATE ${sessions} s SET ended_at = coalesce(s.ended_at, now()) FROM ${refresh_tokens} t
      WHERE t.token_hash = ${param("token_hash")} AND s.id = t.session_id AND s.user_id = ${callerId}
      RETURNING s.id`,
  },
  row: { isEnded: exists("ended") },
}));

/** The columns of a row that has what the next access token claims. */
export const claimColumns = {
  user_id: sql<number>`user_id`,
  session_id: sql<string>`session_id`,
  token_version: sql<number>`token_version`,
  must_change_password: sql<boolean>`must_change_password`,
};

/**
 * For how many seconds after a refresh token was spent it is exchanged again, because the response may have been
 * lost. A token that is used later than that may have been stolen: its session ends (RFC 9700, section 4.14.2).
 */
const REUSE_GRACE_SECONDS = sql.raw("30");
const isInGrace = (spentAt: SQL): SQL =>
  sql`${spentAt} > now() - make_interval(secs => ${REUSE_GRACE_SECONDS})`;

/**
 * Refresh-token rotation: spends a refresh token and issues the next one of its session. There is no row when the
 * token is unknown, was spent before the grace period, or its session or account has ended or was not used for
 * `idle_days`. A token that was spent before the grace period also ends its session. Every refused token that is known
 * is audited.
 */
export const rotateRefreshToken = defineStatement<
  TokenClaims,
  { spent_hash: string; next_hash: string; idle_days: number } & RequestOrigin
>(() => ({
  steps: {
    // Locks the session before its token, in the order in which the cleanup job deletes both: no deadlock. The second
    // of two refreshes waits here and then, under READ COMMITTED, sees the token as spent. Shown by
    // test/races/unique.test.ts.
    session: sql`
      SELECT id FROM ${sessions} WHERE id = (
        SELECT session_id FROM ${refresh_tokens} WHERE token_hash = ${param("spent_hash")}) FOR NO KEY UPDATE`,
    spent: sql`
      UPDATE ${refresh_tokens} t SET spent_at = coalesce(t.spent_at, now())
      FROM ${sessions} s JOIN session ON session.id = s.id JOIN ${users} u ON u.id = s.user_id
      WHERE t.token_hash = ${param("spent_hash")} AND (t.spent_at IS NULL OR ${isInGrace(sql`t.spent_at`)})
        AND s.id = t.session_id AND s.ended_at IS NULL AND s.expires_at > now()
        AND s.last_used_at > now() - make_interval(days => ${param("idle_days")})
        AND u.active AND u.token_version = s.token_version AND u.password_version = s.password_version
      RETURNING s.id AS session_id, s.user_id, s.token_version, u.must_change_password`,
    used_session: sql`UPDATE ${sessions} SET last_used_at = now() WHERE id = (SELECT session_id FROM spent)`,
    new_token: sql`INSERT INTO ${refresh_tokens} (token_hash, session_id) SELECT ${param("next_hash")}, session_id FROM spent`,
    ended_session: sql`
      UPDATE ${sessions} SET ended_at = now()
      WHERE ended_at IS NULL AND id = (
        SELECT session_id FROM ${refresh_tokens}
        WHERE token_hash = ${param("spent_hash")} AND NOT ${isInGrace(sql`spent_at`)})`,
    audit_event: insertAuditEvent(
      {
        from: sql`
          ${refresh_tokens} t JOIN ${sessions} s ON s.id = t.session_id JOIN ${users} u ON u.id = s.user_id
          WHERE t.token_hash = ${param("spent_hash")} AND NOT ${exists("spent")}`,
        alias: sql`u.`,
        session: sql`s.id`,
      },
      { action: "refresh", outcome: sql`'refused'` },
    ),
  },
  from: "spent",
  row: claimColumns,
}));
