import { sql } from "drizzle-orm";
import { insertAuditEvent, permittedOutcome, readOutcome } from "../../db/query/audit.ts";
import { authenticated } from "../../db/query/authenticated.ts";
import { callerIsAdmin, callerSteps, isStillAccepted, refusalAfterWait } from "../../db/query/caller.ts";
import { jsonBody } from "../../db/query/json.ts";
import { can } from "../../db/query/permissions.ts";
import {
  hasSuccessor,
  type MergedState,
  successorColumn,
  successorStep,
  unlessMerged,
} from "../../db/query/successor.ts";
import { intParam, type Json } from "../../db/statement.ts";
import { ownerHasIdentifier } from "../identifier-checks.ts";
import type { TransferredPatient } from "../responses.ts";
import { actionOrReplay, ownerHasEmail } from "./queries.ts";
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

const id = intParam("id");

const managesBoth = isStillManager(sql`SELECT owner_id FROM target`);

/** Whether the caller can see the patient, and does not manage its clinic: 403. For others it does not exist: 404. */
const isOnlyVisible = sql`NOT EXISTS (SELECT FROM target) AND NOT ${hasSuccessor} AND EXISTS (
    SELECT FROM patients p WHERE p.id = ${id} AND p.owner_id <> ALL (ARRAY(SELECT clinic_id FROM managed)) AND ${can("patients:read")})`;

const isAllowed = sql`(${callerIsAdmin} OR ${canTransferTo} AND ${managesBoth} AND NOT (${isOnlyVisible}))`;

/**
 * Transfers a patient to another clinic, for an admin or a manager of both clinics. The reason goes into the audit log.
 *
 * @returns its row: `body` is null when the caller is not allowed to, when there is no such patient, when the clinic `to`
 *   cannot get patients (`TransferState`), or when it has a patient with the same email (`isEmailTaken`) or identifier (of
 *   `takenSystem`).
 */
export const transferPatient = authenticated<
  MergedState &
    TransferState & {
      isEmailTaken: boolean;
      takenSystem: string | null;
      body: Json<TransferredPatient> | null;
    },
  TransferValues & { id: number }
>(
  "patients/transfer",
  () => sql`-- POST /api/patients/:id/transfer
  WITH ${callerSteps},
  ${managedStep},
  ${toClinicStep},
  ${receiverStep(canTransferTo)},
  target AS (
    -- Waits for a concurrent change and then sees its result. Shown by test/races/ownership.test.ts.
    SELECT p.id, p.owner_id, ${ownerHasEmail(toId)} AS email_taken,
      ${ownerHasIdentifier(toId)} AS taken_system
    FROM patients p WHERE p.id = ${id} AND p.owner_id IS NOT NULL AND ${canTransferPatient}
    FOR UPDATE
  ),
  ${managerRecheckSteps("target")},
  ${successorStep(sql`EXISTS (SELECT FROM target)`, sql`p.owner_id IS NOT NULL AND ${canTransferPatient}`)},
  free AS (SELECT id, owner_id FROM target WHERE NOT email_taken AND taken_system IS NULL AND ${isStillAccepted} AND ${managesBoth}),
  transferred AS (
    UPDATE patients p SET owner_id = receiver.id, updated_at = now(), version = p.version + 1
    FROM free, receiver
    WHERE p.id = free.id AND free.owner_id <> receiver.id
    RETURNING p.owner_id
  ),
  response AS (SELECT free.id, receiver.id AS owner FROM free, receiver),
  ${insertAuditEvent({
    action: actionOrReplay("transfer", "transferred"),
    outcome: permittedOutcome(
      isAllowed,
      sql`
      WHEN NOT EXISTS (SELECT FROM receiver) OR EXISTS (SELECT FROM target) AND NOT EXISTS (SELECT FROM free) THEN 'refused'
      ${unlessMerged(readOutcome(sql`EXISTS (SELECT FROM target)`))}`,
    ),
    patient: id,
    changes: sql`(
      SELECT json_build_object('owner', json_build_object('before', free.owner_id, 'after', transferred.owner_id))
      FROM free, transferred)`,
    reason,
  })}
SELECT ${refusalAfterWait("target")}, ${transferColumns(isAllowed)}, ${successorColumn},
  EXISTS (SELECT FROM target WHERE email_taken) AS "isEmailTaken", (SELECT taken_system FROM target) AS "takenSystem",
  ${jsonBody("response")} AS body
FROM token_account`,
);
