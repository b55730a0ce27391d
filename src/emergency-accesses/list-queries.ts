import { sql } from "drizzle-orm";
import { permittedOutcome } from "../db/query/audit.ts";
import { callerClinicId, callerIsAdmin } from "../db/query/caller.ts";
import { isoTimestamp, jsonObject } from "../db/query/json.ts";
import { defineList, lateralJoin } from "../db/query/list.ts";
import { can } from "../db/query/permissions.ts";
import type { OpenEmergencyAccess } from "./responses.ts";

const isAllowed = can("emergency_accesses:list");

/**
 * The emergency accesses that have not ended: all for admins, and those to the clinic's patients for its managers. Audited
 * with their patients.
 */
export const listEmergencyAccesses = defineList<OpenEmergencyAccess>({
  name: "emergency-accesses/list",
  routes: "GET /api/emergency-accesses",
  alias: "ea",
  join: lateralJoin("users", "u", "ea.account_id"),
  json: sql`${jsonObject(sql`
      ea.id, ${jsonObject(sql`u.id, u.username`)} AS account, ea.patient_id AS patient, ea.reason,
      ${isoTimestamp("ea.expires_at")} AS expires_at`)}::text`,
  filters: {},
  sorts: {
    id: {
      order: ["ea.id"],
      scans: [
        {
          from: sql`emergency_accesses ea`,
          condition: sql`ea.expires_at > now() AND (${callerIsAdmin} OR EXISTS (
            SELECT FROM patients p WHERE p.id = ea.patient_id AND p.owner_id = ${callerClinicId}))`,
        },
      ],
    },
  },
  isAllowed,
  auditEvent: {
    columns: {
      action: "list_emergency_accesses",
      outcome: permittedOutcome(isAllowed),
      patients: sql`ARRAY(SELECT DISTINCT patient_id FROM page ORDER BY patient_id)`,
    },
  },
});
