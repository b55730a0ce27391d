import { sql } from "drizzle-orm";
import { adminOutcome } from "../db/query/caller.ts";
import { jsonObject, selectColumns } from "../db/query/json.ts";
import { defineList } from "../db/query/list.ts";
import { can, isInvitationValid } from "../db/query/permissions.ts";
import type { Invitation } from "./responses.ts";

const responseFields: (keyof Invitation)[] = [
  "id",
  "email",
  "role",
  "created_by",
  "created_at",
  "expires_at",
];

/** The invitations that can still be used, for admins. */
export const listInvitations = defineList<Invitation>({
  name: "invitations/list",
  routes: "GET /api/invitations",
  alias: "i",
  json: sql`${jsonObject(selectColumns("i", responseFields))}::text`,
  filters: {},
  sorts: { id: { order: ["i.id"], scans: [{ from: sql`invitations i`, condition: isInvitationValid }] } },
  isAllowed: can("invitations:manage"),
  auditEvent: { columns: { action: "list_invitations", outcome: adminOutcome() } },
});
