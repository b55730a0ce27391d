import { type SQL, sql } from "drizzle-orm";
import { insertAuditEvent, insertFurtherAuditEvents } from "../db/query/audit.ts";
import { changesBetween } from "../db/query/audit-changes.ts";
import { authenticated } from "../db/query/authenticated.ts";
import {
  callerId,
  callerSteps,
  clinicRolesInOrder,
  isStillAccepted,
  refusalAfterWait,
} from "../db/query/caller.ts";
import { isoTimestamp, jsonBody, stepJson } from "../db/query/json.ts";
import { intParam, type Json, param } from "../db/statement.ts";
import type { Member } from "./responses.ts";
import {
  type ClinicState,
  canManage,
  changeOutcome,
  changesInClinic,
  clinicStateColumns,
  id,
  manageSteps,
} from "./steps.ts";

// In every statement the membership is `ms`. Adding a member, giving another role and ending a membership lock the same rows.

const account = intParam("account");
const role = sql`${param("role")}::text`;
const isOwn = sql`(${account} IS NOT DISTINCT FROM ${callerId})`;

const memberColumns = (username: SQL) =>
  sql`ms.account_id AS account, ${username} AS username, ms.role, ${isoTimestamp("ms.created_at")} AS created_at`;

const roleJson = (step: string) => stepJson(sql`role`, step);

/** The membership in the path, if it has not ended. */
const memberStep = sql`member AS (
    SELECT ms.* FROM access, locked_members ms
    WHERE ms.clinic_id = access.id AND ms.account_id = ${account} AND ms.ended_at IS NULL
  )`;

/**
 * The steps that end the membership of the admin who created the clinic, when another manager has been named, and audit
 * that. Nothing else in a statement depends on the steps.
 *
 * @param named the step with the new manager's `account_id` and `role`.
 */
const endInterimSteps = (named: string) => sql`ended_interim AS (
    UPDATE memberships ms SET ended_at = now(), is_interim = false
    FROM ${sql.raw(named)} named
    WHERE named.role = 'manager' AND ms.clinic_id = ${id} AND ms.is_interim AND ms.ended_at IS NULL
      AND ms.account_id <> named.account_id
    RETURNING ms.account_id, ms.role
  ),
  ${insertFurtherAuditEvents("interim_event", sql`ended_interim`, {
    action: "end_member",
    account: sql`ended_interim.account_id`,
    changes: changesInClinic(changesBetween(roleJson("ended_interim"), sql`NULL`), id, sql`NULL`),
  })}`;

/**
 * The row of an addition. `body`: the new or the earlier membership; null when nothing was added, because there is no
 * such account that could work in a clinic (`isMissing`), or the account is the caller's own (`isOwn`).
 */
type AddRow = ClinicState & {
  isMissing: boolean;
  isOwn: boolean;
  isCurrent: boolean;
  body: Json<Member> | null;
};

/**
 * Adds a member to a shared clinic, or continues a membership that has ended. A current member stays as it is. Of two
 * requests that add the same account at once, one violates memberships_pkey.
 */
export const addMember = authenticated<
  AddRow,
  { id: number; account: number | null; username: string | null; role: string }
>(
  "clinics/add-member",
  () => sql`-- POST /api/clinics/:id/members
  WITH ${callerSteps},
  named AS (
    SELECT u.id FROM users u
    WHERE u.id = coalesce(${account},
      (SELECT u.id FROM users u WHERE lower(u.username COLLATE "C") = lower(${param("username")}::text COLLATE "C")))
  ),
  ${manageSteps({ account: sql`(SELECT id FROM named)` })},
  earlier AS (
    SELECT ms.* FROM access, locked_members ms WHERE ms.clinic_id = access.id AND ms.account_id = (SELECT id FROM named)
  ),
  addable AS (
    SELECT a.id FROM access, locked_accounts a
    WHERE access.can_manage AND access.kind = 'shared' AND a.id = (SELECT id FROM named) AND a.can_work AND a.id <> ${callerId}
      AND NOT EXISTS (SELECT FROM earlier WHERE ended_at IS NULL) AND ${isStillAccepted}
  ),
  continued AS (
    UPDATE memberships ms SET role = ${role}, created_at = now(), ended_at = NULL, is_interim = false
    FROM addable, earlier WHERE ms.clinic_id = earlier.clinic_id AND ms.account_id = earlier.account_id
    RETURNING ms.*
  ),
  created AS (
    INSERT INTO memberships (clinic_id, account_id, role, time_zone, clinic_active)
    SELECT target.id, addable.id, ${role}, target.time_zone, target.active
    FROM target, addable WHERE NOT EXISTS (SELECT FROM earlier)
    RETURNING *
  ),
  added AS (SELECT * FROM continued UNION ALL SELECT * FROM created),
  ${endInterimSteps("added")},
  response AS (
    SELECT ${memberColumns(sql`(SELECT username FROM locked_accounts a WHERE a.id = ms.account_id)`)}
    FROM (
      SELECT * FROM added
      UNION ALL SELECT * FROM earlier WHERE ended_at IS NULL AND ${canManage}
    ) ms
  ),
  ${insertAuditEvent({
    action: "add_member",
    outcome: changeOutcome(sql`EXISTS (SELECT FROM response)`),
    account: sql`coalesce((SELECT id FROM named), ${account})`,
    changes: sql`CASE WHEN EXISTS (SELECT FROM added)
      THEN ${changesInClinic(changesBetween(sql`NULL`, roleJson("added")), sql`NULL`)} ELSE ${changesInClinic()} END`,
  })}
SELECT ${refusalAfterWait("locked_members")}, ${clinicStateColumns},
  NOT EXISTS (SELECT FROM locked_accounts a WHERE a.id = (SELECT id FROM named) AND a.can_work) AS "isMissing",
  EXISTS (SELECT FROM named WHERE id = ${callerId}) AS "isOwn",
  EXISTS (SELECT FROM earlier WHERE ended_at IS NULL) AS "isCurrent", ${jsonBody("response")} AS body
FROM token_account`,
);

const isMember = sql`EXISTS (SELECT FROM member)`;

/** What a change of a membership says: whether there is such a current member, and whether it is the caller's own. */
type MemberState = ClinicState & { isMember: boolean; isOwn: boolean };
const memberStateColumns = sql`${clinicStateColumns}, ${isMember} AS "isMember", ${isOwn} AS "isOwn"`;

/** Otherwise a change is audited as `not_found`. Of a caller who may not manage the clinic it is refused, for any account. */
const isMemberFound = sql`EXISTS (SELECT FROM access) AND (${isMember} OR NOT ${canManage})`;
/** Whether the caller would raise its own role. */
const isOwnRaised = sql`(${isOwn} AND EXISTS (
      SELECT FROM member WHERE array_position(${clinicRolesInOrder}, ${role}) > array_position(${clinicRolesInOrder}, member.role)
    ))`;

/** Gives a member another role: a manager or an admin to others, and each member a lower one to itself. */
export const updateMember = authenticated<
  MemberState & { isOwnRaised: boolean; body: Json<Member> | null },
  { id: number; account: number; role: string | null }
>(
  "clinics/update-member",
  () => sql`-- PATCH /api/clinics/:id/members/:account
  WITH ${callerSteps},
  ${manageSteps({ account })},
  ${memberStep},
  changed AS (
    UPDATE memberships ms SET role = coalesce(${role}, member.role),
      is_interim = member.is_interim AND coalesce(${role}, member.role) = 'manager'
    FROM member, access
    WHERE ms.clinic_id = member.clinic_id AND ms.account_id = member.account_id AND access.kind = 'shared'
      AND (access.can_manage OR ${isOwn}) AND NOT ${isOwnRaised} AND ${isStillAccepted}
    RETURNING ms.*
  ),
  ${endInterimSteps("changed")},
  response AS (
    SELECT ${memberColumns(sql`(SELECT username FROM locked_accounts a WHERE a.id = ms.account_id)`)} FROM changed ms
  ),
  ${insertAuditEvent({
    action: "update_member",
    outcome: changeOutcome(sql`EXISTS (SELECT FROM changed)`, isMemberFound),
    account,
    changes: changesInClinic(
      sql`CASE WHEN EXISTS (SELECT FROM changed) THEN ${changesBetween(roleJson("member"), roleJson("changed"))} END`,
    ),
  })}
SELECT ${refusalAfterWait("locked_members")}, ${memberStateColumns}, ${isOwnRaised} AS "isOwnRaised",
  ${jsonBody("response")} AS body
FROM token_account`,
);

/** Ends a membership: a manager or an admin those of others, and each member its own. */
export const endMember = authenticated<MemberState & { isEnded: boolean }, { id: number; account: number }>(
  "clinics/end-member",
  () => sql`-- DELETE /api/clinics/:id/members/:account
  WITH ${callerSteps},
  ${manageSteps({ account })},
  ${memberStep},
  ended AS (
    UPDATE memberships ms SET ended_at = now(), is_interim = false
    FROM member, access
    WHERE ms.clinic_id = member.clinic_id AND ms.account_id = member.account_id AND access.kind = 'shared'
      AND (access.can_manage OR ${isOwn}) AND ${isStillAccepted}
    RETURNING ms.role
  ),
  ${insertAuditEvent({
    action: "end_member",
    outcome: changeOutcome(sql`EXISTS (SELECT FROM ended)`, isMemberFound),
    account,
    changes: sql`CASE WHEN EXISTS (SELECT FROM ended)
      THEN ${changesInClinic(changesBetween(roleJson("ended"), sql`NULL`), id, sql`NULL`)} ELSE ${changesInClinic()} END`,
  })}
SELECT ${refusalAfterWait("locked_members")}, ${memberStateColumns}, EXISTS (SELECT FROM ended) AS "isEnded"
FROM token_account`,
);
