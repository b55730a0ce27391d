import { sql } from "drizzle-orm";
import { ended, recording } from "../db/audit.ts";
import { callerId, framedForPassword, who } from "../db/caller.ts";
import { folded } from "../db/columns.ts";
import { sessions, users } from "../db/schema.ts";
import { exists, value } from "../db/statement.ts";
import { type Attempt, counting, ofAttempt, takingBack } from "./attempts.ts";

const username = sql`(SELECT ${folded(sql`username`)} FROM caller)`;

/**
 * Counts an attempt at the caller's password, as one to log in is, and gives what is needed to know of its account. What ends here is put
 * on record; of all else that is left to the next statement.
 */
export const findOwnPassword = framedForPassword<
  Attempt & { password_hash: string; username: string; email: string },
  { network: string }
>(
  null,
  {
    ...counting(username),
    account: sql`SELECT password_hash, username, email FROM ${users} WHERE id = ${callerId}`,
    refused: recording(
      { ...who, from: sql`claimant WHERE NOT accepted OR EXISTS (SELECT FROM attempt WHERE NOT admitted)` },
      {
        action: "change_password",
        outcome: ended("refused"),
        reason: sql`CASE WHEN accepted THEN 'too many attempts' END`,
      },
    ),
  },
  {
    ...ofAttempt,
    password_hash: sql`(SELECT password_hash FROM account)`,
    username: sql`(SELECT username FROM account)`,
    email: sql`(SELECT email FROM account)`,
  },
);

/**
 * Replaces the caller's `password_hash`, against which its password has just been checked, and ends its other sessions; whether it
 * was that still, and the password right (null when it was not).
 */
export const changePassword = framedForPassword<
  { changed: boolean },
  { password_hash: string | null; new_hash: string | null; network: string }
>(
  {
    action: "change_password",
    outcome: sql`CASE WHEN ${exists("changed")} THEN ${ended("done")} ELSE ${ended("refused")} END`,
  },
  {
    changed: sql`
      UPDATE ${users} SET password_hash = ${value("new_hash")}, must_change_password = false, updated_at = now()
      WHERE id = ${callerId} AND password_hash = ${value("password_hash")} RETURNING 1`,
    ended: sql`
      UPDATE ${sessions} SET ended_at = now()
      WHERE user_id = ${callerId} AND id <> ${value("session_id")}::uuid AND ended_at IS NULL AND ${exists("changed")}`,
    ...takingBack(username, "changed"),
  },
  { changed: exists("changed") },
);
