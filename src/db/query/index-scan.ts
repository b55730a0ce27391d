import { type SQL, sql } from "drizzle-orm";
import type { PgColumn, PgTable } from "drizzle-orm/pg-core";
import { value } from "../statement.ts";

// How a page's rows are found: list.ts makes pages of them.

export type Table = PgTable & { id: PgColumn };

/** What rows are sorted by: one column that is unique, or one that is not and one that is. */
export type Order = [PgColumn] | [PgColumn, PgColumn];

/** A way through a table, in order, by one index: its `fixed` columns, each with its one value, then those of `order`. */
export interface Path {
  table: Table;
  fixed?: [column: PgColumn | SQL, value: SQL][];
  order: Order;
  /** How the list's rows are found by those of another table. */
  join?: SQL;
  /** Where no index has the order: the rows, gathered beforehand, to be sorted. */
  gathered?: SQL;
  /** What else has to be true, of the rows or of the caller: who has nothing on this path does not walk it. */
  when?: SQL | undefined;
}

/** How paths are walked: which of their rows are taken. */
export interface Walk {
  backwards: boolean;
  /** What the rows have to be, beside being on the path. */
  conditions: SQL[];
  /** How far down the first column of the order it goes. */
  lowest?: SQL | undefined;
  /** Whether the caller may have any of them. */
  allowed: SQL;
}

export const size = sql`${value("size")}::int`;

/**
 * The next rows of a list's `table` on some paths, one more than a page holds, with a `page_position`. Of several paths each
 * gives as many, in order, and the first of them all in the list's `order` are taken; a row that is on two of them, once.
 */
export function rowsOn(table: Table, paths: Path[], order: Order, how: Walk): SQL {
  const [path, ...others] = paths;
  if (path && others.length === 0) return rowsOf(table, path, how, true);
  const sorted = sortedBy(order, how.backwards);
  return sql`
    SELECT ${table}.*, row_number() OVER (ORDER BY ${sorted}) AS page_position FROM (
      SELECT DISTINCT ON (${listed(order)}) * FROM (${sql.join(
        paths.map((one) => sql`(${rowsOf(table, one, how)})`),
        sql` UNION ALL `,
      )}) ${table}
      ORDER BY ${sorted} LIMIT ${size} + 1) ${table}`;
}

function rowsOf(table: Table, path: Path, how: Walk, numbered = false): SQL {
  const { rest, sorted } = walk(path, how);
  const position = numbered ? sql`, row_number() OVER (ORDER BY ${sorted}) AS page_position` : sql``;
  return sql`
    SELECT ${table}.*${position}
    FROM ${path.gathered ?? path.table} ${path.join}
    WHERE ${rest} ${matching(how.conditions)} AND ${path.when ?? sql`true`} AND ${how.allowed}
    ORDER BY ${sorted} LIMIT ${size} + 1`;
}

const listed = (parts: (SQL | PgColumn)[]): SQL => sql.join(parts, sql`, `);
const sortedBy = (columns: (SQL | PgColumn)[], backwards: boolean): SQL =>
  listed(columns.map((column) => (backwards ? sql`${column} DESC` : sql`${column}`)));

/**
 * The `rest` of a path, after a position, and its order. As a comparison of rows, for only the index on just these columns can
 * answer that, in order; and with a caller whom PostgreSQL does not know when it plans: it then expects many rows,
 * and takes that index, however wrong its statistics of this caller are.
 */
function walk({ fixed = [], order }: Path, { backwards, lowest }: Walk) {
  const [columns, values] = [fixed.map(([column]) => column), fixed.map(([, value]) => value)];
  const place = [...(order.length === 2 ? [keyAfter(order[0])] : []), sql`${value("after_id")}::bigint`];
  const [beyond, within] = backwards ? [sql`<`, sql`>=`] : [sql`>`, sql`<=`];
  const all = [...columns, ...order];
  const bounds = lowest
    ? [listed([...columns, order[0]]), listed([...values, lowest])]
    : [listed(columns), listed(values)];
  const limits = columns.length > 0 || lowest ? sql`AND (${bounds[0]}) ${within} (${bounds[1]})` : sql``;
  const rest = sql`(${listed(all)}) ${beyond} (${listed([...values, ...place])}) ${limits}`;
  return { rest, sorted: sortedBy(all, backwards) };
}

export const isMoment = (column: PgColumn): boolean => column.getSQLType().startsWith("timestamp");
const keyAfter = (column: PgColumn): SQL =>
  isMoment(column) ? sql`${value("after_key")}::timestamptz` : sql`${value("after_key")}::text`;

/**
 * A condition that PostgreSQL cannot look into, and takes for true of every second row. Of one that it thinks true of few, it
 * would read all rows by some other index and sort those few: it may think wrong, and they may be many.
 */
export const opaque = (condition: SQL): SQL => sql`CASE WHEN ${condition} THEN true ELSE false END`;
const matching = (conditions: SQL[]): SQL =>
  conditions.length === 0 ? sql`` : sql`AND ${opaque(sql.join(conditions, sql` AND `))}`;

/** The row of `table` that `reference` names, looked up for each of a path's rows in turn, so that these keep their order. */
export const joined = (table: Table, reference: PgColumn, condition = sql`true`): SQL =>
  sql`JOIN LATERAL (SELECT * FROM ${table} WHERE ${table.id} = ${reference} OFFSET 0) ${table} ON ${opaque(condition)}`;
