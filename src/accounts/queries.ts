import { sql } from "drizzle-orm";
import { changesBetween, readOutcome } from "../db/query/steps/audit.ts";
import {
  adminOutcome,
  authenticated,
  authenticatedRetryable,
  callerId,
  isRevokedDuringWait,
  recheckCaller,
  withoutRecheck,
} from "../db/query/steps/caller.ts";
import { isoTimestamp, jsonBody, jsonObject, stepJson } from "../db/query/steps/json.ts";
import { defineList } from "../db/query/steps/list.ts";
import { can } from "../db/query/steps/permissions.ts";
import { exists, intParam, type Json, param } from "../db/query/steps/statement.ts";
import { sessions, users } from "../db/schema.ts";
import type { AccountDetails } from "./responses.ts";

const isAdmin = can("accounts:manage");

const id = intParam("id");
const search = sql`lower(${param("search")}::text)`;
const accountColumns = sql`
  ${users.id}, ${users.username}, ${users.email}, ${users.role}, ${users.active}, ${users.doctor_id} AS doctor,
  ${isoTimestamp(users.created_at)} AS created_at`;

/** All accounts, for admins. */
export const listAccounts = defineList<AccountDetails>(() => ({
  table: users,
  json: sql`${jsonObject(accountColumns)}::text`,
  sorts: { id: { table: users, order: [users.id] } },
  filters: {
    role: sql`${users.role} = ${param("role")}`,
    active: sql`${users.active} = ${param("active")}`,
    search: sql`(starts_with(lower(${users.username}), ${search}) OR starts_with(lower(${users.email}), ${search}))`,
  },
  isAllowed: isAdmin,
  auditEvent: () => ({ action: "list_accounts", outcome: adminOutcome(sql`'done'`) }),
}));

/** The row of a statement for admins. `body` is null when there is no such account. */
type AdminRow<Shape> = { isAdmin: boolean; body: Json<Shape> | null };

/** One account, for admins. */
export const findAccount = authenticatedRetryable<AdminRow<AccountDetails>, { id: number }>(() => ({
  auditEvent: { action: "read_account", outcome: adminOutcome(readOutcome(exists("found"))), account: id },
  revoked: withoutRecheck,
  steps: { found: sql`SELECT ${accountColumns} FROM ${users} WHERE ${users.id} = ${id} AND ${isAdmin}` },
  row: { isAdmin, body: jsonBody("found") },
}));

const settingsJson = (step: string) => stepJson(sql`role, active, doctor_id AS doctor`, step);

/**
 * Changes the fields of an account in `changes`, for an admin. Another role, and disabling or enabling the
 * account, ends all its sessions. Both accounts are locked in order of id, so that of two admins who disable each
 * other the second waits and is no admin any more when it has the lock. Shown by test/races/admins.test.ts.
 */
export const updateAccount = authenticated<AdminRow<AccountDetails>, { id: number; changes: object }>(() => ({
  auditEvent: {
    action: "update_account",
    outcome: adminOutcome(
      sql`CASE WHEN ${exists("caller_recheck")} THEN ${readOutcome(exists("changed"))} ELSE 'refused' END`,
    ),
    account: id,
    changes: sql`(SELECT ${changesBetween(settingsJson("target"), settingsJson("changed"))} FROM changed)`,
  },
  revoked: isRevokedDuringWait("locked_accounts"),
  steps: {
    locked_accounts: sql`
      SELECT * FROM ${users} WHERE ${users.id} IN (${callerId}, ${id}) AND ${isAdmin} ORDER BY ${users.id} FOR NO KEY UPDATE`,
    caller_recheck: recheckCaller("locked_accounts"),
    target: sql`SELECT * FROM locked_accounts WHERE id = ${id} AND ${exists("caller_recheck")}`,
    changed: sql`
      UPDATE ${users} SET (role, active, doctor_id, token_version, updated_at) = (
        SELECT new.role, new.active, new.doctor_id,
          ${users.token_version} + (new.role <> ${users.role} OR new.active <> ${users.active})::int, now()
        FROM jsonb_populate_record(${users}, ${param("changes")}::jsonb) new)
      FROM target WHERE ${users.id} = target.id RETURNING ${users}.*`,
    response: sql`SELECT ${accountColumns} FROM changed ${users}`,
  },
  row: { isAdmin, body: jsonBody("response") },
}));

/** Ends all sessions of an account, for an admin. `isFound` is false when there is no such account. */
export const endAccountSessions = authenticated<{ isAdmin: boolean; isFound: boolean }, { id: number }>(
  () => ({
    auditEvent: { action: "sign_out", outcome: adminOutcome(readOutcome(exists("found"))), account: id },
    revoked: isRevokedDuringWait("caller"),
    steps: {
      caller_recheck: recheckCaller("caller"),
      found: sql`SELECT id FROM ${users} WHERE ${users.id} = ${id} AND ${isAdmin} AND ${exists("caller_recheck")}`,
      ended_sessions: sql`
      UPDATE ${sessions} SET ended_at = now() FROM found WHERE user_id = found.id AND ended_at IS NULL`,
    },
    row: { isAdmin, isFound: exists("found") },
  }),
);
