import { sql } from "drizzle-orm";
import { adminOutcome } from "../db/query/caller.ts";
import { isoTimestamp, jsonObject } from "../db/query/json.ts";
import { defineList } from "../db/query/list.ts";
import { can } from "../db/query/permissions.ts";
import type { OpenEmergencyAccess } from "./responses.ts";

/** The emergency accesses that have not ended, for admins. Audited with their patients. */
export const listEmergencyAccesses = defineList<OpenEmergencyAccess>({
  name: "emergency-accesses/list",
  routes: "GET /api/emergency-accesses",
  alias: "ea",
  join: sql`JOIN users u ON u.id = ea.account_id`,
  json: sql`${jsonObject(sql`
      ea.id, ${jsonObject(sql`u.id, u.username`)} AS account, ea.patient_id AS patient, ea.reason,
      ${isoTimestamp("ea.expires_at")} AS expires_at`)}::text`,
  filters: {},
  sorts: {
    id: {
      order: ["ea.id"],
      scans: [{ from: sql`emergency_accesses ea`, condition: sql`ea.expires_at > now()` }],
    },
  },
  isAllowed: can("emergency_accesses:list"),
  auditEvent: {
    columns: {
      action: "list_emergency_accesses",
      outcome: adminOutcome(),
      patients: sql`ARRAY(SELECT DISTINCT patient_id FROM page ORDER BY patient_id)`,
    },
  },
});
