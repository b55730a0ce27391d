import { sql } from "drizzle-orm";
import { emailKey } from "../../db/columns.ts";
import {
  doneOrRefused,
  insertAuditEvent,
  insertFurtherAuditEvents,
  permittedOutcome,
} from "../../db/query/audit.ts";
import { authenticated } from "../../db/query/authenticated.ts";
import { callerIsAdmin, callerSteps, isStillAccepted, refusalAfterWait } from "../../db/query/caller.ts";
import { jsonBody } from "../../db/query/json.ts";
import { intParam, type Json, param } from "../../db/statement.ts";
import { ownerHasIdentifier } from "../identifier-checks.ts";
import type { TransferSummary } from "../responses.ts";
import { ownerHasEmail } from "./queries.ts";
import {
  canTransferPatient,
  canTransferTo,
  isStillManager,
  managedStep,
  managerRecheckSteps,
  reason,
  receiverStep,
  type TransferState,
  type TransferValues,
  toClinicStep,
  toId,
  transferColumns,
} from "./transfer-steps.ts";

/** How many patients one request transfers at most, with their assignments, within the deadline of a statement. */
const TRANSFER_BATCH_SIZE = sql.raw("1000");
const fromId = intParam("from");
/** Whether the clinic `to` has the email or an identifier of the patient `p`. */
const isTaken = sql`${ownerHasEmail(toId)} OR ${ownerHasIdentifier(toId)} IS NOT NULL`;

/** An admin, or a manager of both clinics, by the step `managed`. */
const canTransferAll = sql`(${callerIsAdmin} OR (
        SELECT count(*) FROM managed WHERE clinic_id IN (${fromId}, ${toId})) = 2)`;
/** Also after the wait for the patients. */
const managesBoth = isStillManager(sql`SELECT ${fromId}`);
const isAllAllowed = sql`(${canTransferAll} AND ${managesBoth})`;

/**
 * Transfers all patients of one clinic to another, for an admin or a manager of both: deleted ones too, but not those whose
 * email or identifier the other clinic has. At most 1,000 are transferred at once; `more` in the body says whether there are
 * others.
 *
 * `candidates` is read from the snapshot. The UPDATE checks the owner again: under READ COMMITTED it sees a concurrent
 * transfer, deletion or restore.
 */
export const transferAllPatients = authenticated<
  TransferState & { hasFrom: boolean; body: Json<TransferSummary> | null },
  TransferValues & { from: number; from_is_clinic: boolean }
>(
  "patients/transfer-all",
  () => sql`-- POST /api/patients/transfer
  WITH ${callerSteps},
  ${managedStep},
  ${toClinicStep},
  ${receiverStep(canTransferAll)},
  from_clinic AS (
    SELECT c.id FROM clinics c WHERE c.id = ${fromId} AND (c.kind = 'personal' OR ${param("from_is_clinic")}::boolean)
  ),
  candidates AS (
    SELECT p.id, ${isTaken} AS is_taken
    FROM patients p WHERE p.owner_id = (SELECT id FROM from_clinic) AND EXISTS (SELECT FROM receiver)
    UNION ALL SELECT p.id, false
    FROM patients p WHERE p.deleted_from = (SELECT id FROM from_clinic) AND p.deleted_at IS NOT NULL AND EXISTS (SELECT FROM receiver)
  ),
  batch AS (SELECT id FROM candidates WHERE NOT is_taken ORDER BY id LIMIT ${TRANSFER_BATCH_SIZE}),
  locked AS (
    -- In the order of their ids, as a merge locks two patients.
    SELECT p.id FROM patients p WHERE p.id = ANY (ARRAY(SELECT id FROM batch)) ORDER BY p.id FOR UPDATE
  ),
  ${managerRecheckSteps("locked")},
  transferred AS (
    UPDATE patients p SET updated_at = now(), version = p.version + 1,
      owner_id = CASE WHEN p.deleted_at IS NULL THEN ${toId} END,
      deleted_from = CASE WHEN p.deleted_at IS NOT NULL THEN ${toId} END
    WHERE p.id IN (SELECT id FROM locked) AND ${fromId} IN (p.owner_id, p.deleted_from) AND ${isStillAccepted} AND ${managesBoth}
    RETURNING p.id
  ),
  response AS (
    SELECT (SELECT count(*)::int FROM transferred) AS transferred,
      ARRAY(SELECT id FROM candidates WHERE is_taken ORDER BY id LIMIT ${TRANSFER_BATCH_SIZE}) AS conflicts,
      (SELECT count(*) FROM batch) = ${TRANSFER_BATCH_SIZE} AS more
    FROM from_clinic, receiver WHERE ${isStillAccepted} AND ${managesBoth}
  ),
  ${insertAuditEvent({
    action: "transfer",
    outcome: permittedOutcome(isAllAllowed, doneOrRefused(sql`EXISTS (SELECT FROM response)`)),
    patients: sql`ARRAY(SELECT id FROM transferred ORDER BY id)`,
    changes: sql`(
      SELECT json_build_object('owner', json_build_object('before', ${fromId}, 'after', ${toId}))
      FROM response)`,
    reason,
  })}
SELECT ${refusalAfterWait("caller")}, ${transferColumns(isAllAllowed)}, EXISTS (SELECT FROM from_clinic) AS "hasFrom",
  ${jsonBody("response")} AS body
FROM token_account`,
);

const ids = sql`${param("patients")}::int[]`;
const managesAll = isStillManager(sql`SELECT owner_id FROM locked`);
const isListAllowed = sql`(${canTransferTo} AND ${managesAll})`;

/**
 * Transfers up to 1,000 patients, which may be of several clinics, for an admin or a manager of all these clinics. Those
 * that the caller may not transfer are not there for it, and neither are deleted ones. Each former owner has an audit event.
 */
export const transferListedPatients = authenticated<
  TransferState & { body: Json<TransferSummary> | null },
  TransferValues & { patients: number[] }
>(
  "patients/transfer-listed",
  () => sql`-- POST /api/patients/transfer
  WITH ${callerSteps},
  ${managedStep},
  ${toClinicStep},
  ${receiverStep(canTransferTo)},
  candidates AS (
    SELECT p.id, p.email, p.email_shared, ${isTaken} AS is_taken
    FROM patients p
    WHERE p.id = ANY (${ids}) AND p.owner_id IS NOT NULL AND ${canTransferPatient} AND EXISTS (SELECT FROM receiver)
  ),
  repeated AS (
    -- Patients of several clinics may have the same email or identifier: the first of them is transferred.
    SELECT id FROM (
      SELECT c.id, row_number() OVER (PARTITION BY ${emailKey(sql`c.email`)} ORDER BY c.id) AS place
      FROM candidates c WHERE NOT c.is_taken AND c.email IS NOT NULL AND NOT c.email_shared
      UNION ALL SELECT c.id, row_number() OVER (PARTITION BY i.system, i.key ORDER BY c.id)
      FROM candidates c JOIN patient_identifiers i ON i.patient_id = c.id WHERE NOT c.is_taken
    ) places WHERE place > 1
  ),
  conflicts AS (SELECT id FROM candidates WHERE is_taken OR id IN (SELECT id FROM repeated)),
  locked AS (
    -- In the order of their ids, as a merge locks two patients. It reads the owner after the wait.
    SELECT p.id, p.owner_id FROM patients p
    WHERE p.id = ANY (ARRAY(SELECT id FROM candidates EXCEPT SELECT id FROM conflicts)) AND p.owner_id IS NOT NULL AND ${canTransferPatient}
    ORDER BY p.id
    FOR UPDATE
  ),
  ${managerRecheckSteps("locked")},
  transferred AS (
    UPDATE patients p SET owner_id = ${toId}, updated_at = now(), version = p.version + 1
    FROM locked WHERE p.id = locked.id AND locked.owner_id <> ${toId} AND ${isStillAccepted} AND ${managesAll}
    RETURNING p.id, locked.owner_id AS from_id
  ),
  response AS (
    SELECT (SELECT count(*)::int FROM transferred) AS transferred, ARRAY(SELECT id FROM conflicts ORDER BY id) AS conflicts,
      false AS more,
      ARRAY(SELECT unnest(${ids}) EXCEPT (SELECT id FROM conflicts UNION ALL SELECT id FROM locked) ORDER BY 1) AS not_found
    FROM receiver WHERE ${isStillAccepted} AND ${managesAll}
  ),
  ${insertFurtherAuditEvents(
    "audit_event",
    sql`(
      SELECT from_id, array_agg(id ORDER BY id) AS patients FROM transferred GROUP BY from_id
      UNION ALL SELECT NULL, '{}' WHERE NOT EXISTS (SELECT FROM transferred)
    ) moved`,
    {
      action: "transfer",
      outcome: permittedOutcome(isListAllowed, doneOrRefused(sql`EXISTS (SELECT FROM response)`)),
      patients: sql`moved.patients`,
      changes: sql`CASE WHEN moved.from_id IS NOT NULL
        THEN json_build_object('owner', json_build_object('before', moved.from_id, 'after', ${toId})) END`,
      reason,
    },
  )}
SELECT ${refusalAfterWait("caller")}, ${transferColumns(isListAllowed)}, ${jsonBody("response")} AS body
FROM token_account`,
);
