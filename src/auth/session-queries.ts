import { sql } from "drizzle-orm";
import { outcomeOfReading } from "../db/query/audit.ts";
import { callerId, framed, repeatable } from "../db/query/caller.ts";
import { arrayOf, bodyOf, moment } from "../db/query/json.ts";
import { refresh_tokens, sessions, users } from "../db/schema.ts";
import { exists, type Json, value } from "../db/statement.ts";
import type { Account, Session } from "./responses.ts";

/** The caller's own account. */
export const findOwnAccount = repeatable<{ body: Json<Account> }>(() => ({
  entry: null,
  steps: { account: sql`SELECT id, username, email, role FROM ${users} WHERE ${users.id} = ${callerId}` },
  row: { body: bodyOf("account") },
}));

/** When a session is over if it is not used again. */
const end = sql`least(expires_at, last_used_at + make_interval(days => ${value("idle_days")}))`;

/** The caller's sessions that are not over, newest first. */
export const listSessions = repeatable<{ body: Json<Session[]> }, { idle_days: number }>(() => ({
  entry: null,
  steps: {
    open: sql`
      SELECT s.id, s.created_at, s.last_used_at, ${end}::timestamptz(3) AS expires_at, s.user_agent
      FROM ${sessions} s JOIN ${users} u ON u.id = s.user_id
      WHERE s.user_id = ${callerId} AND ended_at IS NULL AND ${end} > now()
        AND s.token_version = u.token_version AND s.password_version = u.password_version`,
  },
  row: {
    body: sql`(
      SELECT ${arrayOf(
        sql`${sessions.id}, ${moment(sessions.created_at)} AS created_at, ${moment(sessions.last_used_at)} AS last_used_at,
          ${moment(sessions.expires_at)} AS expires_at, ${sessions.user_agent}, ${sessions.id} = ${value("session_id")}::uuid AS current`,
        sql`${sessions.created_at} DESC, ${sessions.id}`,
      )}::text FROM open ${sessions})`,
  },
}));

/** Ends one of the caller's sessions, by its id; whether there is such a one that was not over. */
export const endSession = framed<{ ended: boolean }, { id: string }>(() => ({
  entry: { action: "logout", outcome: outcomeOfReading(exists("ended")) },
  steps: {
    ended: sql`
      UPDATE ${sessions} SET ended_at = now()
      WHERE id = ${value("id")}::uuid AND user_id = ${callerId} AND ended_at IS NULL AND expires_at > now() RETURNING 1`,
  },
  row: { ended: exists("ended") },
}));

/** Ends all of the caller's sessions. */
export const endSessions = framed<{ ended: number }>(() => ({
  entry: { action: "logout" },
  steps: {
    ended: sql`UPDATE ${sessions} SET ended_at = now() WHERE user_id = ${callerId} AND ended_at IS NULL RETURNING 1`,
  },
  row: { ended: sql`(SELECT count(*)::int FROM ended)` },
}));

/** Ends the session of a refresh token, spent or not, if it is one of the caller's; whether it was. */
export const endSessionOf = framed<{ ended: boolean }, { token_hash: string }>(() => ({
  entry: { action: "logout", outcome: outcomeOfReading(exists("ended")) },
  steps: {
    ended: sql`
      UPDATE ${sessions} s SET ended_at = coalesce(s.ended_at, now()) FROM ${refresh_tokens} t
      WHERE t.token_hash = ${value("token_hash")} AND s.id = t.session_id AND s.user_id = ${callerId}
      RETURNING s.id`,
  },
  row: { ended: exists("ended") },
}));
