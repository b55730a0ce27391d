import { sql } from "drizzle-orm";
import { adminOutcome } from "../db/query/steps/caller.ts";
import { hideFromPlanner } from "../db/query/steps/index-scan.ts";
import { jsonObject, selectColumns } from "../db/query/steps/json.ts";
import { defineList } from "../db/query/steps/list.ts";
import { can, isInvitationValid } from "../db/query/steps/permissions.ts";
import { invitations } from "../db/schema.ts";
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
export const listInvitations = defineList<Invitation>(() => ({
  table: invitations,
  json: sql`${jsonObject(selectColumns(invitations, responseFields))}::text`,
  sorts: {
    id: { table: invitations, order: [invitations.id], condition: hideFromPlanner(isInvitationValid) },
  },
  filters: {},
  isAllowed: can("invitations:manage"),
  auditEvent: () => ({ action: "list_invitations", outcome: adminOutcome(sql`'done'`) }),
}));
