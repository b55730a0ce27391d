import { sql } from "drizzle-orm";
import {
  boolean,
  check,
  index,
  integer,
  type PgTableExtraConfigValue,
  pgTable,
  text,
  unique,
  uuid,
} from "drizzle-orm/pg-core";
import {
  caseFolded,
  emailCheck,
  foreignKeyTo,
  isOneOf,
  timestampColumn,
  timestampDefaultNow,
  uniqueKeyIndex,
} from "../columns.ts";
import type { UniqueConstraint } from "../errors.ts";
import { roles } from "./codes.ts";
import { doctors } from "./doctors.ts";

// Accounts, and how they log in.

/** Accounts. They are never deleted, only disabled, because the records they created refer to them. */
export const users = pgTable(
  "users",
  {
    id: integer().primaryKey().generatedAlwaysAsIdentity(),
    username: text().notNull(),
    email: text().notNull(),
    /** bcrypt, 60 characters. */
    password_hash: text().notNull(),
    /**
     * Whether bcrypt got the SHA-512 of the password, as since version 1.2, and not the password itself
     * (src/auth/passwords.ts). The next login replaces an older hash.
     */
    password_prehashed: boolean().notNull().default(false),
    role: text({ enum: roles }).notNull().default("clinician"),
    /** An account that is not active is refused from its next request on. */
    active: boolean().notNull().default(true),
    /** Incremented to invalidate all tokens and sessions of the account at once. */
    token_version: integer().notNull().default(1),
    /**
     * Incremented with each new password. A session with an older version is invalid, even if it was created after
     * the change.
     */
    password_version: integer().notNull().default(1),
    /** Whether the password may have been trimmed before it was hashed, as an earlier version did. */
    password_trimmed: boolean().notNull().default(false),
    /** Whether an operator has set the password: until it is changed, the account can do nothing else. */
    must_change_password: boolean().notNull().default(false),
    /**
     * When the password that an operator has set expires. It counts only while `must_change_password` is true: a new
     * password does not expire.
     */
    password_expires_at: timestampColumn(),
    /** Until when the account is refused, because it has asked for too many patients that are not there for it. */
    probing_until: timestampColumn(),
    /** The doctor whose own account this is: it can read the doctor's patients. Null for most accounts. */
    doctor_id: integer(),
    created_at: timestampDefaultNow(),
    updated_at: timestampDefaultNow(),
  },
  (t): PgTableExtraConfigValue[] => [
    foreignKeyTo("users_doctor_id_fkey", [t.doctor_id], [doctors.id]).onDelete("set null"),
    index("users_doctor_id_idx").on(t.doctor_id),
    uniqueKeyIndex("users_username_key").on(caseFolded(t.username)),
    check("users_username_check", sql`${t.username} ~ '^[A-Za-z0-9@.+_-]{1,150}$'`),
    check("users_email_check", emailCheck(t.email, 254)),
    check("users_password_hash_check", sql`char_length(${t.password_hash}) = 60`),
    check("users_role_check", isOneOf(t.role, roles)),
  ],
);

/**
 * Sessions: each login creates one, and so does a change of the password. A trigger keeps the 50 newest of an account
 * (drizzle/0005_who_gets_in.sql).
 */
export const sessions = pgTable(
  "sessions",
  {
    id: uuid().primaryKey().defaultRandom(),
    user_id: integer().notNull(),
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
    check("invitations_code_hash_check", sql`${t.code_hash} ~ '^[0-9a-f]{64}$'`),
  ],
);
