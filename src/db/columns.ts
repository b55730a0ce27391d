import { type SQL, sql } from "drizzle-orm";
import {
  type AnyPgColumn,
  customType,
  foreignKey,
  integer,
  timestamp,
  uniqueIndex,
} from "drizzle-orm/pg-core";
import type { ReferenceName, UniqueName } from "./errors.ts";

// What the tables of schema.ts are made of.

/** Milliseconds, as the wire has them: what a client reads is exactly what is stored. */
export const moment = () => timestamp({ withTimezone: true, precision: 3 });
export const createdNow = () => moment().notNull().defaultNow();
/** Unique constraints and foreign keys, by names that `errors.ts` has an answer for. */
export const uniqueKey = (name: UniqueName) => uniqueIndex(name);
type Columns = [AnyPgColumn, ...AnyPgColumn[]];
export const reference = (name: ReferenceName, columns: Columns, foreignColumns: Columns) =>
  foreignKey({ name, columns, foreignColumns });
/** What unique "ignoring case" compares. All of it is ASCII, so in "C": elsewhere `lower('I')` depends on the locale. */
export const folded = (column: AnyPgColumn | SQL): SQL => sql`lower(${column} COLLATE "C")`;
/** Text that is compared byte by byte, in the same order on every server. */
export const key = customType<{ data: string }>({ dataType: () => 'text COLLATE "C"' });
/** Letters that Unicode does not take apart into a letter and its accent, or that have two lower cases. */
const plainOnes = { from: "øłđðħŧıς", to: "olddhtiσ" };
const plainPairs: [letter: string, plain: string][] = [
  ["ß", "ss"],
  ["æ", "ae"],
  ["œ", "oe"],
  ["þ", "th"],
];

/**
 * What names are searched and sorted by: without case, accents and doubled spaces. PostgreSQL's `unaccent` would do, but
 * no generated column takes it, for its dictionary may change.
 */
export function nameKey(name: SQL): SQL {
  const bare = sql`regexp_replace(normalize(lower(${name}), NFKD), '[\\u0300-\\u036f]', '', 'g')`;
  const translated = sql`translate(${bare}, ${sql.raw(`'${plainOnes.from}'`)}, ${sql.raw(`'${plainOnes.to}'`)})`;
  const plain = plainPairs.reduce(
    (key, [letter, two]) => sql`replace(${key}, ${sql.raw(`'${letter}'`)}, ${sql.raw(`'${two}'`)})`,
    translated,
  );
  return sql`lower(regexp_replace(${plain}, '\\s+', ' ', 'g'))`;
}
/** A person's two names, either first: a search is for the beginning of one of them, and by the second they are sorted. */
export const nameKeys = () => ({
  first_last: key().notNull().generatedAlwaysAs(nameKey(sql`firstname || ' ' || lastname`)),
  last_first: key().notNull().generatedAlwaysAs(nameKey(sql`lastname || ' ' || firstname`)),
});
/**
 * A column as the index of one order begins with it, and that of no other. PostgreSQL takes rows that any index has in order
 * of their owner for as good as sorted, in whatever order they are wanted: but they are all one owner's, and would be sorted
 * after all.
 */
export const negated = (column: AnyPgColumn | SQL): SQL => sql`(-${column})`;
export const wide = (column: AnyPgColumn): SQL => sql`(${column}::bigint)`;
export const unchanged = (column: AnyPgColumn): SQL => sql`(${column} + 0)`;
/** Raised by every change, so that nobody overwrites a change that they have not seen. */
export const version = () => integer().notNull().default(1);
export const isText = (column: AnyPgColumn, max: number): SQL =>
  sql`char_length(${column}) <= ${sql.raw(String(max))} AND ${column} COLLATE "C" ~ '\\S'`;
export const isEmail = (column: AnyPgColumn, max: number): SQL =>
  sql`char_length(${column}) <= ${sql.raw(String(max))} AND ${column} ~ '^[^@ ]+@[^@ ]+$'`;
export const isOneOf = (column: AnyPgColumn, values: readonly string[]): SQL =>
  sql`${column} IN (${sql.raw(values.map((value) => `'${value}'`).join(", "))})`;
