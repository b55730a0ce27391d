import { sql } from "drizzle-orm";
import { insertAuditEvent, readOutcome } from "../../db/query/audit.ts";
import {
  adminOutcome,
  authenticated,
  callerId,
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
 * Emergency access (break-glass): lets an admin read any patient for one hour; the reason goes into the audit log.
 * It ends with the account's role or activity (the trigger users_admin_ended, drizzle/0014_admin_rights_end.sql). The
 * re-check locks the account, so that the trigger deletes an access that was granted just before. Shown by
 * test/races/admins.test.ts.
 *
 * `body` is null when there is no such patient or the caller is not an admin.
 */
export const grantEmergencyAccess = authenticated<
  MergedState & { isAdmin: boolean; body: Json<EmergencyAccess> | null },
  { id: number; reason: string }
>(
  "patients/grant-emergency-access",
  () => sql`-- POST /api/patients/:id/access
  WITH ${callerSteps},
  ${callerRecheck("caller")},
  granted AS (
    INSERT INTO emergency_accesses (account_id, patient_id, expires_at, reason)
    SELECT ${callerId}, p.id, now() + interval '1 hour', ${reason}
    FROM patients p WHERE p.id = ${id} AND p.owner_id IS NOT NULL AND ${canGrant} AND ${isStillAccepted}
    ON CONFLICT (account_id, patient_id) DO UPDATE SET expires_at = EXCLUDED.expires_at, reason = EXCLUDED.reason
    RETURNING patient_id, expires_at
  ),
  ${successorStep(sql`EXISTS (SELECT FROM granted)`, sql`p.owner_id IS NOT NULL AND ${canGrant}`)},
  response AS (
    SELECT ea.patient_id AS patient, ${reason} AS reason, ${isoTimestamp("ea.expires_at")} AS expires_at
    FROM granted ea
  ),
  ${insertAuditEvent({
    action: "break_glass",
    outcome: adminOutcome(unlessMerged(readOutcome(sql`EXISTS (SELECT FROM granted)`))),
    patient: id,
    reason,
  })}
SELECT ${refusalAfterWait("caller")}, ${canGrant} AS "isAdmin", ${jsonBody("response")} AS body, ${successorColumn}
FROM token_account`,
);
