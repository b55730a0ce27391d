import { sql } from "drizzle-orm";
import { changesBetween, ended, outcomeOfReading } from "../db/query/audit.ts";
import { callerId, framed, isRevoked, outcomeForAdmin, stillAccepted } from "../db/query/caller.ts";
import { opaque } from "../db/query/index-scan.ts";
import { isInvitationGood } from "../db/query/invited.ts";
import { columnsOf, moment, objectOf } from "../db/query/json.ts";
import { list } from "../db/query/list.ts";
import { may } from "../db/query/permissions.ts";
import { invitations } from "../db/schema.ts";
import { exists, value } from "../db/statement.ts";
import type { Invitation } from "./responses.ts";

const isAllowed = may("invite");

/** How long an invitation is good. */
const DAYS = sql.raw("7");

const shown = (step: string) =>
  sql`(SELECT row_to_json(o) FROM (SELECT id AS invitation, email, role FROM ${sql.identifier(step)}) o)`;

/**
 * Invites somebody, for an admin, by the hash of a code: its `id`, and when it runs out; null for others, and where registration is
 * not `possible`.
 */
export const invite = framed<
  { admin: boolean; id: number | null; expires_at: string },
  { email: string; role: string; code_hash: string; possible: boolean }
>(() => ({
  entry: {
    action: "invite",
    outcome: outcomeForAdmin(
      sql`CASE WHEN ${exists("invited")} THEN ${ended("done")} ELSE ${ended("refused")} END`,
    ),
    changes: sql`(SELECT ${changesBetween(sql`NULL`, shown("invited"))} FROM invited)`,
  },
  steps: {
    invited: sql`
      INSERT INTO ${invitations} (email, role, code_hash, created_by, expires_at)
      SELECT ${value("email")}, ${value("role")}, ${value("code_hash")}, ${callerId}, now() + make_interval(days => ${DAYS})
      WHERE ${isAllowed} AND ${value("possible")}::boolean RETURNING id, email, role, expires_at`,
  },
  row: {
    admin: isAllowed,
    id: sql`(SELECT id FROM invited)`,
    expires_at: sql`(SELECT ${moment(invitations.expires_at)} FROM invited ${invitations})`,
  },
}));

const shownFields: (keyof Invitation)[] = ["id", "email", "role", "created_by", "created_at", "expires_at"];

/** The invitations that nobody has used yet and that are good still, for admins. */
export const listInvitations = list<Invitation>(() => ({
  table: invitations,
  json: sql`${objectOf(columnsOf(invitations, shownFields))}::text`,
  sorts: {
    id: { table: invitations, order: [invitations.id], when: opaque(isInvitationGood) },
  },
  filters: {},
  allowed: isAllowed,
  entry: () => ({ action: "list_invitations", outcome: outcomeForAdmin(ended("done")) }),
}));

/** Withdraws an invitation, for an admin; whether it is `gone` then. */
export const withdraw = framed<{ admin: boolean; revoked: boolean; gone: boolean }, { id: number }>(() => ({
  entry: {
    action: "withdraw_invitation",
    outcome: outcomeForAdmin(outcomeOfReading(exists("withdrawn"))),
    changes: sql`(SELECT ${changesBetween(shown("withdrawn"), sql`NULL`)} FROM withdrawn)`,
  },
  steps: {
    still: stillAccepted("caller"),
    withdrawn: sql`
      DELETE FROM ${invitations} WHERE ${invitations.id} = ${value("id")} AND ${isAllowed} AND ${exists("still")}
      RETURNING id, email, role`,
  },
  row: { admin: isAllowed, revoked: isRevoked, gone: exists("withdrawn") },
}));
