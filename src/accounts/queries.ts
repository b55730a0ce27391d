import { sql } from "drizzle-orm";
import { changesBetween, ended, outcomeOfReading } from "../db/query/audit.ts";
import {
  callerId,
  framed,
  isRevoked,
  outcomeForAdmin,
  repeatable,
  stillAccepted,
} from "../db/query/caller.ts";
import { bodyOf, moment, objectOf } from "../db/query/json.ts";
import { list } from "../db/query/list.ts";
import { may } from "../db/query/permissions.ts";
import { sessions, users } from "../db/schema.ts";
import { exists, type Json, value } from "../db/statement.ts";
import type { AccountDetails } from "./responses.ts";

const isAllowed = may("see to accounts");

const id = sql`${value("id")}::int`;
const search = sql`lower(${value("search")}::text)`;
const columns = sql`
  ${users.id}, ${users.username}, ${users.email}, ${users.role}, ${users.active}, ${users.doctor_id} AS doctor,
  ${moment(users.created_at)} AS created_at`;

/** All accounts, for admins. */
export const listAccounts = list<AccountDetails>(() => ({
  table: users,
  json: sql`${objectOf(columns)}::text`,
  sorts: { id: { table: users, order: [users.id] } },
  filters: {
    role: sql`${users.role} = ${value("role")}`,
    active: sql`${users.active} = ${value("active")}`,
    search: sql`(starts_with(lower(${users.username}), ${search}) OR starts_with(lower(${users.email}), ${search}))`,
  },
  allowed: isAllowed,
  entry: () => ({ action: "list_accounts", outcome: outcomeForAdmin(ended("done")) }),
}));

/** What a statement for admins says: whether the caller is one, and what came of it. */
type ForAdmin<Shape> = { admin: boolean; body: Json<Shape> | null };

/** An account, for admins: its `body`, null when there is none. */
export const findAccount = repeatable<ForAdmin<AccountDetails>, { id: number }>(() => ({
  entry: { action: "read_account", outcome: outcomeForAdmin(outcomeOfReading(exists("found"))), subject: id },
  steps: { found: sql`SELECT ${columns} FROM ${users} WHERE ${users.id} = ${id} AND ${isAllowed}` },
  row: { admin: isAllowed, body: bodyOf("found") },
}));

const settings = (step: string) =>
  sql`(SELECT row_to_json(o) FROM (SELECT role, active, doctor_id AS doctor FROM ${sql.identifier(step)}) o)`;

/**
 * Changes what `changes` has of an account, for an admin: its `body`, null when there is none. Another role, and being disabled
 * or enabled, makes all its tokens worthless. Both accounts are locked, in order, so that of two admins who disable each other one is no
 * admin any more when its turn comes: it is `revoked` then.
 */
export const changeAccount = framed<
  ForAdmin<AccountDetails> & { revoked: boolean },
  { id: number; changes: object }
>(() => ({
  entry: {
    action: "update_account",
    outcome: outcomeForAdmin(
      sql`CASE WHEN ${exists("acting")} THEN ${outcomeOfReading(exists("changed"))} ELSE ${ended("refused")} END`,
    ),
    subject: id,
    changes: sql`(SELECT ${changesBetween(settings("target"), settings("changed"))} FROM changed)`,
  },
  steps: {
    held: sql`
      SELECT * FROM ${users} WHERE ${users.id} IN (${callerId}, ${id}) AND ${isAllowed} ORDER BY ${users.id} FOR NO KEY UPDATE`,
    acting: stillAccepted("held"),
    target: sql`SELECT * FROM held WHERE id = ${id} AND ${exists("acting")}`,
    changed: sql`
      UPDATE ${users} SET (role, active, doctor_id, token_version, updated_at) = (
        SELECT new.role, new.active, new.doctor_id,
          ${users.token_version} + (new.role <> ${users.role} OR new.active <> ${users.active})::int, now()
        FROM jsonb_populate_record(${users}, ${value("changes")}::jsonb) new)
      FROM target WHERE ${users.id} = target.id RETURNING ${users}.*`,
    answer: sql`SELECT ${columns} FROM changed ${users}`,
  },
  row: {
    admin: isAllowed,
    body: bodyOf("answer"),
    revoked: sql`${isAllowed} AND NOT ${exists("acting")}`,
  },
}));

/** Ends all sessions of an account, for an admin: whether it is `found`. */
export const signOut = framed<{ admin: boolean; revoked: boolean; found: boolean }, { id: number }>(() => ({
  entry: { action: "sign_out", outcome: outcomeForAdmin(outcomeOfReading(exists("found"))), subject: id },
  steps: {
    still: stillAccepted("caller"),
    found: sql`SELECT id FROM ${users} WHERE ${users.id} = ${id} AND ${isAllowed} AND ${exists("still")}`,
    ended: sql`UPDATE ${sessions} SET ended_at = now() FROM found WHERE user_id = found.id AND ended_at IS NULL`,
  },
  row: { admin: isAllowed, revoked: isRevoked, found: exists("found") },
}));
