import { sql } from "drizzle-orm";
import { adminOutcome, doneOrRefused, insertAuditEvent, readOutcome } from "../db/query/audit.ts";
import { changesBetween } from "../db/query/audit-changes.ts";
import { authenticated } from "../db/query/authenticated.ts";
import {
  callerId,
  callerRecheckWithoutRole,
  callerSteps,
  isStillAccepted,
  refusalAfterWait,
} from "../db/query/caller.ts";
import { isoTimestamp, stepJson } from "../db/query/json.ts";
import { isAfter, lockedMembershipSteps } from "../db/query/lock-order.ts";
import { can } from "../db/query/permissions.ts";
import { intParam, param } from "../db/statement.ts";
import { INVITATION_DAYS } from "./requests.ts";

// In every statement the invitation is `i`.

const isAdmin = can("invitations:manage");

const clinic = intParam("clinic");
const clinicRole = sql`${param("clinic_role")}::text`;

/** What is audited of an invitation. The clinic is left out when there is none. */
const invitationJson = (step: string) =>
  sql`(SELECT json_strip_nulls(${stepJson(sql`id AS invitation, email, role, clinic_id AS clinic, clinic_role`, step)}))`;

/** The caller's role in the clinic of the invitation, after the wait for it. */
const roleInClinic = sql`(SELECT ms.role FROM locked_memberships ms WHERE ms.clinic_id = ${clinic} AND ms.ended_at IS NULL)`;

/** An admin invites everybody; a manager invites clinicians to the own clinic. */
const canInvite = sql<boolean>`(${isAdmin} OR ${param("role")}::text = 'clinician' AND coalesce(${roleInClinic} = 'manager', false))`;

/** Whether there is no such shared clinic. */
const isClinicMissing = sql<boolean>`(${clinic} IS NOT NULL AND NOT EXISTS (SELECT FROM clinic))`;

/**
 * Creates an invitation, for an admin, or for a manager to the own clinic. `id` is null for others, when there is no
 * such shared clinic, and when registration is closed (`is_registration_open` is false). It is withdrawn when the
 * account is no active admin or no manager of the clinic any more (the triggers of drizzle/0014_admin_rights_end.sql and
 * drizzle/0043_manager_invitations_end.sql). The account and the membership are locked, so that the triggers delete an
 * invitation that was created just before. Shown by test/races/admins.test.ts and test/races/clinics.test.ts.
 */
export const createInvitation = authenticated<
  {
    canInvite: boolean;
    roleInClinic: string | null;
    isClinicMissing: boolean;
    id: number | null;
    expires_at: string;
  },
  {
    email: string;
    role: string;
    clinic: number | null;
    clinic_role: string | null;
    code_hash: string;
    is_registration_open: boolean;
  }
>(
  "invitations/create",
  () => sql`-- POST /api/invitations
  WITH ${callerSteps},
  ${lockedMembershipSteps({ memberships: sql`ms.clinic_id = ${clinic}` })},
  clinic AS (
    SELECT c.id FROM clinics c WHERE c.id = ${clinic} AND c.kind = 'shared' AND ${isAfter("locked_memberships")} AND ${canInvite}
    FOR KEY SHARE
  ),
  ${callerRecheckWithoutRole("caller", "clinic")},
  created AS (
    INSERT INTO invitations (email, role, clinic_id, clinic_role, code_hash, created_by, expires_at)
    SELECT ${param("email")}::text, ${param("role")}::text, ${clinic}, ${clinicRole}, ${param("code_hash")}::text, ${callerId},
      now() + make_interval(days => ${sql.raw(String(INVITATION_DAYS))})
    WHERE ${canInvite} AND NOT ${isClinicMissing} AND ${param("is_registration_open")}::boolean AND ${isStillAccepted}
    RETURNING id, email, role, clinic_id, clinic_role, expires_at
  ),
  ${insertAuditEvent({
    action: "invite",
    outcome: doneOrRefused(sql`EXISTS (SELECT FROM created)`),
    changes: sql`(SELECT ${changesBetween(sql`NULL`, invitationJson("created"))} FROM created)`,
  })}
SELECT ${refusalAfterWait("caller")}, ${canInvite} AS "canInvite", ${roleInClinic} AS "roleInClinic",
  ${isClinicMissing} AS "isClinicMissing", (SELECT id FROM created) AS id,
  (SELECT ${isoTimestamp("expires_at")} FROM created) AS expires_at
FROM token_account`,
);

/** Withdraws an invitation, for an admin. */
export const withdrawInvitation = authenticated<{ isAdmin: boolean; isDeleted: boolean }, { id: number }>(
  "invitations/withdraw",
  () => sql`-- DELETE /api/invitations/:id
  WITH ${callerSteps},
  ${callerRecheckWithoutRole("caller")},
  deleted AS (
    DELETE FROM invitations i
    WHERE i.id = ${intParam("id")} AND ${isAdmin} AND ${isStillAccepted}
    RETURNING i.id, i.email, i.role, i.clinic_id, i.clinic_role
  ),
  ${insertAuditEvent({
    action: "withdraw_invitation",
    outcome: adminOutcome(readOutcome(sql`EXISTS (SELECT FROM deleted)`)),
    changes: sql`(SELECT ${changesBetween(invitationJson("deleted"), sql`NULL`)} FROM deleted)`,
  })}
SELECT ${refusalAfterWait("caller")}, ${isAdmin} AS "isAdmin", EXISTS (SELECT FROM deleted) AS "isDeleted"
FROM token_account`,
);
