import { sql } from "drizzle-orm";
import {
  boolean,
  check,
  date,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  smallint,
  text,
  unique,
} from "drizzle-orm/pg-core";
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
  timestampColumn,
  timestampDefaultNow,
  uniqueKeyIndex,
  versionColumn,
} from "../columns.ts";
import type { UniqueConstraint } from "../errors.ts";
import { users } from "./accounts.ts";
import { clinics } from "./clinics.ts";
import { genders } from "./codes.ts";

// Patients, and the emergency access to them.

/** Patients. DELETE is a soft delete; the function `erase_patient` (drizzle/0025_erase_patient.sql) removes them for good. */
export const patients = pgTable(
  "patients",
  {
    id: integer().primaryKey().generatedAlwaysAsIdentity(),
    firstname: text().notNull(),
    lastname: text().notNull(),
    ...contactColumns(),
    /** What was said: a date, of which day or month may be missing, or else an age and the day on which it was right. */
    birth_date: text(),
    age: smallint(),
    age_as_of: date().default(sql`CURRENT_DATE`),
    /** The possible days of birth (drizzle/0038_plpgsql_checks.sql). */
    born_from: date().notNull().generatedAlwaysAs(sql`earliest_birth_day(birth_date, age, age_as_of)`),
    born_to: date().notNull().generatedAlwaysAs(sql`latest_birth_day(birth_date, age, age_as_of)`),
    gender: text({ enum: genders }).notNull(),
    /** Whether the patient may have no contact, as in an emergency. */
    anonymous: boolean().notNull().default(false),
    /** `{lines, city, region, postal_code, country}`, as `addressField` in src/http/contact-fields.ts has it. */
    address: jsonb(),
    /** `[{system, value}]`, each with a row of `patient_identifiers`. */
    identifiers: jsonb().notNull().default([]),
    created_by: integer().notNull(),
    created_at: timestampDefaultNow(),
    updated_at: timestampDefaultNow(),
    version: versionColumn(),
    ...olderNameColumns(),
    ...nameSearchColumns(),
    /** The clinic that owns it: the one of its creation, until a transfer. Null while it is deleted. */
    owner_id: integer(),
    /** While it is deleted: the clinic that owned it, and will own it again when it is restored. */
    deleted_from: integer(),
    deleted_at: timestampColumn(),
    /**
     * The patient that it was merged into. It has no owner then, and is not a deleted one. That patient may have been
     * merged itself: `last_survivor` (drizzle/0030_merges.sql) follows the chain.
     */
    merged_into: integer(),
  },
  (t) => [
    foreignKeyTo("patients_created_by_fkey", [t.created_by], [users.id]),
    foreignKeyTo("patients_owner_id_fkey", [t.owner_id], [clinics.id]),
    foreignKeyTo("patients_deleted_from_fkey", [t.deleted_from], [clinics.id]),
    // A survivor that is removed for good takes along what was merged into it: it is the same person.
    foreignKeyTo("patients_merged_into_fkey", [t.merged_into], [t.id]).onDelete("cascade"),
    uniqueKeyIndex("patients_owner_id_email_key").on(
      emailKey(t.email),
      t.owner_id,
      sharedEmailKey(t.email_shared, t.id),
    ),
    // The pages of a clinic's patients by id; also the target of mappings_patient_fkey.
    unique("patients_owner_id_id_key" satisfies UniqueConstraint).on(t.owner_id, t.id),
    // Their pages by name, by creation time and by the last change, and the same four for deleted patients.
    index("patients_owner_id_name_sort_key_id_idx").on(t.owner_id, t.name_sort_key, t.id),
    index("patients_owner_id_created_at_id_idx").on(t.owner_id, t.created_at, t.id),
    // A PATCH costs PostgreSQL 20 % more with it: no update is heap-only any more (measured on 15.20).
    index("patients_owner_id_updated_at_id_idx").on(t.owner_id, t.updated_at, t.id),
    // With a condition on its own column: the foreign key reads by it when a clinic is deleted.
    index("patients_deleted_from_id_idx").on(t.deleted_from, t.id).where(sql`${t.deleted_from} IS NOT NULL`),
    ...[
      index("patients_deleted_from_name_sort_key_id_idx").on(t.deleted_from, t.name_sort_key, t.id),
      index("patients_deleted_from_created_at_id_idx").on(t.deleted_from, t.created_at, t.id),
      index("patients_deleted_from_updated_at_id_idx").on(t.deleted_from, t.updated_at, t.id),
      index("patients_deleted_at_idx").on(t.deleted_at),
    ].map((definition) => definition.where(sql`${t.deleted_at} IS NOT NULL`)),
    index("patients_merged_into_idx").on(t.merged_into).where(sql`${t.merged_into} IS NOT NULL`),
    // The patients of a clinic, or its deleted ones, that a search finds. Without `fastupdate`: a search would also
    // read the list of pending entries.
    index("patients_name_tokens_idx")
      .using("gin", sql`patient_name_tokens(${t.owner_id}, ${t.deleted_from}, ${t.name_tokens})`)
      .with({ fastupdate: false }),
    check(
      "patients_deleted_at_check",
      sql`num_nulls(${t.deleted_at}, ${t.deleted_from}) IN (0, 2)
        AND num_nulls(${t.owner_id}, ${t.deleted_at}, ${t.merged_into}) = 2`,
    ),
    check("patients_merged_into_check", sql`${t.merged_into} <> ${t.id}`),
    // The patients of a clinic, or its deleted ones, that have a phone number.
    index("patients_phones_idx")
      .using("gin", sql`patient_phones(${t.owner_id}, ${t.deleted_from}, ${t.phones})`)
      .with({ fastupdate: false })
      .where(sql`${t.phones} <> '{}'`),
    check("patients_firstname_check", personNameCheck(t.firstname)),
    check("patients_lastname_check", personNameCheck(t.lastname)),
    check("patients_name_check", nameCheck(t.firstname, t.lastname)),
    check("patients_email_check", emailCheck(t.email, 128)),
    check("patients_phones_check", phonesCheck(t.phones)),
    check("patients_address_check", sql`jsonb_typeof(${t.address}) = 'object'`),
    check(
      "patients_identifiers_check",
      sql`jsonb_typeof(${t.identifiers}) = 'array' AND jsonb_array_length(${t.identifiers}) <= 10`,
    ),
    check(
      "patients_contact_check",
      sql`${t.email} IS NOT NULL OR ${t.phones} <> '{}' OR ${t.identifiers} <> '[]' OR ${t.anonymous}`,
    ),
    check("patients_age_check", sql`${t.age} BETWEEN 0 AND 120`),
    check("patients_age_as_of_check", sql`num_nulls(${t.age}, ${t.age_as_of}) IN (0, 2)`),
    check(
      "patients_birth_date_check",
      sql`num_nulls(${t.birth_date}, ${t.age}) = 1
        AND ${t.birth_date} COLLATE "C" ~ '^[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$'`,
    ),
    check("patients_gender_check", isOneOf(t.gender, genders)),
  ],
);

/**
 * Emergency access (break-glass): until when an admin, or a clinician of a shared clinic, may read a patient of another
 * clinic, and why.
 */
export const emergency_accesses = pgTable(
  "emergency_accesses",
  {
    id: integer().notNull().generatedAlwaysAsIdentity(),
    account_id: integer().notNull(),
    patient_id: integer().notNull(),
    expires_at: timestampColumn().notNull(),
    /** The clinic in which the account works as a clinician. Null: an admin has it. */
    clinic_id: integer(),
    /** The reason that was given last. Null when an earlier version of the API granted it. */
    reason: text(),
  },
  (t) => [
    primaryKey({ name: "emergency_accesses_pkey", columns: [t.account_id, t.patient_id] }),
    // The pages of the list.
    unique("emergency_accesses_id_key" satisfies UniqueConstraint).on(t.id),
    foreignKeyTo("emergency_accesses_account_id_fkey", [t.account_id], [users.id]).onDelete("cascade"),
    foreignKeyTo("emergency_accesses_clinic_id_fkey", [t.clinic_id], [clinics.id]).onDelete("cascade"),
    foreignKeyTo("emergency_accesses_patient_id_fkey", [t.patient_id], [patients.id]).onDelete("cascade"),
    index("emergency_accesses_patient_id_idx").on(t.patient_id),
    index("emergency_accesses_expires_at_idx").on(t.expires_at),
    index("emergency_accesses_clinic_id_idx").on(t.clinic_id).where(sql`${t.clinic_id} IS NOT NULL`),
  ],
);
