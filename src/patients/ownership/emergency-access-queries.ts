import { sql } from "drizzle-orm";
import { readOutcome } from "../../db/query/steps/audit.ts";
import { adminOutcome, authenticated, callerId, withoutRecheck } from "../../db/query/steps/caller.ts";
import { isoTimestamp, jsonBody } from "../../db/query/steps/json.ts";
import { can } from "../../db/query/steps/permissions.ts";
import { exists, intParam, type Json, param } from "../../db/query/steps/statement.ts";
import { emergency_accesses, patients } from "../../db/schema.ts";
import type { EmergencyAccess } from "../responses.ts";

const id = intParam("id");
const canGrant = can("patients:grant_emergency_access");

/**
 * Emergency access (break-glass): lets an admin read any patient for one hour; the reason goes into the audit log.
 * `body` is null when there is no such patient or the caller is not an admin.
 */
export const grantEmergencyAccess = authenticated<
  { isAdmin: boolean; body: Json<EmergencyAccess> | null },
  { id: number; reason: string }
>(() => ({
  auditEvent: {
    action: "break_glass",
    outcome: adminOutcome(readOutcome(exists("granted"))),
    patients: sql`ARRAY[${id}]`,
    reason: sql`${param("reason")}::text`,
  },
  revoked: withoutRecheck,
  steps: {
    granted: sql`
      INSERT INTO ${emergency_accesses} (account_id, patient_id, expires_at)
      SELECT ${callerId}, ${patients.id}, now() + interval '1 hour' FROM ${patients}
      WHERE ${patients.id} = ${id} AND ${patients.owner_id} IS NOT NULL AND ${canGrant}
      ON CONFLICT (account_id, patient_id) DO UPDATE SET expires_at = EXCLUDED.expires_at
      RETURNING patient_id, expires_at`,
    response: sql`
      SELECT patient_id AS patient, ${param("reason")}::text AS reason,
        ${isoTimestamp(emergency_accesses.expires_at)} AS expires_at
      FROM granted ${emergency_accesses}`,
  },
  row: { isAdmin: canGrant, body: jsonBody("response") },
}));
