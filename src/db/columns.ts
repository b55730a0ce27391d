import { type SQL, sql } from "drizzle-orm";
import {
  type AnyPgColumn,
  boolean,
  customType,
  foreignKey,
  integer,
  text,
  timestamp,
  uniqueIndex,
} from "drizzle-orm/pg-core";
import type { ForeignKeyConstraint, UniqueConstraint } from "./errors.ts";

// Column types, constraints and index keys that the tables of schema/ share.

/** A timestamp in milliseconds, the precision of JSON: a client reads exactly what is stored. */
export const timestampColumn = () => timestamp({ withTimezone: true, precision: 3 });
export const timestampDefaultNow = () => timestampColumn().notNull().defaultNow();

/** A unique index. `errors.ts` has the error detail for its name. */
export const uniqueKeyIndex = (name: UniqueConstraint) => uniqueIndex(name);

type Columns = [AnyPgColumn, ...AnyPgColumn[]];
/** A foreign key. `errors.ts` has the request field for its name. */
export const foreignKeyTo = (name: ForeignKeyConstraint, columns: Columns, foreignColumns: Columns) =>
  foreignKey({ name, columns, foreignColumns });

/**
 * Lower case, for case-insensitive unique indexes of ASCII values. Other collations than "C" lower `I` as their
 * locale does.
 */
export const caseFolded = (column: AnyPgColumn | SQL): SQL => sql`lower(${column} COLLATE "C")`;

/** Text that is compared byte by byte, so that its sort order is the same on every server. */
export const bytewiseText = customType<{ data: string }>({ dataType: () => 'text COLLATE "C"' });

/** The tokens of a name, for `@@`. Not a text search of a language: they are made by `name_tokens`. */
const nameTokens = customType<{ data: string }>({ dataType: () => "tsvector" });

/**
 * What a person's name is searched and sorted by (docs/decisions/0014-name-search.md). The trigger `set_name_keys`
 * (drizzle/0022_name_keys.sql) sets them when a name is written. A generated column would be computed with each change of
 * another field too: a PATCH would cost PostgreSQL 20 % more, measured on 18.4.
 */
export const nameSearchColumns = () => ({
  name_tokens: nameTokens().notNull(),
  name_sort_key: bytewiseText().notNull(),
});

/** The keys of version 1.1, which still reads them while it is replaced. A later migration can drop them. */
export const olderNameColumns = () => ({
  first_last: bytewiseText().notNull(),
  last_first: bytewiseText().notNull(),
});

/** For optimistic locking: every change increments it. It is the ETag of the record. */
export const versionColumn = () => integer().notNull().default(1);

/** Constraint: a first or a last name of at most 100 characters. One of the two may be empty: see `nameCheck`. */
export const personNameCheck = (column: AnyPgColumn): SQL =>
  sql`char_length(${column}) <= 100 AND (${column} = '' OR ${column} COLLATE "C" ~ '\\S')`;

/** Constraint: a person has a first or a last name. */
export const nameCheck = (firstname: AnyPgColumn, lastname: AnyPgColumn): SQL =>
  sql`${firstname} <> '' OR ${lastname} <> ''`;

/** Constraint: at most five phone numbers, in the form of E.164. With an ICU locale, `\d` is a digit of any script. */
export const phonesCheck = (column: AnyPgColumn): SQL =>
  sql`${column} = '{}' OR array_to_string(${column}, ',', 'NULL') ~ '^\\+[1-9][0-9]{6,14}(,\\+[1-9][0-9]{6,14}){0,4}$'`;

/** How a patient or a doctor can be reached, and whether others may have the same email. */
export const contactColumns = () => ({
  email: text(),
  email_shared: boolean().notNull().default(false),
  phones: text().array().notNull().default(sql`'{}'`),
});

/**
 * The last column of a unique index of emails: an email that is shared is no duplicate of any other. 0 is no id.
 */
export const sharedEmailKey = (emailShared: AnyPgColumn, id: AnyPgColumn): SQL =>
  sql`(CASE WHEN ${emailShared} THEN ${id} ELSE 0 END)`;

/**
 * Constraint: an email address of at most `max` characters, by the rule of src/email.ts. `is_email`
 * (drizzle/0038_plpgsql_checks.sql) has it in the database.
 */
export const emailCheck = (column: AnyPgColumn, max: number): SQL =>
  sql`char_length(${column}) <= ${sql.raw(String(max))} AND is_email(${column})`;

/**
 * The key by which two emails are the same address: without differences in case, in any script
 * (drizzle/0021_email_addresses.sql). Keys are compared byte by byte.
 */
export const emailKey = (email: AnyPgColumn | SQL): SQL => sql`email_key(${email}) COLLATE "C"`;

/** Whether a column has one of the values. They become part of the SQL text: only constants of the code. */
export const isOneOf = (column: AnyPgColumn, values: readonly string[]): SQL =>
  sql`${column} IN (${sql.raw(values.map((value) => `'${value}'`).join(", "))})`;
