import { sql } from "drizzle-orm";
import { insertAuditEvent, permittedOutcome, readOutcome } from "../../db/query/audit.ts";
import { authenticated } from "../../db/query/authenticated.ts";
import {
  callerClinicId,
  callerId,
  callerIsAdmin,
  callerRecheck,
  callerSteps,
  isStillAccepted,
  refusalAfterWait,
} from "../../db/query/caller.ts";
import { isoTimestamp, jsonBody } from "../../db/query/json.ts";
import { can } from "../../db/query/permissions.ts";
import { type MergedState, successorColumn, successorStep, unlessMerged } from "../../db/query/successor.ts";
import { intParam, type Json, param } from "../../db/statement.ts";
import type { EmergencyAccess } from "../responses.ts";

const id = intParam("id");
const reason = sql`${param("reason")}::text`;
const canGrant = can("patients:grant_emergency_access");

/**
 * Emergency access (break-glass): lets an admin, and with `allows_members` a clinician of a shared clinic, read any patient
 * for one hour; the reason goes into the audit log. A clinician's counts only in the clinic in which it was granted.
 * An admin's ends with the account's role or activity (the trigger users_admin_ended, drizzle/0014_admin_rights_end.sql). The
 * re-check locks the account, so that the trigger deletes an access that was granted just before. Shown by
 * test/races/admins.test.ts.
 *
 * `body` is null when there is no such patient or the caller may not have it.
 */
export const grantEmergencyAccess = authenticated<
  MergedState & { isAllowed: boolean; body: Json<EmergencyAccess> | null },
  { id: number; reason: string; allows_members: boolean }
>(
  "patients/grant-emergency-access",
  () => sql`-- POST /api/patients/:id/access
  WITH ${callerSteps},
  kept_patient AS (
    -- The lock of the foreign key, before the caller is locked. Shown by test/races/lock-order.test.ts.
    SELECT p.id FROM patients p WHERE p.id = ${id} AND p.owner_id IS NOT NULL AND ${canGrant}
    FOR KEY SHARE
  ),
  ${callerRecheck("caller", "kept_patient")},
  granted AS (
    INSERT INTO emergency_accesses (account_id, patient_id, expires_at, clinic_id, reason)
    SELECT ${callerId}, p.id, now() + interval '1 hour', CASE WHEN NOT ${callerIsAdmin} THEN ${callerClinicId} END, ${reason}
    FROM kept_patient p WHERE ${isStillAccepted}
    ON CONFLICT (account_id, patient_id) DO UPDATE SET expires_at = EXCLUDED.expires_at, clinic_id = EXCLUDED.clinic_id, reason = EXCLUDED.reason
    RETURNING patient_id, expires_at
  ),
  ${successorStep(sql`EXISTS (SELECT FROM granted)`, sql`p.owner_id IS NOT NULL AND ${canGrant}`)},
  response AS (
    SELECT ea.patient_id AS patient, ${reason} AS reason, ${isoTimestamp("ea.expires_at")} AS expires_at
    FROM granted ea
  ),
  ${insertAuditEvent({
    action: "break_glass",
    outcome: permittedOutcome(canGrant, unlessMerged(readOutcome(sql`EXISTS (SELECT FROM granted)`))),
    patient: id,
    reason,
  })}
SELECT ${refusalAfterWait("caller")}, ${canGrant} AS "isAllowed", ${jsonBody("response")} AS body, ${successorColumn}
FROM token_account`,
);
