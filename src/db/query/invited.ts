import { sql } from "drizzle-orm";
import { invitations, users } from "../schema.ts";

/** Whether an invitation is good: one that has run out is none, nor is that of somebody who is no active admin any more. */
export const isInvitationGood = sql`${invitations.expires_at} > now() AND (
  SELECT ${users.active} AND ${users.role} = 'admin' FROM ${users} WHERE ${users.id} = ${invitations.created_by})`;
