import { sql } from "drizzle-orm";
import { boolean, check, index, integer, pgTable, primaryKey, text, unique } from "drizzle-orm/pg-core";
import { foreignKeyTo, isOneOf, timestampColumn, timestampDefaultNow } from "../columns.ts";
import type { UniqueConstraint } from "../errors.ts";
import { users } from "./accounts.ts";
import { clinicKinds, clinicRoles } from "./codes.ts";

// Clinics, which own patients, and the accounts that work in them.

/**
 * Clinics. Each account has a personal one with the account's id, which a trigger creates (drizzle/0032_clinics.sql). The
 * ids of shared ones are from the same sequence.
 */
export const clinics = pgTable(
  "clinics",
  {
    id: integer().primaryKey().default(sql`nextval('users_id_seq')`),
    name: text().notNull(),
    kind: text({ enum: clinicKinds }).notNull(),
    /** An IANA name, as it was sent. It decides the ages of patients. Empty: the API's `TIME_ZONE`. */
    time_zone: text().notNull().default(""),
    /** Nobody works in a clinic that is not active. */
    active: boolean().notNull().default(true),
    created_at: timestampDefaultNow(),
    updated_at: timestampDefaultNow(),
  },
  (t) => [
    // The target of memberships_clinic_fkey.
    unique("clinics_id_time_zone_active_key" satisfies UniqueConstraint).on(t.id, t.time_zone, t.active),
    check("clinics_name_check", sql`char_length(${t.name}) BETWEEN 1 AND 150`),
    check("clinics_kind_check", isOneOf(t.kind, clinicKinds)),
    // An unknown name is an error of this expression (22023). Without it, each request of a member would be that error.
    check(
      "clinics_time_zone_check",
      sql`char_length(${t.time_zone}) <= 64 AND (${t.time_zone} = '' OR (timestamp 'epoch' AT TIME ZONE ${t.time_zone}) IS NOT NULL)`,
    ),
  ],
);

/** Which accounts work in a clinic, and as what. A membership that has ended stays, and is continued by another start. */
export const memberships = pgTable(
  "memberships",
  {
    clinic_id: integer().notNull(),
    account_id: integer().notNull(),
    role: text({ enum: clinicRoles }).notNull(),
    created_at: timestampDefaultNow(),
    ended_at: timestampColumn(),
    /** When the account last moved a session into the clinic: a login without a clinic leads to the latest. */
    last_used_at: timestampColumn(),
    /** Whether the account is the manager only until another is named: the admin who created the clinic. */
    is_interim: boolean().notNull().default(false),
    /**
     * Copies of the clinic's `time_zone` and `active`, so that each request reads one row. The foreign key (ON UPDATE
     * CASCADE) keeps them equal.
     */
    time_zone: text().notNull(),
    clinic_active: boolean().notNull(),
  },
  (t) => [
    primaryKey({ name: "memberships_pkey", columns: [t.clinic_id, t.account_id] }),
    foreignKeyTo(
      "memberships_clinic_fkey",
      [t.clinic_id, t.time_zone, t.clinic_active],
      [clinics.id, clinics.time_zone, clinics.active],
    )
      .onUpdate("cascade")
      .onDelete("cascade"),
    foreignKeyTo("memberships_account_id_fkey", [t.account_id], [users.id]).onDelete("cascade"),
    index("memberships_account_id_idx").on(t.account_id, t.clinic_id),
    check("memberships_role_check", isOneOf(t.role, clinicRoles)),
  ],
);
