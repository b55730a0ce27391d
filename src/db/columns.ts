import { type SQL, sql } from "drizzle-orm";
import {
  type AnyPgColumn,
  customType,
  foreignKey,
  integer,
  timestamp,
  uniqueIndex,
} from "drizzle-orm/pg-core";
import type { ForeignKeyConstraint, UniqueConstraint } from "./errors.ts";

// Column types, constraints and index keys that the tables of schema.ts share.

/** A timestamp with the precision of the wire format, milliseconds: a client reads exactly what is stored. */
export const timestampColumn = () => timestamp({ withTimezone: true, precision: 3 });
export const timestampDefaultNow = () => timestampColumn().notNull().defaultNow();

/** A unique index. Its name is one that `errors.ts` has an error detail for. */
export const uniqueKeyIndex = (name: UniqueConstraint) => uniqueIndex(name);

type Columns = [AnyPgColumn, ...AnyPgColumn[]];
/** A foreign key. Its name is one that `errors.ts` knows the field of. */
export const foreignKeyTo = (name: ForeignKeyConstraint, columns: Columns, foreignColumns: Columns) =>
  foreignKey({ name, columns, foreignColumns });

/** What a case-insensitive unique index compares. The values are ASCII; other collations lower `I` as their locale does. */
export const caseFolded = (column: AnyPgColumn | SQL): SQL => sql`lower(${column} COLLATE "C")`;

/** Text that is compared byte by byte, so that its order is the same on every server. */
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
 * What names are searched and sorted by: without case, accents and repeated spaces. It is immutable, as a generated column requires;
 * PostgreSQL's `unaccent` is not, because its dictionary can change.
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

/** The search keys of a person's name. A search matches the beginning of either; lists by `lastname` are sorted by `last_first`. */
export const nameSearchColumns = () => ({
  first_last: bytewiseText().notNull().generatedAlwaysAs(nameSearchKey(sql`firstname || ' ' || lastname`)),
  last_first: bytewiseText().notNull().generatedAlwaysAs(nameSearchKey(sql`lastname || ' ' || firstname`)),
});

const indexKeyForms = {
  bigint: (column: AnyPgColumn) => sql`(${column}::bigint)`,
  negative: (column: AnyPgColumn) => sql`(-${column})`,
  negativeBigint: (column: AnyPgColumn) => sql`(-(${column}::bigint))`,
  plusZero: (column: AnyPgColumn) => sql`(${column} + 0)`,
};

/**
 * The first column of an index as an expression that no other index begins with. The planner regards rows that any index returns in the
 * order of their owner as almost sorted, reads them by that index and sorts them: but they all have the same owner, and it would sort all
 * of them. With an expression of its own each sort order has exactly one index that can answer it. Shown by test/db/plans.test.ts.
 *
 * The same column in plain form is the first of the index for the order of `id`. `bigint` picks the index by name (patients) or by patient
 * (assignments), `negative` the one by creation time (of a doctor's assignments: by id), `negativeBigint` a doctor's assignments by time,
 * `plusZero` a doctor's assignments by patient. A condition compares a negative form with the negative value.
 */
export const indexKey = (column: AnyPgColumn, form: keyof typeof indexKeyForms): SQL =>
  indexKeyForms[form](column);

/** Optimistic locking: every change increments it, so that nobody overwrites a change that they have not seen. */
export const versionColumn = () => integer().notNull().default(1);
export const textCheck = (column: AnyPgColumn, max: number): SQL =>
  sql`char_length(${column}) <= ${sql.raw(String(max))} AND ${column} COLLATE "C" ~ '\\S'`;
export const emailCheck = (column: AnyPgColumn, max: number): SQL =>
  sql`char_length(${column}) <= ${sql.raw(String(max))} AND ${column} ~ '^[^@ ]+@[^@ ]+$'`;
export const isOneOf = (column: AnyPgColumn, values: readonly string[]): SQL =>
  sql`${column} IN (${sql.raw(values.map((value) => `'${value}'`).join(", "))})`;
