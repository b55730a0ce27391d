import { type SQL, sql } from "drizzle-orm";
import { emailKey } from "../../db/columns.ts";
import { type AuditAction, doneOrRefused, insertAuditEvent, readOutcome } from "../../db/query/audit.ts";
import {
  adminOutcome,
  authenticated,
  callerRecheck,
  callerSteps,
  isStillAccepted,
  refusalAfterWait,
} from "../../db/query/caller.ts";
import { jsonBody } from "../../db/query/json.ts";
import { can } from "../../db/query/permissions.ts";
import { type MergedState, successorColumn, successorStep, unlessMerged } from "../../db/query/successor.ts";
import { intParam, type Json, param } from "../../db/statement.ts";
import { ownerHasIdentifier } from "../identifier-checks.ts";
import type { RestoredPatient, TransferredPatient, TransferSummary } from "../responses.ts";

const id = intParam("id");

/**
 * A request that has a response, but finds its work already done, is audited as a replay.
 *
 * @param writingStep the step that does the work.
 */
const actionOrReplay = (action: AuditAction, writingStep: string): SQL =>
  sql`CASE WHEN EXISTS (SELECT FROM response) AND ${isStillAccepted} AND NOT EXISTS (SELECT FROM ${sql.raw(writingStep)})
      THEN 'replay' ELSE ${sql.raw(`'${action}'`)} END`;

/** Whether the account `owner` has another patient with the email of the patient `p`, which neither of them shares. */
const ownerHasEmail = (owner: SQL): SQL => sql`EXISTS (
      SELECT FROM patients other
      WHERE ${emailKey(sql`other.email`)} = ${emailKey(sql`p.email`)} AND other.owner_id = ${owner} AND other.id <> p.id
        AND NOT (p.email_shared OR other.email_shared))`;

/**
 * Restores a deleted patient of the caller's, or for an admin any deleted patient, with its assignments. A patient
 * that is not deleted stays as it is.
 *
 * @returns its row: `body` is null when there is no such patient or it cannot be restored: because another patient of
 *   its owner has the same email (`isEmailTaken`) or identifier (of `takenSystem`), or because doctors were deleted (`missingDoctors`) and the request
 *   is not `partial`. A partial request restores it without their assignments.
 */
export const restorePatient = authenticated<
  MergedState & {
    canRestore: boolean | null;
    body: Json<RestoredPatient> | null;
    isEmailTaken: boolean;
    takenSystem: string | null;
    missingDoctors: number[];
  },
  { id: number; partial: boolean }
>(
  "patients/restore",
  () => sql`-- POST /api/patients/:id/restore
  WITH ${callerSteps},
  found AS (
    -- Waits for a concurrent restore or deletion and then sees its result. Shown by test/races/ownership.test.ts.
    SELECT p.id, p.deleted_from, coalesce(${can("patients:restore")}, false) AS can_restore, ${ownerHasEmail(sql`p.deleted_from`)} AS email_taken,
      ${ownerHasIdentifier(sql`p.deleted_from`)} AS taken_system
    FROM patients p WHERE p.id = ${id} AND ${can("patients:find_deleted")}
    FOR UPDATE
  ),
  ${callerRecheck("found")},
  ${successorStep(sql`EXISTS (SELECT FROM found)`, can("patients:find_deleted"))},
  patient_assignments AS (
    SELECT m.id, m.doctor_id, EXISTS (SELECT FROM doctors d WHERE d.id = m.doctor_id) AS has_doctor
    FROM found JOIN mappings m ON m.patient_id = found.id
  ),
  restore_conflict AS (
    SELECT FROM found
    WHERE NOT can_restore OR email_taken OR taken_system IS NOT NULL OR NOT ${isStillAccepted}
      OR EXISTS (SELECT FROM patient_assignments WHERE NOT has_doctor) AND NOT ${param("partial")}::boolean
  ),
  restored AS (
    UPDATE patients p SET owner_id = found.deleted_from, deleted_from = NULL, deleted_at = NULL, updated_at = now(),
      version = p.version + 1
    FROM found
    WHERE p.id = found.id AND found.deleted_from IS NOT NULL AND NOT EXISTS (SELECT FROM restore_conflict)
    RETURNING p.id
  ),
  deleted_assignments AS (
    -- The trigger patients_restored (drizzle/0004_owners.sql) restores the other assignments.
    DELETE FROM mappings m USING patient_assignments a, restored
    WHERE m.id = a.id AND NOT a.has_doctor
  ),
  response AS (
    SELECT id, ARRAY(SELECT doctor_id FROM patient_assignments WHERE has_doctor ORDER BY doctor_id) AS doctors
    FROM found WHERE NOT EXISTS (SELECT FROM restore_conflict)
  ),
  ${insertAuditEvent({
    action: actionOrReplay("restore", "restored"),
    outcome: sql`WHEN EXISTS (SELECT FROM restore_conflict) THEN 'refused' ${unlessMerged(readOutcome(sql`EXISTS (SELECT FROM found)`))}`,
    patient: id,
    changes: sql`(
      SELECT json_build_object('doctors', json_build_object(
        'before', ARRAY(SELECT doctor_id FROM patient_assignments ORDER BY doctor_id),
        'after', ARRAY(SELECT doctor_id FROM patient_assignments WHERE has_doctor ORDER BY doctor_id)))
      FROM restored WHERE EXISTS (SELECT FROM patient_assignments WHERE NOT has_doctor))`,
  })}
SELECT ${refusalAfterWait("found")}, (SELECT can_restore FROM found) AS "canRestore", ${jsonBody("response")} AS body, ${successorColumn},
  EXISTS (SELECT FROM found WHERE email_taken) AS "isEmailTaken",
  (SELECT taken_system FROM found) AS "takenSystem",
  ARRAY(SELECT doctor_id FROM patient_assignments WHERE NOT has_doctor ORDER BY doctor_id) AS "missingDoctors"
FROM token_account`,
);

const canTransfer = can("patients:transfer");
const toAccountId = intParam("to");
/** Whether the account `u` can get patients. An auditor could not read them. */
const canOwn = sql`u.active AND u.role <> 'auditor'`;
const reason = sql`${param("reason")}::text`;

/**
 * Transfers a patient to another account, for an admin. The reason goes into the audit log.
 *
 * @returns its row: `body` is null when there is no such patient, the account `to` does not exist, is not active
 *   or is an auditor (`toAccount` is false), or that account has a patient with the same email
 *   (`isEmailTaken`) or identifier (of `takenSystem`).
 */
export const transferPatient = authenticated<
  MergedState & {
    isAdmin: boolean;
    toAccount: boolean;
    isEmailTaken: boolean;
    takenSystem: string | null;
    body: Json<TransferredPatient> | null;
  },
  { id: number; to: number; reason: string }
>(
  "patients/transfer",
  () => sql`-- POST /api/patients/:id/transfer
  WITH ${callerSteps},
  to_account AS (SELECT u.id FROM users u WHERE u.id = ${toAccountId} AND ${canOwn}),
  target AS (
    -- Waits for a concurrent change and then sees its result. Shown by test/races/ownership.test.ts.
    SELECT p.id, p.owner_id, ${ownerHasEmail(toAccountId)} AS email_taken,
      ${ownerHasIdentifier(toAccountId)} AS taken_system
    FROM patients p WHERE p.id = ${id} AND p.owner_id IS NOT NULL AND ${canTransfer}
    FOR UPDATE
  ),
  ${callerRecheck("target")},
  ${successorStep(sql`EXISTS (SELECT FROM target)`, sql`p.owner_id IS NOT NULL AND ${canTransfer}`)},
  transferred AS (
    UPDATE patients p SET owner_id = to_account.id, updated_at = now(), version = p.version + 1
    FROM target, to_account
    WHERE p.id = target.id AND target.owner_id <> to_account.id AND NOT target.email_taken AND target.taken_system IS NULL AND ${isStillAccepted}
    RETURNING p.owner_id
  ),
  response AS (SELECT target.id, to_account.id AS owner FROM target, to_account
    WHERE NOT target.email_taken AND target.taken_system IS NULL),
  ${insertAuditEvent({
    action: actionOrReplay("transfer", "transferred"),
    outcome: adminOutcome(sql`
      WHEN NOT EXISTS (SELECT FROM to_account) OR EXISTS (SELECT FROM target WHERE email_taken OR taken_system IS NOT NULL OR NOT ${isStillAccepted})
        THEN 'refused'
      ${unlessMerged(readOutcome(sql`EXISTS (SELECT FROM target)`))}`),
    patient: id,
    changes: sql`(
      SELECT json_build_object('owner', json_build_object('before', target.owner_id, 'after', transferred.owner_id))
      FROM target, transferred)`,
    reason,
  })}
SELECT ${refusalAfterWait("target")}, ${canTransfer} AS "isAdmin", EXISTS (SELECT FROM to_account) AS "toAccount", ${successorColumn},
  EXISTS (SELECT FROM target WHERE email_taken) AS "isEmailTaken", (SELECT taken_system FROM target) AS "takenSystem",
  ${jsonBody("response")} AS body
FROM token_account`,
);

/** How many patients one request transfers at most, with their assignments, within the deadline of a statement. */
const TRANSFER_BATCH_SIZE = sql.raw("1000");
const fromAccountId = intParam("from");

/**
 * Transfers all patients of one account to another, for an admin: deleted ones too, but not those whose email or
 * identifier the other account has. At most 1,000 are transferred at once; `more` in the body says whether there are others.
 *
 * `candidates` is read from the snapshot. The UPDATE checks the owner again: under READ COMMITTED it sees a concurrent
 * transfer, deletion or restore.
 */
export const transferAllPatients = authenticated<
  { isAdmin: boolean; fromAccount: boolean; toAccount: boolean; body: Json<TransferSummary> | null },
  { from: number; to: number; reason: string }
>(
  "patients/transfer-all",
  () => sql`-- POST /api/patients/transfer
  WITH ${callerSteps},
  ${callerRecheck("caller")},
  to_account AS (
    SELECT u.id FROM users u
    WHERE u.id = ${toAccountId} AND ${canOwn} AND ${canTransfer} AND ${isStillAccepted}
  ),
  from_account AS (SELECT u.id FROM users u WHERE u.id = ${fromAccountId}),
  candidates AS (
    SELECT p.id, ${ownerHasEmail(toAccountId)} OR ${ownerHasIdentifier(toAccountId)} IS NOT NULL AS is_taken
    FROM patients p WHERE p.owner_id = ${fromAccountId} AND EXISTS (SELECT FROM to_account)
    UNION ALL SELECT p.id, false
    FROM patients p WHERE p.deleted_from = ${fromAccountId} AND p.deleted_at IS NOT NULL AND EXISTS (SELECT FROM to_account)
  ),
  batch AS (SELECT id FROM candidates WHERE NOT is_taken ORDER BY id LIMIT ${TRANSFER_BATCH_SIZE}),
  locked AS (
    -- In the order of their ids, as a merge locks two patients.
    SELECT p.id FROM patients p WHERE p.id = ANY (ARRAY(SELECT id FROM batch)) ORDER BY p.id FOR UPDATE
  ),
  transferred AS (
    UPDATE patients p SET updated_at = now(), version = p.version + 1,
      owner_id = CASE WHEN p.deleted_at IS NULL THEN ${toAccountId} END,
      deleted_from = CASE WHEN p.deleted_at IS NOT NULL THEN ${toAccountId} END
    WHERE p.id IN (SELECT id FROM locked) AND ${fromAccountId} IN (p.owner_id, p.deleted_from)
    RETURNING p.id
  ),
  response AS (
    SELECT (SELECT count(*)::int FROM transferred) AS transferred,
      ARRAY(SELECT id FROM candidates WHERE is_taken ORDER BY id LIMIT ${TRANSFER_BATCH_SIZE}) AS conflicts,
      (SELECT count(*) FROM batch) = ${TRANSFER_BATCH_SIZE} AS more
    FROM from_account, to_account
  ),
  ${insertAuditEvent({
    action: "transfer",
    outcome: adminOutcome(
      doneOrRefused(sql`EXISTS (SELECT FROM to_account) AND EXISTS (SELECT FROM from_account)`),
    ),
    patients: sql`ARRAY(SELECT id FROM transferred ORDER BY id)`,
    changes: sql`(
      SELECT json_build_object('owner', json_build_object('before', ${fromAccountId}, 'after', ${toAccountId}))
      FROM from_account, to_account)`,
    reason,
  })}
SELECT ${refusalAfterWait("caller")}, ${canTransfer} AS "isAdmin", EXISTS (SELECT FROM from_account) AS "fromAccount",
  EXISTS (SELECT FROM to_account) AS "toAccount", ${jsonBody("response")} AS body
FROM token_account`,
);
