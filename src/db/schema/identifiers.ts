import { sql } from "drizzle-orm";
import { check, index, integer, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import {
  bytewiseText,
  foreignKeyTo,
  isOneOf,
  timestampDefaultNow,
  uniqueKeyIndex,
  versionColumn,
} from "../columns.ts";
import { users } from "./accounts.ts";
import { checkDigits } from "./codes.ts";
import { patients } from "./patients.ts";

/**
 * The shape of a pattern (`isPattern` in src/identifier-systems/pattern.ts): literals, digits and letters, each with an
 * optional repetition.
 */
const patternShape = sql.raw(
  String.raw`'^((\\d|\[A-Z\]|\[A-Z0-9\]|[A-Z0-9/:_#]|\\\.)(\{\d{1,2}(,\d{1,2})?\})?)+$'`,
);

/** An absolute URI, as in src/identifier-systems/requests.ts. drizzle-kit would end the constraint at a semicolon. */
const uriShape = sql.raw(String.raw`'^[A-Za-z][A-Za-z0-9+.-]{0,31}:[]!#-:\u003b=?-Z_a-z~[]{1,220}$'`);

/** Identifier systems: whose numbers patients have, such as those of a register, and what such a number looks like. */
export const identifier_systems = pgTable(
  "identifier_systems",
  {
    id: integer().primaryKey().generatedAlwaysAsIdentity(),
    name: bytewiseText().notNull(),
    /** The system's name elsewhere, such as in FHIR: `urn:oid:2.16.840.1.113883.2.1.4.1`. */
    uri: text(),
    /** What a value looks like in the form that `identifier_key` returns. */
    pattern: text(),
    check_digit: text({ enum: checkDigits }).notNull().default("none"),
    created_by: integer().notNull(),
    created_at: timestampDefaultNow(),
    updated_at: timestampDefaultNow(),
    version: versionColumn(),
  },
  (t) => [
    foreignKeyTo("identifier_systems_created_by_fkey", [t.created_by], [users.id]),
    uniqueKeyIndex("identifier_systems_name_key").on(t.name),
    check("identifier_systems_name_check", sql`${t.name} ~ '^[a-z0-9-]{1,32}$'`),
    check("identifier_systems_uri_check", sql`${t.uri} COLLATE "C" ~ ${uriShape}`),
    check(
      "identifier_systems_pattern_check",
      sql`char_length(${t.pattern}) <= 200 AND ${t.pattern} COLLATE "C" ~ ${patternShape}`,
    ),
    check("identifier_systems_check_digit_check", isOneOf(t.check_digit, checkDigits)),
  ],
);

/**
 * The identifiers of patients in the form in which they are compared: an account has none twice. Triggers on patients keep
 * it (`set_patient_identifiers` in drizzle/), so that it always has what `patients.identifiers` has.
 */
export const patient_identifiers = pgTable(
  "patient_identifiers",
  {
    patient_id: integer().notNull(),
    /** The patient's owner; null while it is deleted. */
    owner_id: integer(),
    system: bytewiseText().notNull(),
    key: bytewiseText().notNull(),
  },
  (t) => [
    primaryKey({ name: "patient_identifiers_pkey", columns: [t.patient_id, t.system, t.key] }),
    foreignKeyTo("patient_identifiers_patient_id_fkey", [t.patient_id], [patients.id]).onDelete("cascade"),
    // A system that has identifiers keeps its name.
    foreignKeyTo("patient_identifiers_system_fkey", [t.system], [identifier_systems.name]),
    // Also finds an account's patients by an identifier with or without its system.
    uniqueKeyIndex("patient_identifiers_owner_id_key_system_key").on(t.owner_id, t.key, t.system),
    // Finds deleted patients, and those of a doctor's own account, which have other owners or none.
    index("patient_identifiers_key_idx").on(t.key),
    index("patient_identifiers_system_idx").on(t.system),
  ],
);
