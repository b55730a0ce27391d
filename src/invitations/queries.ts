import { sql } from "drizzle-orm";
import { doneOrRefused, insertAuditEvent, readOutcome } from "../db/query/audit.ts";
import { changesBetween } from "../db/query/audit-changes.ts";
import {
  adminOutcome,
  authenticated,
  callerId,
  callerRecheck,
  callerSteps,
  isStillAccepted,
  refusalAfterWait,
} from "../db/query/caller.ts";
import { isoTimestamp, stepJson } from "../db/query/json.ts";
import { can } from "../db/query/permissions.ts";
import { intParam, param } from "../db/statement.ts";
import { INVITATION_DAYS } from "./requests.ts";

// In every statement the invitation is `i`.

const isAdmin = can("invitations:manage");

const invitationJson = (step: string) => stepJson(sql`id AS invitation, email, role`, step);

/**
 * Creates an invitation, for an admin. `id` is null for others, and when registration is closed
 * (`is_registration_open` is false). It is withdrawn when the account is no active admin any more (the trigger
 * users_admin_ended, drizzle/0014_admin_rights_end.sql). The re-check locks the account, so that the trigger deletes an
 * invitation that was created just before. Shown by test/races/admins.test.ts.
 */
export const createInvitation = authenticated<
  { isAdmin: boolean; id: number | null; expires_at: string },
  { email: string; role: string; code_hash: string; is_registration_open: boolean }
>(
  "invitations/create",
  () => sql`-- POST /api/invitations
  WITH ${callerSteps},
  ${callerRecheck("caller")},
  created AS (
    INSERT INTO invitations (email, role, code_hash, created_by, expires_at)
    SELECT ${param("email")}::text, ${param("role")}::text, ${param("code_hash")}::text, ${callerId},
      now() + make_interval(days => ${sql.raw(String(INVITATION_DAYS))})
    WHERE ${isAdmin} AND ${param("is_registration_open")}::boolean AND ${isStillAccepted}
    RETURNING id, email, role, expires_at
  ),
  ${insertAuditEvent({
    action: "invite",
    outcome: adminOutcome(doneOrRefused(sql`EXISTS (SELECT FROM created)`)),
    changes: sql`(SELECT ${changesBetween(sql`NULL`, invitationJson("created"))} FROM created)`,
  })}
SELECT ${refusalAfterWait("caller")}, ${isAdmin} AS "isAdmin", (SELECT id FROM created) AS id,
  (SELECT ${isoTimestamp("expires_at")} FROM created) AS expires_at
FROM token_account`,
);

/** Withdraws an invitation, for an admin. */
export const withdrawInvitation = authenticated<{ isAdmin: boolean; isDeleted: boolean }, { id: number }>(
  "invitations/withdraw",
  () => sql`-- DELETE /api/invitations/:id
  WITH ${callerSteps},
  ${callerRecheck("caller")},
  deleted AS (
    DELETE FROM invitations i
    WHERE i.id = ${intParam("id")} AND ${isAdmin} AND ${isStillAccepted}
    RETURNING i.id, i.email, i.role
  ),
  ${insertAuditEvent({
    action: "withdraw_invitation",
    outcome: adminOutcome(readOutcome(sql`EXISTS (SELECT FROM deleted)`)),
    changes: sql`(SELECT ${changesBetween(invitationJson("deleted"), sql`NULL`)} FROM deleted)`,
  })}
SELECT ${refusalAfterWait("caller")}, ${isAdmin} AS "isAdmin", EXISTS (SELECT FROM deleted) AS "isDeleted"
FROM token_account`,
);
