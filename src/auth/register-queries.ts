import { sql } from "drizzle-orm";
import { emailKey } from "../db/columns.ts";
import { insertAuditEventOf, type RequestOrigin } from "../db/query/audit.ts";
import { changesBetween } from "../db/query/audit-changes.ts";
import { columnNames, jsonObject, stepJson } from "../db/query/json.ts";
import { isInvitationValid } from "../db/query/permissions.ts";
import { defineStatement, type Json, param } from "../db/statement.ts";
import type { NewAccount } from "./responses.ts";

// The statements of a registration. They have no caller: there is no account yet.

const newAccountFields: (keyof NewAccount)[] = ["id", "username", "email"];

const username = sql`${param("username")}::text`;
const email = sql`${param("email")}::text`;
const passwordHash = sql`${param("password_hash")}::text`;
const codeHash = sql`${param("code_hash")}::text`;

const invitationStep = sql`invitation AS (
    SELECT i.id, i.clinic_id, i.clinic_role, ${emailKey(sql`i.email`)} = ${emailKey(email)} AS is_same_email
    FROM invitations i WHERE i.code_hash = ${codeHash} AND ${isInvitationValid}
  )`;

/** Whether an invitation is valid, and whether it was sent to this email. */
export type InvitationState = { isInvited: boolean; isInvitedEmail: boolean };

/** Looks an invitation up, before the password is hashed. */
export const findInvitation = defineStatement<InvitationState, { email: string; code_hash: string }>(
  "auth/find-invitation",
  () => sql`-- POST /api/auth/register
  WITH ${invitationStep}
SELECT EXISTS (SELECT FROM invitation) AS "isInvited",
  EXISTS (SELECT FROM invitation WHERE is_same_email) AS "isInvitedEmail"`,
);

/**
 * Creates an account, with an invitation when there is a `code_hash`; the invitation is used up.
 *
 * @returns its row: `body` is null when no account was created. The reason is the first of these that holds:
 *   `isInvited` is false (the invitation is not valid), `isInvitedEmail` is false (it was sent to another email),
 *   `isUsernameTaken` (the username exists), or a concurrent request used the invitation up.
 */
export const createAccount = defineStatement<
  InvitationState & { body: Json<NewAccount> | null; isUsernameTaken: boolean },
  { username: string; email: string; password_hash: string; code_hash: string | null } & RequestOrigin
>(
  "auth/create-account",
  () => sql`-- POST /api/auth/register
  WITH ${invitationStep},
  username_taken AS (SELECT WHERE account_taken(${username})),
  -- The admin who manages the clinic until a manager is named. Memberships are locked before their clinic.
  interim AS (
    SELECT ms.clinic_id, ms.account_id FROM invitation JOIN memberships ms ON ms.clinic_id = invitation.clinic_id
    WHERE invitation.clinic_role = 'manager' AND is_same_email AND ms.is_interim AND ms.ended_at IS NULL
      AND NOT EXISTS (SELECT FROM username_taken)
    FOR NO KEY UPDATE OF ms
  ),
  clinic AS (
    SELECT c.id, c.time_zone, c.active FROM clinics c
    WHERE c.id = (SELECT clinic_id FROM invitation WHERE is_same_email) AND (SELECT count(*) FROM interim) >= 0
    FOR KEY SHARE
  ),
  used_invitation AS (
    -- Of two concurrent requests with the same code only one deletes the row. Shown by
    -- test/invitations/invitations.test.ts.
    DELETE FROM invitations i USING invitation
    WHERE i.id = invitation.id AND is_same_email AND NOT EXISTS (SELECT FROM username_taken)
      AND (SELECT count(*) FROM clinic) >= 0
    RETURNING i.id, i.role, i.clinic_role
  ),
  created AS (
    INSERT INTO users (username, email, password_hash, password_prehashed, role)
    SELECT ${username}, ${email}, ${passwordHash}, true, coalesce((SELECT role FROM used_invitation), 'clinician')
    WHERE NOT EXISTS (SELECT FROM username_taken) AND (${codeHash} IS NULL OR EXISTS (SELECT FROM used_invitation))
    RETURNING id, username, email, role
  ),
  membership AS (
    INSERT INTO memberships (clinic_id, account_id, role, time_zone, clinic_active)
    SELECT clinic.id, created.id, used_invitation.clinic_role, clinic.time_zone, clinic.active
    FROM created, used_invitation, clinic
    RETURNING clinic_id, role
  ),
  ended_interim AS (
    UPDATE memberships ms SET ended_at = now(), is_interim = false FROM interim, membership
    WHERE ms.clinic_id = interim.clinic_id AND ms.account_id = interim.account_id
    RETURNING ms.account_id
  ),
  ${insertAuditEventOf(
    { from: sql`created` },
    {
      action: "register",
      changes: sql`(
      SELECT ${changesBetween(
        sql`json_strip_nulls(json_build_object('invitation', id, 'interim_manager', (SELECT account_id FROM ended_interim)))`,
        stepJson(sql`clinic_id AS clinic, role AS clinic_role`, "membership"),
      )} FROM used_invitation
    )`,
    },
  )}
SELECT (SELECT ${jsonObject(columnNames(newAccountFields, "created."))}::text FROM created) AS body,
  ${codeHash} IS NULL OR EXISTS (SELECT FROM invitation) AS "isInvited",
  ${codeHash} IS NULL OR EXISTS (SELECT FROM invitation WHERE is_same_email) AS "isInvitedEmail",
  EXISTS (SELECT FROM username_taken) AS "isUsernameTaken"`,
);
