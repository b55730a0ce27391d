import { sql } from "drizzle-orm";
import {
  boolean,
  check,
  index,
  integer,
  type PgTableExtraConfigValue,
  pgTable,
  text,
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
import { roles } from "./codes.ts";
import { doctors } from "./doctors.ts";

// Accounts.

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
    /** Until when the account is refused, because it has asked for too many records that are not there for it. */
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
