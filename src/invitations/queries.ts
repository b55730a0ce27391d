import { sql } from "drizzle-orm";
import { changesBetween, doneOrRefused, readOutcome } from "../db/query/steps/audit.ts";
import {
  adminOutcome,
  authenticated,
  callerId,
  isRevokedDuringWait,
  recheckCaller,
  withoutRecheck,
} from "../db/query/steps/caller.ts";
import { hideFromPlanner } from "../db/query/steps/index-scan.ts";
import { isoTimestamp, jsonObject, selectColumns, stepJson } from "../db/query/steps/json.ts";
import { defineList } from "../db/query/steps/list.ts";
import { can, isInvitationValid } from "../db/query/steps/permissions.ts";
import { exists, param } from "../db/query/steps/statement.ts";
import { invitations } from "../db/schema.ts";
import type { Invitation } from "./responses.ts";

const isAdmin = can("invitations:manage");

/** How many days an invitation is valid. */
const VALID_DAYS = sql.raw("7");

const invitationJson = (step: string) => stepJson(sql`id AS invitation, email, role`, step);

/**
 * Creates an invitation, for an admin. `id` is null for others, and when registration is closed
 * (`is_registration_open` is false).
 */
export const createInvitation = authenticated<
  { isAdmin: boolean; id: number | null; expires_at: string },
  { email: string; role: string; code_hash: string; is_registration_open: boolean }
>(() => ({
  auditEvent: {
    action: "invite",
    outcome: adminOutcome(doneOrRefused(exists("created"))),
    changes: sql`(SELECT ${changesBetween(sql`NULL`, invitationJson("created"))} FROM created)`,
  },
  revoked: withoutRecheck,
  steps: {
    created: sql`
      INSERT INTO ${invitations} (email, role, code_hash, created_by, expires_at)
      SELECT ${param("email")}, ${param("role")}, ${param("code_hash")}, ${callerId}, now() + make_interval(days => ${VALID_DAYS})
      WHERE ${isAdmin} AND ${param("is_registration_open")}::boolean RETURNING id, email, role, expires_at`,
  },
  row: {
    isAdmin,
    id: sql`(SELECT id FROM created)`,
    expires_at: sql`(SELECT ${isoTimestamp(invitations.expires_at)} FROM created ${invitations})`,
  },
}));

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
  isAllowed: isAdmin,
  auditEvent: () => ({ action: "list_invitations", outcome: adminOutcome(sql`'done'`) }),
}));

/** Withdraws an invitation, for an admin. */
export const withdrawInvitation = authenticated<{ isAdmin: boolean; isDeleted: boolean }, { id: number }>(
  () => ({
    auditEvent: {
      action: "withdraw_invitation",
      outcome: adminOutcome(readOutcome(exists("deleted"))),
      changes: sql`(SELECT ${changesBetween(invitationJson("deleted"), sql`NULL`)} FROM deleted)`,
    },
    revoked: isRevokedDuringWait("caller"),
    steps: {
      caller_recheck: recheckCaller("caller"),
      deleted: sql`
        DELETE FROM ${invitations} WHERE ${invitations.id} = ${param("id")} AND ${isAdmin} AND ${exists("caller_recheck")}
        RETURNING id, email, role`,
    },
    row: { isAdmin, isDeleted: exists("deleted") },
  }),
);
