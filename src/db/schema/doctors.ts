import { sql } from "drizzle-orm";
import { boolean, check, index, integer, pgTable, text } from "drizzle-orm/pg-core";
import {
  contactColumns,
  emailCheck,
  emailKey,
  foreignKeyTo,
  isOneOf,
  nameCheck,
  nameSearchColumns,
  olderNameColumns,
  personNameCheck,
  phonesCheck,
  sharedEmailKey,
  timestampDefaultNow,
  uniqueKeyIndex,
  versionColumn,
} from "../columns.ts";
import { users } from "./accounts.ts";
import { genders, specializations } from "./codes.ts";

/** Doctors, which every account can read. */
export const doctors = pgTable(
  "doctors",
  {
    id: integer().primaryKey().generatedAlwaysAsIdentity(),
    firstname: text().notNull(),
    lastname: text().notNull(),
    ...contactColumns(),
    gender: text({ enum: genders }).notNull(),
    specialization: text({ enum: specializations }).notNull(),
    max_appointments_per_day: integer().notNull().default(10),
    /** Whether the doctor takes new patients. A retired doctor keeps the existing assignments. */
    active: boolean().notNull().default(true),
    created_by: integer().notNull(),
    created_at: timestampDefaultNow(),
    updated_at: timestampDefaultNow(),
    version: versionColumn(),
    ...olderNameColumns(),
    ...nameSearchColumns(),
  },
  (t) => [
    foreignKeyTo("doctors_created_by_fkey", [t.created_by], [users.id]),
    uniqueKeyIndex("doctors_email_key").on(emailKey(t.email), sharedEmailKey(t.email_shared, t.id)),
    index("doctors_last_first_id_idx").on(t.last_first, t.id),
    index("doctors_name_sort_key_id_idx").on(t.name_sort_key, t.id),
    index("doctors_name_tokens_idx").using("gin", t.name_tokens).with({ fastupdate: false }),
    index("doctors_created_at_id_idx").on(t.created_at, t.id),
    index("doctors_updated_at_id_idx").on(t.updated_at, t.id),
    check("doctors_firstname_check", personNameCheck(t.firstname)),
    check("doctors_lastname_check", personNameCheck(t.lastname)),
    check("doctors_name_check", nameCheck(t.firstname, t.lastname)),
    check("doctors_email_check", emailCheck(t.email, 128)),
    check("doctors_phones_check", phonesCheck(t.phones)),
    check("doctors_gender_check", isOneOf(t.gender, genders)),
    check("doctors_specialization_check", isOneOf(t.specialization, specializations)),
    check("doctors_max_appointments_per_day_check", sql`${t.max_appointments_per_day} BETWEEN 0 AND 1000`),
  ],
);
