import { type SQL, sql } from "drizzle-orm";
import { emailKey } from "../../db/columns.ts";
import { insertAuditEvent, readOutcome } from "../../db/query/audit.ts";
import type { AuditAction } from "../../db/query/audit-actions.ts";
import { authenticated } from "../../db/query/authenticated.ts";
import { callerRecheck, callerSteps, isStillAccepted, refusalAfterWait } from "../../db/query/caller.ts";
import { jsonBody } from "../../db/query/json.ts";
import { can } from "../../db/query/permissions.ts";
import { type MergedState, successorColumn, successorStep, unlessMerged } from "../../db/query/successor.ts";
import { intParam, type Json, param } from "../../db/statement.ts";
import { ownerHasIdentifier } from "../identifier-checks.ts";
import type { RestoredPatient } from "../responses.ts";

const id = intParam("id");

/**
 * A request that has a response, but finds its work already done, is audited as a replay.
 *
 * @param writingStep the step that does the work.
 */
export const actionOrReplay = (action: AuditAction, writingStep: string): SQL =>
  sql`CASE WHEN EXISTS (SELECT FROM response) AND ${isStillAccepted} AND NOT EXISTS (SELECT FROM ${sql.raw(writingStep)})
      THEN 'replay' ELSE ${sql.raw(`'${action}'`)} END`;

/** Whether the clinic `owner` has another patient with the email of the patient `p`, which neither of them shares. */
export const ownerHasEmail = (owner: SQL): SQL => sql`EXISTS (
      SELECT FROM patients other
      WHERE ${emailKey(sql`other.email`)} = ${emailKey(sql`p.email`)} AND other.owner_id = ${owner} AND other.id <> p.id
        AND NOT (p.email_shared OR other.email_shared))`;

/**
 * Restores a deleted patient of the caller's, or for an admin any deleted patient, with its assignments. A patient that
 * is not deleted stays as it is.
 *
 * @returns its row: `body` is null when there is no such patient or it cannot be restored: because another patient of
 *   its owner has the same email (`isEmailTaken`) or identifier (of `takenSystem`), or because doctors were deleted
 *   (`missingDoctors`) and the request is not `partial`. A partial request restores it without their assignments.
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
