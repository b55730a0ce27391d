import { type SQL, sql } from "drizzle-orm";
import {
  type AnyPgColumn,
  customType,
  foreignKey,
  integer,
  timestamp,
  uniqueIndex,
} from "drizzle-orm/pg-core";
import { emailRegexOfPostgres, MAX_DOMAIN, MAX_LOCAL_PART, TOO_LONG_LABEL } from "../email.ts";
import type { ForeignKeyConstraint, UniqueConstraint } from "./errors.ts";

// Column types, constraints and index keys that the tables of schema.ts share.

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

/** Letters that Unicode does not decompose into a letter and an accent, or that have two lower-case forms. */
const LETTER_REPLACEMENTS = { from: "øłđðħŧıς", to: "olddhtiσ" };
const DIGRAPH_REPLACEMENTS: [letter: string, replacement: string][] = [
  ["ß", "ss"],
  ["æ", "ae"],
  ["œ", "oe"],
  ["þ", "th"],
];

/**
 * The key that names are searched and sorted by: in lower case, without accents and repeated spaces. A generated
 * column needs an IMMUTABLE expression; PostgreSQL's `unaccent` is not immutable, because its dictionary can change.
 */
export function nameSearchKey(name: SQL): SQL {
  const unaccented = sql`regexp_replace(normalize(lower(${name}), NFKD), '[\\u0300-\\u036f]', '', 'g')`;
  const translated = sql`translate(${unaccented}, ${sql.raw(`'${LETTER_REPLACEMENTS.from}'`)}, ${sql.raw(`'${LETTER_REPLACEMENTS.to}'`)})`;
  const replaced = DIGRAPH_REPLACEMENTS.reduce(
    (key, [letter, replacement]) =>
      sql`replace(${key}, ${sql.raw(`'${letter}'`)}, ${sql.raw(`'${replacement}'`)})`,
    translated,
  );
  return sql`lower(regexp_replace(${replaced}, '\\s+', ' ', 'g'))`;
}

/**
 * The search keys of a person's name. A search matches the beginning of either; the sort order `lastname` uses
 * `last_first`.
 */
export const nameSearchColumns = () => ({
  first_last: bytewiseText().notNull().generatedAlwaysAs(nameSearchKey(sql`firstname || ' ' || lastname`)),
  last_first: bytewiseText().notNull().generatedAlwaysAs(nameSearchKey(sql`lastname || ' ' || firstname`)),
});

/** For optimistic locking: every change increments it. It is the ETag of the record. */
export const versionColumn = () => integer().notNull().default(1);

/** Constraint: at most `max` characters, at least one of them not white space. */
export const textCheck = (column: AnyPgColumn, max: number): SQL =>
  sql`char_length(${column}) <= ${sql.raw(String(max))} AND ${column} COLLATE "C" ~ '\\S'`;

/** Constraint: an email address of at most `max` characters, by the rule of src/email.ts. */
export function emailCheck(column: AnyPgColumn, max: number): SQL {
  const [localPart, domain] = [sql`split_part(${column}, '@', 1)`, sql`split_part(${column}, '@', 2)`];
  const number = (value: number) => sql.raw(String(value));
  const regex = (source: string) => sql.raw(`'${source}'`);
  return sql`char_length(${column}) <= ${number(max)} AND octet_length(${localPart}) <= ${number(MAX_LOCAL_PART)} AND octet_length(${domain}) <= ${number(MAX_DOMAIN)} AND ${domain} COLLATE "C" !~ ${regex(TOO_LONG_LABEL)} AND ${column} IS NFC NORMALIZED AND ${column} COLLATE "C" ~ ${regex(emailRegexOfPostgres)}`;
}

/**
 * The key by which two emails are the same address: without differences in case, in any script
 * (drizzle/0020_email_addresses.sql). Keys are compared byte by byte.
 */
export const emailKey = (email: AnyPgColumn | SQL): SQL => sql`email_key(${email}) COLLATE "C"`;

/** Whether a column has one of the values. They become part of the SQL text: only constants of the code. */
export const isOneOf = (column: AnyPgColumn, values: readonly string[]): SQL =>
  sql`${column} IN (${sql.raw(values.map((value) => `'${value}'`).join(", "))})`;
