import { type SQL, sql } from "drizzle-orm";
import { callerId, callerIsAdmin, callerRecheckWithoutRole, isStillAccepted } from "../../db/query/caller.ts";
import { lockedMembershipSteps } from "../../db/query/lock-order.ts";
import { intParam, param } from "../../db/statement.ts";

// What the statements of transfers have in common.

/** The values of every transfer: the clinic that gets the patients, and why. */
export type TransferValues = {
  to: number;
  /** Whether the request names a clinic. Otherwise an account: only its personal clinic is meant. */
  to_is_clinic: boolean;
  reason: string | null;
};

/** What a transfer says of the caller and of the clinic that gets the patients. */
export type TransferState = {
  /** Whether the caller may transfer these patients. */
  isAllowed: boolean;
  /** Whether an admin gave no reason. */
  isReasonMissing: boolean;
  /** Whether an admin is the clinic's manager until another is named. NULL when no such clinic may own patients. */
  hasInterimManager: boolean | null;
};

export const toId = intParam("to");
export const reason = sql`${param("reason")}::text`;

/**
 * The step `to_clinic`: the clinic that would get the patients. It is active, and so is the account of a personal one, which
 * is no auditor: an auditor could not read them.
 */
export const toClinicStep = sql`to_clinic AS (
    SELECT c.id, EXISTS (
        SELECT FROM memberships ms WHERE ms.clinic_id = c.id AND ms.is_interim AND ms.ended_at IS NULL
      ) AS has_interim_manager
    FROM clinics c LEFT JOIN users u ON u.id = c.id AND c.kind = 'personal'
    WHERE c.id = ${toId} AND c.active
      AND CASE WHEN c.kind = 'personal' THEN u.active AND u.role <> 'auditor' ELSE ${param("to_is_clinic")}::boolean END
  )`;

/** An admin gives a reason. A manager of both clinics may leave it out. */
const isReasonMissing = sql`(${reason} IS NULL AND ${callerIsAdmin})`;

/**
 * The step `receiver`: the clinic of the step `to_clinic`, if the caller may transfer patients to it. An admin who is the
 * manager of a new clinic, until another is named, would read them there without a reason.
 */
export const receiverStep = (isAllowed: SQL): SQL => sql`receiver AS (
    SELECT id FROM to_clinic WHERE NOT has_interim_manager AND NOT ${isReasonMissing} AND ${isAllowed}
  )`;

/** The columns of `TransferState`. */
export const transferColumns = (isAllowed: SQL): SQL =>
  sql`${isAllowed} AS "isAllowed", ${isReasonMissing} AS "isReasonMissing",
  (SELECT has_interim_manager FROM to_clinic) AS "hasInterimManager"`;

/**
 * Whether the membership `ms` makes the caller a manager, in whichever clinic its session works. Admins need no
 * membership. An interim manager, who may be no admin any more, does not see the patients.
 */
const isManagerByMembership = sql`ms.account_id = ${callerId} AND ms.role = 'manager' AND ms.ended_at IS NULL AND ms.clinic_active
      AND NOT ms.is_interim AND NOT ${callerIsAdmin}`;

/** The step `managed`: the clinics that the caller manages. */
export const managedStep = sql`managed AS (SELECT ms.clinic_id FROM memberships ms WHERE ${isManagerByMembership})`;

/**
 * The steps that lock the memberships of `managed` and re-check the caller, once the step `lockedPatients` has its
 * locks, as in every statement the records come first. `managed_recheck` has the clinics that the caller still manages.
 * Shown by test/races/clinic-transfers.test.ts and test/races/lock-order.test.ts.
 */
export const managerRecheckSteps = (lockedPatients: string): SQL => sql`${lockedMembershipSteps({
  memberships: isManagerByMembership,
  after: lockedPatients,
})},
  ${callerRecheckWithoutRole("caller", "locked_memberships")},
  managed_recheck AS (SELECT ms.clinic_id FROM locked_memberships ms WHERE ${isManagerByMembership} AND ${isStillAccepted})`;

/** Whether a manager still manages the clinics `from`, of the locked patients, and the one that gets them. */
export const isStillManager = (from: SQL): SQL => sql`(${callerIsAdmin} OR NOT EXISTS (
      SELECT FROM (${from} UNION SELECT ${toId}) involved (clinic_id)
      WHERE clinic_id NOT IN (SELECT clinic_id FROM managed_recheck)))`;

/**
 * Whether the caller may transfer patients to the clinic, by the step `managed`: an admin, or its manager who also manages
 * another one. The manager of one clinic alone has none to transfer from.
 */
export const canTransferTo = sql`(${callerIsAdmin}
        OR (SELECT count(*) > 1 AND count(*) FILTER (WHERE clinic_id = ${toId}) = 1 FROM managed))`;

/** Whether the caller may transfer the patient `p`, by the same step. */
export const canTransferPatient = sql`(${callerIsAdmin} OR ${canTransferTo} AND p.owner_id = ANY (ARRAY(SELECT clinic_id FROM managed)))`;
