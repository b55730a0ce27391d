import { sql } from "drizzle-orm";
import { folded } from "../db/columns.ts";
import { ended, recording } from "../db/query/audit.ts";
import { callerId, framedForPassword, who } from "../db/query/caller.ts";
import { sessions, users } from "../db/schema.ts";
import { exists, value } from "../db/statement.ts";
import { type Attempt, counting, ofAttempt, takingBack } from "./login-attempts.ts";
import type { Stored } from "./passwords.ts";

const username = sql`(SELECT ${folded(sql`username`)} FROM caller)`;

/**
 * Counts an attempt at the caller's password, as one to log in is, and gives what is needed to know of its account. What ends here is put
 * on record; of all else that is left to the next statement.
 */
export const findOwnPassword = framedForPassword<
  Attempt & Stored & { username: string; email: string },
  { network: string }
>(() => ({
  entry: null,
  steps: {
    ...counting(username),
    account: sql`SELECT password_hash, password_trimmed, username, email FROM ${users} WHERE id = ${callerId}`,
    refused: recording(
      { ...who, from: sql`claimant WHERE NOT accepted OR EXISTS (SELECT FROM attempt WHERE NOT admitted)` },
      {
        action: "change_password",
        outcome: ended("refused"),
        reason: sql`CASE WHEN accepted THEN 'too many attempts' END`,
      },
    ),
  },
  row: {
    ...ofAttempt,
    password_hash: sql`(SELECT password_hash FROM account)`,
    password_trimmed: sql`(SELECT password_trimmed FROM account)`,
    username: sql`(SELECT username FROM account)`,
    email: sql`(SELECT email FROM account)`,
  },
}));

/**
 * Replaces the caller's `password_hash`, against which its password has just been checked (null when that was wrong), by a `new_hash`
 * (null when the new password is no good), and ends its other sessions; whether it did.
 */
export const changePassword = framedForPassword<
  { changed: boolean },
  { password_hash: string | null; new_hash: string | null; network: string; known: boolean }
>(() => ({
  entry: {
    action: "change_password",
    outcome: sql`CASE WHEN ${exists("changed")} THEN ${ended("done")} ELSE ${ended("refused")} END`,
  },
  steps: {
    right: sql`SELECT FROM ${users} WHERE id = ${callerId} AND password_hash = ${value("password_hash")}`,
    changed: sql`
      UPDATE ${users} SET password_hash = ${value("new_hash")}, password_version = password_version + 1, password_trimmed = false,
        must_change_password = false, updated_at = now()
      WHERE id = ${callerId} AND password_hash = ${value("password_hash")} AND ${value("new_hash")}::text IS NOT NULL
        AND active AND token_version = ${value("token_version")}
      RETURNING password_version`,
    kept: sql`
      UPDATE ${sessions} SET password_version = changed.password_version FROM changed WHERE id = ${value("session_id")}::uuid`,
    ended: sql`
      UPDATE ${sessions} SET ended_at = now()
      WHERE user_id = ${callerId} AND id <> ${value("session_id")}::uuid AND ended_at IS NULL AND ${exists("changed")}`,
    ...takingBack(username, "right"),
  },
  row: { changed: exists("changed") },
}));
