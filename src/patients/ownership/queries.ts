import { type SQL, sql } from "drizzle-orm";
import { caseFolded } from "../../db/columns.ts";
import { type AuditAction, doneOrRefused, readOutcome } from "../../db/query/steps/audit.ts";
import {
  adminOutcome,
  authenticated,
  isRevokedDuringWait,
  recheckCaller,
} from "../../db/query/steps/caller.ts";
import { jsonBody } from "../../db/query/steps/json.ts";
import { can } from "../../db/query/steps/permissions.ts";
import { exists, intParam, type Json, param } from "../../db/query/steps/statement.ts";
import { assignments, doctors, patients, users } from "../../db/schema.ts";
import type { RestoredPatient, TransferredPatient, TransferSummary } from "../responses.ts";

const id = intParam("id");
const auditSubjects = { patients: sql`ARRAY[${id}]` };

/**
 * A request that finds its work already done is audited as a replay. @param writingStep the step that does the work
 */
const actionOrReplay = (action: AuditAction, outcome: SQL, writingStep: string): SQL =>
  sql`CASE WHEN ${outcome} = 'done' AND NOT ${exists(writingStep)} THEN 'replay' ELSE ${sql.raw(`'${action}'`)} END`;

/** Whether the account `owner` has another patient with this one's email. */
const ownerHasEmail = (owner: SQL): SQL => sql`EXISTS (
  SELECT FROM ${patients} other
  WHERE ${caseFolded(sql`other.email`)} = ${caseFolded(patients.email)} AND other.owner_id = ${owner} AND other.id <> ${patients.id})`;
const nextVersion = sql`updated_at = now(), version = ${patients.version} + 1`;

/** The ids of the doctors of the assignments of the step `found`, under a condition on the assignment `m`. */
const doctorIds = (condition: SQL): SQL => sql`ARRAY(
  SELECT doctor_id FROM ${assignments} m WHERE m.patient_id = found.id AND ${condition} ORDER BY doctor_id)`;
const allDoctorIds = doctorIds(sql`true`);
const restoredDoctorIds = doctorIds(sql`m.id NOT IN (SELECT id FROM assignments_without_doctor)`);
const restoreOutcome = sql`CASE WHEN ${exists("restore_conflict")} THEN 'refused' ELSE ${readOutcome(exists("found"))} END`;

/**
 * Restores a deleted patient of the caller's, or for an admin any deleted patient, with its assignments. A patient
 * that is not deleted stays as it is.
 *
 * @returns its row: `body` is null when there is no such patient or it cannot be restored: because another patient of
 *   its owner has the same email (`isEmailTaken`), or because doctors were deleted (`missingDoctors`) and the request
 *   is not `partial`. A partial request restores it without their assignments.
 */
export const restorePatient = authenticated<
  { body: Json<RestoredPatient> | null; isEmailTaken: boolean; missingDoctors: number[] },
  { id: number; partial: boolean }
>(() => ({
  auditEvent: {
    action: actionOrReplay("restore", restoreOutcome, "restored"),
    outcome: restoreOutcome,
    ...auditSubjects,
    changes: sql`(
      SELECT json_build_object('doctors', json_build_object('before', ${allDoctorIds}, 'after', ${restoredDoctorIds}))
      FROM found, restored WHERE ${exists("assignments_without_doctor")})`,
  },
  revoked: isRevokedDuringWait("found"),
  steps: {
    // Waits for a concurrent restore or deletion and then sees its result. Shown by test/races/ownership.test.ts.
    found: sql`
      SELECT ${patients.id}, ${patients.deleted_from}, ${ownerHasEmail(sql`${patients.deleted_from}`)} AS email_taken FROM ${patients}
      WHERE ${patients.id} = ${id} AND ${can("patients:restore")} FOR UPDATE`,
    caller_recheck: recheckCaller("found"),
    assignments_without_doctor: sql`
      SELECT ${assignments.id}, ${assignments.doctor_id} FROM found JOIN ${assignments} ON ${assignments.patient_id} = found.id
      WHERE NOT EXISTS (SELECT FROM ${doctors} WHERE ${doctors.id} = ${assignments.doctor_id})`,
    restore_conflict: sql`
      SELECT FROM found
      WHERE email_taken OR ${exists("assignments_without_doctor")} AND NOT ${param("partial")}::boolean OR NOT ${exists("caller_recheck")}`,
    restored: sql`
      UPDATE ${patients} SET owner_id = found.deleted_from, deleted_from = NULL, deleted_at = NULL, ${nextVersion}
      FROM found WHERE ${patients.id} = found.id AND found.deleted_from IS NOT NULL AND NOT ${exists("restore_conflict")}
      RETURNING ${patients.id}`,
    // The trigger patients_restored (drizzle/0004_owners.sql) restores the other assignments.
    deleted_assignments: sql`
      DELETE FROM ${assignments} USING assignments_without_doctor, restored
      WHERE ${assignments.id} = assignments_without_doctor.id`,
    response: sql`SELECT id, ${restoredDoctorIds} AS doctors FROM found WHERE NOT ${exists("restore_conflict")}`,
  },
  row: {
    body: jsonBody("response"),
    isEmailTaken: sql`EXISTS (SELECT FROM found WHERE email_taken)`,
    missingDoctors: sql`ARRAY(SELECT doctor_id FROM assignments_without_doctor ORDER BY doctor_id)`,
  },
}));

const canTransfer = can("patients:transfer");
const toAccountId = intParam("to");
const toAccount = sql`SELECT ${users.id} FROM ${users} WHERE ${users.id} = ${toAccountId} AND ${users.active}`;

const transferOutcome = adminOutcome(sql`CASE
  WHEN NOT ${exists("to_account")} OR EXISTS (SELECT FROM target WHERE email_taken OR NOT ${exists("caller_recheck")}) THEN 'refused'
  ELSE ${readOutcome(exists("target"))} END`);

/**
 * Transfers a patient to another account, for an admin.
 *
 * @returns its row: `body` is null when there is no such patient, the account `to` does not exist or is not active
 *   (`toAccount` is false), or that account has a patient with the same email (`isEmailTaken`).
 */
export const transferPatient = authenticated<
  { isAdmin: boolean; toAccount: boolean; isEmailTaken: boolean; body: Json<TransferredPatient> | null },
  { id: number; to: number }
>(() => ({
  auditEvent: {
    action: actionOrReplay("transfer", transferOutcome, "transferred"),
    outcome: transferOutcome,
    ...auditSubjects,
    changes: sql`(
      SELECT json_build_object('owner', json_build_object('before', target.owner_id, 'after', transferred.owner_id))
      FROM target, transferred)`,
  },
  revoked: isRevokedDuringWait("target"),
  steps: {
    to_account: toAccount,
    // Waits for a concurrent change and then sees its result. Shown by test/races/ownership.test.ts.
    target: sql`
      SELECT ${patients.id}, ${patients.owner_id}, ${ownerHasEmail(toAccountId)} AS email_taken FROM ${patients}
      WHERE ${patients.id} = ${id} AND ${patients.owner_id} IS NOT NULL AND ${canTransfer} FOR UPDATE`,
    caller_recheck: recheckCaller("target"),
    transferred: sql`
      UPDATE ${patients} SET owner_id = to_account.id, ${nextVersion} FROM target, to_account
      WHERE ${patients.id} = target.id AND target.owner_id <> to_account.id AND NOT target.email_taken AND ${exists("caller_recheck")}
      RETURNING ${patients.owner_id}`,
    response: sql`SELECT target.id, to_account.id AS owner FROM target, to_account WHERE NOT email_taken`,
  },
  row: {
    isAdmin: canTransfer,
    toAccount: exists("to_account"),
    isEmailTaken: sql`EXISTS (SELECT FROM target WHERE email_taken)`,
    body: jsonBody("response"),
  },
}));

/** How many patients one request transfers at most, with their assignments, within the deadline of a statement. */
const TRANSFER_BATCH_SIZE = sql.raw("1000");
const fromAccountId = intParam("from");

/**
 * Transfers all patients of one account to another, for an admin: deleted ones too, but not those whose email the
 * other account has. At most 1,000 are transferred at once; `more` in the body says whether there are others.
 *
 * `candidates` is read from the snapshot. The UPDATE checks the owner again: under READ COMMITTED it sees a concurrent
 * transfer, deletion or restore.
 */
export const transferAllPatients = authenticated<
  { isAdmin: boolean; fromAccount: boolean; toAccount: boolean; body: Json<TransferSummary> | null },
  { from: number; to: number }
>(() => ({
  auditEvent: {
    action: "transfer",
    outcome: adminOutcome(doneOrRefused(sql`${exists("to_account")} AND ${exists("from_account")}`)),
    patients: sql`ARRAY(SELECT id FROM transferred ORDER BY id)`,
    changes: sql`(
      SELECT json_build_object('owner', json_build_object('before', ${fromAccountId}, 'after', ${toAccountId}))
      FROM from_account, to_account)`,
  },
  revoked: isRevokedDuringWait("caller"),
  steps: {
    caller_recheck: recheckCaller("caller"),
    to_account: sql`${toAccount} AND ${canTransfer} AND ${exists("caller_recheck")}`,
    from_account: sql`SELECT ${users.id} FROM ${users} WHERE ${users.id} = ${fromAccountId}`,
    candidates: sql`
      SELECT ${patients.id}, ${ownerHasEmail(toAccountId)} AS email_taken
      FROM ${patients} WHERE ${patients.owner_id} = ${fromAccountId} AND ${exists("to_account")}
      UNION ALL SELECT ${patients.id}, false FROM ${patients}
      WHERE ${patients.deleted_from} = ${fromAccountId} AND ${patients.deleted_at} IS NOT NULL AND ${exists("to_account")}`,
    batch: sql`SELECT id FROM candidates WHERE NOT email_taken ORDER BY id LIMIT ${TRANSFER_BATCH_SIZE}`,
    transferred: sql`
      UPDATE ${patients} SET ${nextVersion},
        owner_id = CASE WHEN ${patients.deleted_at} IS NULL THEN ${toAccountId} END,
        deleted_from = CASE WHEN ${patients.deleted_at} IS NOT NULL THEN ${toAccountId} END
      WHERE ${patients.id} IN (SELECT id FROM batch)
        AND ${fromAccountId} IN (${patients.owner_id}, ${patients.deleted_from})
      RETURNING ${patients.id}`,
    response: sql`
      SELECT (SELECT count(*)::int FROM transferred) AS transferred,
        ARRAY(SELECT id FROM candidates WHERE email_taken ORDER BY id LIMIT ${TRANSFER_BATCH_SIZE}) AS conflicts,
        (SELECT count(*) FROM batch) = ${TRANSFER_BATCH_SIZE} AS more
      FROM from_account, to_account`,
  },
  row: {
    isAdmin: canTransfer,
    fromAccount: exists("from_account"),
    toAccount: exists("to_account"),
    body: jsonBody("response"),
  },
}));
