import { sql } from "drizzle-orm";
import { check, index, integer, pgTable, text, unique, uuid } from "drizzle-orm/pg-core";
import { emailCheck, foreignKeyTo, isOneOf, timestampColumn, timestampDefaultNow } from "../columns.ts";
import type { UniqueConstraint } from "../errors.ts";
import { users } from "./accounts.ts";
import { clinics, memberships } from "./clinics.ts";
import { clinicRoles, roles } from "./codes.ts";

// Sessions with their tokens, and invitations: how accounts get in.

/**
 * Sessions: each login creates one, and so does a change of the password. A trigger keeps the 50 newest of an account
 * (drizzle/0005_who_gets_in.sql).
 */
export const sessions = pgTable(
  "sessions",
  {
    id: uuid().primaryKey().defaultRandom(),
    user_id: integer().notNull(),
    /**
     * The clinic in which the session works. A trigger sets the account's personal clinic when there is none
     * (drizzle/0032_clinics.sql).
     */
    clinic_id: integer().notNull(),
    /** `users.token_version` when it was created. The session is invalid when they differ. */
    token_version: integer().notNull(),
    /** `users.password_version` when it was created. The session is invalid when they differ. */
    password_version: integer().notNull().default(1),
    created_at: timestampDefaultNow(),
    /** When it was created or last refreshed. */
    last_used_at: timestampDefaultNow(),
    expires_at: timestampColumn().notNull(),
    /** When it was ended before `expires_at`. */
    ended_at: timestampColumn(),
    /** The `User-Agent` header of the request that created it. */
    user_agent: text(),
    /** The client's network address and `User-Agent` header at `last_used_at`. */
    last_address: text(),
    last_user_agent: text(),
  },
  (t) => [
    foreignKeyTo("sessions_user_id_fkey", [t.user_id], [users.id]).onDelete("cascade"),
    foreignKeyTo(
      "sessions_membership_fkey",
      [t.clinic_id, t.user_id],
      [memberships.clinic_id, memberships.account_id],
    ),
    index("sessions_user_id_expires_at_idx").on(t.user_id, t.expires_at),
    check("sessions_user_agent_check", sql`char_length(${t.user_agent}) <= 256`),
    check("sessions_last_user_agent_check", sql`char_length(${t.last_user_agent}) <= 256`),
  ],
);

/**
 * Refresh tokens, including used ones: a token that is used again may be stolen, and ends its session (refresh-token
 * rotation).
 */
export const refresh_tokens = pgTable(
  "refresh_tokens",
  {
    /** SHA-256 of the token in hexadecimal. The token itself is not stored. */
    token_hash: text().primaryKey(),
    session_id: uuid().notNull(),
    created_at: timestampDefaultNow(),
    /** When it was first exchanged for new tokens. */
    spent_at: timestampColumn(),
    /** The hash of the token that it was exchanged for. Null also when an earlier version exchanged it. */
    successor_hash: text(),
  },
  (t) => [
    foreignKeyTo("refresh_tokens_session_id_fkey", [t.session_id], [sessions.id]).onDelete("cascade"),
    check("refresh_tokens_token_hash_check", sql`${t.token_hash} ~ '^[0-9a-f]{64}$'`),
    check("refresh_tokens_successor_hash_check", sql`${t.successor_hash} ~ '^[0-9a-f]{64}$'`),
    index("refresh_tokens_session_id_idx").on(t.session_id),
  ],
);

/** Invitations to register, from admins and operators. A used one is deleted at once, an expired one by the cleanup job. */
export const invitations = pgTable(
  "invitations",
  {
    id: integer().primaryKey().generatedAlwaysAsIdentity(),
    email: text().notNull(),
    role: text({ enum: roles }).notNull(),
    /** The shared clinic that the new account becomes a member of, and its role there. Null: none. */
    clinic_id: integer(),
    clinic_role: text({ enum: clinicRoles }),
    /** SHA-256 of the code in hexadecimal. The code itself is not stored. */
    code_hash: text().notNull(),
    /** The admin's account. Null: an operator's invitation. */
    created_by: integer(),
    created_at: timestampDefaultNow(),
    expires_at: timestampColumn().notNull(),
  },
  (t) => [
    foreignKeyTo("invitations_created_by_fkey", [t.created_by], [users.id]),
    unique("invitations_code_hash_key" satisfies UniqueConstraint).on(t.code_hash),
    check("invitations_email_check", emailCheck(t.email, 254)),
    check("invitations_role_check", isOneOf(t.role, roles)),
    foreignKeyTo("invitations_clinic_id_fkey", [t.clinic_id], [clinics.id]).onDelete("cascade"),
    index("invitations_clinic_id_idx").on(t.clinic_id).where(sql`${t.clinic_id} IS NOT NULL`),
    check("invitations_clinic_role_check", isOneOf(t.clinic_role, clinicRoles)),
    check("invitations_clinic_check", sql`num_nulls(${t.clinic_id}, ${t.clinic_role}) IN (0, 2)`),
    check("invitations_code_hash_check", sql`${t.code_hash} ~ '^[0-9a-f]{64}$'`),
  ],
);
