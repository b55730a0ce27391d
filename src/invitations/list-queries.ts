import { sql } from "drizzle-orm";
import { adminOutcome } from "../db/query/audit.ts";
import { isoTimestamp, jsonObject } from "../db/query/json.ts";
import { defineList } from "../db/query/list.ts";
import { can, isInvitationValid } from "../db/query/permissions.ts";
import type { Invitation } from "./responses.ts";

const columns = sql`i.id, i.email, i.role, i.clinic_id AS clinic, i.clinic_role, i.created_by,
      ${isoTimestamp("i.created_at")} AS created_at, ${isoTimestamp("i.expires_at")} AS expires_at`;

/** The invitations that can still be used, for admins. */
export const listInvitations = defineList<Invitation>({
  name: "invitations/list",
  routes: "GET /api/invitations",
  alias: "i",
  json: sql`${jsonObject(columns)}::text`,
  filters: {},
  sorts: { id: { order: ["i.id"], scans: [{ from: sql`invitations i`, condition: isInvitationValid }] } },
  isAllowed: can("invitations:manage"),
  auditEvent: { columns: { action: "list_invitations", outcome: adminOutcome() } },
});
