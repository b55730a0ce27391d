import { type SQL, sql } from "drizzle-orm";
import { clinicRoles } from "../schema/codes.ts";
import { type Connection, param } from "../statement.ts";
import type { RequestOrigin } from "./audit.ts";

// Who is calling, and the steps by which a statement checks that. authenticated.ts defines such statements.

/** What an access token claims. The statement that does the request's work checks it against the database. */
export type TokenClaims = {
  user_id: number;
  session_id: string;
  /** The clinic in which the session worked when the token was issued. Another one ends the token. */
  clinic_id: number;
  token_version: number;
  /** Whether the account had to change its password first when the token was issued. */
  must_change_password: boolean;
  /** Whether the account was an auditor when the token was issued. Another role ends the token's session. */
  is_auditor: boolean;
};

/** Who is calling, from where, and the database connection of the request. */
export interface Caller {
  claims: TokenClaims;
  origin: RequestOrigin;
  /** The date in the API's time zone, `2026-11-27`. It decides the ages of patients of a clinic without a time zone. */
  today: string;
  connection: Connection;
}

/** The session and the clinic of the token. */
export const sessionId = sql`${param("session_id")}::uuid`;
export const clinicId = sql`${param("clinic_id")}::int`;
const isAccountActive = sql`u.active AND u.token_version = ${param("token_version")}::int`;
const isOpenSession = sql`s.id = ${sessionId} AND s.user_id = u.id AND s.password_version = u.password_version
        AND s.ended_at IS NULL AND s.expires_at > now()`;
const isMembershipOfToken = sql`ms.clinic_id = ${clinicId} AND ms.account_id = u.id`;

/** @param isUnfit on which condition the statement does not accept an active account; it ends with `OR `. */
const callerStepsUnless = (isUnfit: SQL): SQL => sql`token_account AS (
    SELECT u.id, u.username, u.role, u.doctor_id, ${clinicId} AS clinic_id, ms.role AS clinic_role,
      coalesce((now() AT TIME ZONE nullif(ms.time_zone, ''))::date, ${param("today")}::date) AS today,
      CASE WHEN ${isUnfit}NOT (${isAccountActive}) OR s.id IS NULL
          THEN 'token_revoked'
        WHEN s.clinic_id <> ${clinicId} THEN 'clinic_changed'
        WHEN ms.ended_at IS NOT NULL THEN 'membership_ended'
        WHEN ms.clinic_active IS NOT TRUE THEN 'token_revoked' END AS refusal,
      u.probing_until > now() AS is_probing
    FROM users u
      LEFT JOIN sessions s ON ${isOpenSession}
      LEFT JOIN memberships ms ON ${isMembershipOfToken}
    WHERE u.id = ${param("user_id")}::int
  ),
  caller AS (
    SELECT id, username, role, doctor_id, clinic_id, clinic_role, today FROM token_account
    WHERE refusal IS NULL AND CASE WHEN is_probing THEN refuse_probing() ELSE true END
  )`;

/**
 * The first steps of every statement of an authenticated request. `token_account` is the account of the token, whether
 * or not it is accepted; `caller` is the calling account, or no row when it is not accepted. Both have the clinic of the
 * token, the role in it, and the date there (`today`). Auditors are not accepted.
 * For an account that asks for too many records of others, `refuse_probing` raises an error, which is answered 429.
 */
export const callerSteps = callerStepsUnless(sql`u.must_change_password OR u.role = 'auditor' OR `);

/**
 * Like `callerSteps`; they also accept auditors. The statement is defined with `acceptsAuditors`.
 */
export const callerStepsForAuditors = callerStepsUnless(sql`u.must_change_password OR `);

/** Like `callerSteps`; they also accept auditors, and an account that has to change its password first. */
export const callerStepsForPasswordChange = callerStepsUnless(sql``);

/** The id of the calling account. NULL when it is not accepted, which equals no id. */
export const callerId = sql`(SELECT id FROM caller)`;

/** The id of the clinic in which the calling account works. NULL when it is not accepted. */
export const callerClinicId = sql`(SELECT clinic_id FROM caller)`;

/** The id of the doctor whose own account is calling. NULL for all other accounts, which equals no id. */
export const callerDoctorId = sql`(SELECT doctor_id FROM caller)`;

/**
 * Whether the caller is a doctor's own account. As a condition of an index scan it is evaluated once: for all other
 * accounts the scan is not executed.
 */
export const callerIsDoctor = sql<boolean>`${callerDoctorId} IS NOT NULL`;

export const callerIsAdmin = sql<boolean>`EXISTS (SELECT FROM caller WHERE role = 'admin')`;

/** The roles in a clinic, from the lowest to the highest. */
export const clinicRolesInOrder = sql.raw(`ARRAY[${clinicRoles.map((role) => `'${role}'`).join(", ")}]`);

const isRoleLowered = sql`array_position(${clinicRolesInOrder}, ms.role) < array_position(${clinicRolesInOrder}, (SELECT clinic_role FROM caller))`;

/**
 * The step `caller_recheck`: re-checks the caller after a lock wait, because the account may have been disabled, signed
 * out or given another role meanwhile, its session may have moved, or its membership may have ended or have got a lower
 * role. All steps of a statement share one snapshot, which is older than the wait. Only `FOR SHARE` reads the newest
 * committed row, and only under READ COMMITTED. Shown by test/races/revoked-callers.test.ts.
 *
 * It counts the rows of the locked steps, so that all of them are complete before it locks the caller. If it read only
 * the first row, it would not come after every wait, and two statements that lock their caller and another account
 * would deadlock. Shown by test/races/admins.test.ts.
 *
 * @param lockedSteps the steps that wait for locks, in the order in which they take them. A creation has `caller`
 *   before them, because they may have no rows. Only `caller` when no step waits: the re-check then locks the account
 *   and the session first, so that nobody can revoke them before the statement ends.
 */
export const callerRecheck = (...lockedSteps: string[]): SQL => recheckSteps(lockedSteps, isRoleLowered);

/** The same for a statement that reads the caller's roles from locked memberships, or needs none. */
export const callerRecheckWithoutRole = (...lockedSteps: string[]): SQL => recheckSteps(lockedSteps);

/** `locked_caller` has the reason why the caller is not accepted any more, as `token_account` had it before the wait. */
const recheckSteps = (lockedSteps: string[], isRevokedToo?: SQL): SQL => sql`locked_caller AS (
    SELECT CASE WHEN NOT (${isAccountActive}) OR NOT (${isOpenSession})
          THEN 'token_revoked'
        WHEN s.clinic_id <> ${clinicId} THEN 'clinic_changed'
        WHEN ms.ended_at IS NOT NULL THEN 'membership_ended'
        WHEN NOT ms.clinic_active THEN 'token_revoked'
        ${isRevokedToo && sql`WHEN ${isRevokedToo} THEN 'token_revoked'`} END AS refusal
    FROM (SELECT count(*) FROM ${rowsOf(lockedSteps)} HAVING count(*) > 0) locked, users u, sessions s, memberships ms
    WHERE u.id = ${callerId} AND s.id = ${sessionId} AND ${isMembershipOfToken}
    FOR SHARE OF u, s, ms
  ),
  caller_recheck AS (SELECT FROM locked_caller WHERE refusal IS NULL)`;

/** The rows of steps, for `FROM`. */
const rowsOf = (steps: string[]): SQL => {
  if (steps.length === 1) return sql.raw(String(steps[0]));
  const rows = steps.map((step) => sql`SELECT FROM ${sql.raw(step)}`);
  return sql`(\n${sql.join(rows, sql` UNION ALL `)}\n) steps`;
};

/** Whether the caller was still accepted after the lock wait. A step that writes has this condition. */
export const isStillAccepted = sql<boolean>`EXISTS (SELECT FROM caller_recheck)`;

/**
 * The first column of a statement that waits for no locks: why the caller is not accepted; NULL when it is. It reads the
 * step `caller`, so that `refuse_probing` is called whatever else the statement reads.
 */
export const refusalColumn = sql`CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal END AS refusal`;

/**
 * The first column of a statement that waits for locks: also that `lockedStep` has locked a row, and the caller is not
 * accepted any more.
 */
export const refusalAfterWait = (lockedStep: string): SQL =>
  sql`CASE WHEN NOT EXISTS (SELECT FROM caller) THEN refusal
    WHEN EXISTS (SELECT FROM ${sql.raw(lockedStep)}) AND NOT ${isStillAccepted}
      THEN coalesce((SELECT refusal FROM locked_caller), 'token_revoked') END AS refusal`;
