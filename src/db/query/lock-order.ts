import { type SQL, sql } from "drizzle-orm";
import { callerId, clinicId, sessionId } from "./caller.ts";

// The order in which all statements lock rows, so that none is a deadlock with another one: records (patients by id;
// for an appointment then doctors, assignments, the calendars of doctors and of patients, and appointments), the
// calendar feeds of an account, accounts, sessions, memberships by clinic and account, clinics, and last the advisory
// lock of the trigger that keeps a manager. Rows of one table are locked in the order of their ids. Shown by
// test/races/lock-order.test.ts.

/**
 * The steps `locked_session` and `locked_memberships`, for a statement that needs more memberships of the caller than
 * the one of its clinic. Then the caller is re-checked: all that the re-check locks is locked already.
 *
 * @param options.memberships which memberships `ms` of the caller are locked in addition to the one of the token's
 *   clinic.
 * @param options.after the step that waits before them.
 * @param options.lock of the session and the memberships.
 */
export const lockedMembershipSteps = ({
  memberships,
  after = "caller",
  lock = "SHARE",
}: {
  memberships: SQL;
  after?: string;
  lock?: "SHARE" | "NO KEY UPDATE";
}): SQL => sql`locked_session AS (
    SELECT s.id FROM users u, sessions s
    WHERE u.id = ${callerId} AND s.id = ${sessionId} AND s.user_id = u.id AND ${isAfter(after)}
    FOR SHARE OF u FOR ${sql.raw(lock)} OF s
  ),
  locked_memberships AS (
    SELECT ms.* FROM memberships ms
    WHERE ms.account_id = ${callerId} AND (ms.clinic_id = ${clinicId} OR ${memberships}) AND EXISTS (SELECT FROM locked_session)
    ORDER BY ms.clinic_id
    FOR ${sql.raw(lock)}
  )`;

/**
 * The ids of an account's sessions that have not ended, to lock them by `s.id = ANY (…)` in the order of their ids. The
 * deletion of a clinic does the same. Found by the account's index: a condition on the account would read the whole
 * primary key in order.
 */
export const openSessionIds = (account: SQL): SQL => sql`ARRAY(
        SELECT of_account.id FROM sessions of_account WHERE of_account.user_id = ${account} AND of_account.ended_at IS NULL
      )`;

/** Always true, once all rows of a step are there. */
export const isAfter = (step: string): SQL => sql`(SELECT count(*) FROM ${sql.raw(step)}) >= 0`;
