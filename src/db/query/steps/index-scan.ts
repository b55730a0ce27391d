import { type SQL, sql } from "drizzle-orm";
import type { PgColumn, PgTable } from "drizzle-orm/pg-core";
import { isTimestamp } from "./json.ts";
import { intParam, param } from "./statement.ts";

// Keyset pagination: how the rows of one page are read, in order, by one index scan that begins after the last row of
// the page before.

export type TableWithId = PgTable & { id: PgColumn };

/** The columns that rows are sorted by: a unique column, or a column with duplicates followed by a unique one. */
export type SortColumns = [PgColumn] | [PgColumn, PgColumn];

/**
 * An index scan that reads rows in order. The index begins with the columns of `equals`, followed by those of
 * `order`.
 */
export interface IndexScan {
  table: TableWithId;
  /** The leading columns of the index, each with the one value that it has. */
  equals?: [column: PgColumn | SQL, value: SQL][];
  order: SortColumns;
  /** Joins the rows of the list's table, when `table` is another one. See `lateralJoin`. */
  join?: SQL;
  /** Replaces `table` where no index has the order: a subquery whose rows are sorted. */
  subquery?: SQL;
  /** Must be true of the row or of the caller. A condition on the caller alone is evaluated once, before the scan. */
  condition?: SQL | undefined;
}

/** Which rows of an index scan are read. */
interface ScanOptions {
  backwards: boolean;
  /** Filters: conditions on the row. */
  conditions: SQL[];
  /** The start of the time range: the smallest value of the first sort column. */
  lowerBound?: SQL | undefined;
  /** Whether the caller may read the list at all. */
  isAllowed: SQL;
}

/** How many records a page has at most: 1 to 200. */
export const pageSize = intParam("size");

/**
 * The next rows of the list's `table`, one more than a page holds, numbered by `page_position`. Each of several index
 * scans reads that many rows. The first of all these rows, in `order`, are returned; a row found by two scans is
 * returned once.
 */
export function pageRows(
  table: TableWithId,
  scans: IndexScan[],
  order: SortColumns,
  options: ScanOptions,
): SQL {
  const [scan, ...others] = scans;
  if (scan && others.length === 0) return scanRows(table, scan, options, true);
  const orderTerms = orderBy(order, options.backwards);
  return sql`
    SELECT ${table}.*, row_number() OVER (ORDER BY ${orderTerms}) AS page_position FROM (
      SELECT DISTINCT ON (${commaList(order)}) * FROM (${sql.join(
        scans.map((one) => sql`(${scanRows(table, one, options)})`),
        sql` UNION ALL `,
      )}) ${table}
      ORDER BY ${orderTerms} LIMIT ${pageSize} + 1) ${table}`;
}

function scanRows(table: TableWithId, scan: IndexScan, options: ScanOptions, isNumbered = false): SQL {
  const { range, orderTerms } = scanRange(scan, options);
  const position = isNumbered ? sql`, row_number() OVER (ORDER BY ${orderTerms}) AS page_position` : sql``;
  return sql`
    SELECT ${table}.*${position}
    FROM ${scan.subquery ?? scan.table} ${scan.join}
    WHERE ${range} ${filterCondition(options.conditions)} AND ${scan.condition ?? sql`true`} AND ${options.isAllowed}
    ORDER BY ${orderTerms} LIMIT ${pageSize} + 1`;
}

const commaList = (parts: (SQL | PgColumn)[]): SQL => sql.join(parts, sql`, `);
const orderBy = (columns: (SQL | PgColumn)[], backwards: boolean): SQL =>
  commaList(columns.map((column) => (backwards ? sql`${column} DESC` : sql`${column}`)));

/**
 * The range of the index after the position of the last page, and the order. It is written as a comparison of rows,
 * which only the index on exactly these columns can answer in order. The caller's id is a subquery, so that the
 * planner does not know its value: it then expects many rows and takes that index, however wrong its statistics of
 * this caller are. Shown by test/db/plans.test.ts with stale statistics.
 */
function scanRange({ equals = [], order }: IndexScan, { backwards, lowerBound }: ScanOptions) {
  const [columns, values] = [equals.map(([column]) => column), equals.map(([, value]) => value)];
  const position = [...(order.length === 2 ? [afterKey(order[0])] : []), sql`${param("after_id")}::bigint`];
  const [after, within] = backwards ? [sql`<`, sql`>=`] : [sql`>`, sql`<=`];
  const allColumns = [...columns, ...order];
  const [boundColumns, boundValues] = lowerBound
    ? [commaList([...columns, order[0]]), commaList([...values, lowerBound])]
    : [commaList(columns), commaList(values)];
  const isBounded = columns.length > 0 || lowerBound;
  const bound = isBounded ? sql`AND (${boundColumns}) ${within} (${boundValues})` : sql``;
  const range = sql`(${commaList(allColumns)}) ${after} (${commaList([...values, ...position])}) ${bound}`;
  return { range, orderTerms: orderBy(allColumns, backwards) };
}

const afterKey = (column: PgColumn): SQL =>
  isTimestamp(column) ? sql`${param("after_key")}::timestamptz` : sql`${param("after_key")}::text`;

/**
 * Hides a condition from the planner, which then assumes that half of the rows satisfy it. If it expected few rows, it
 * would read all rows by another index and sort the matches. When the estimate is wrong, there are many. Shown by
 * test/db/plans.test.ts.
 */
export const hideFromPlanner = (condition: SQL): SQL => sql`CASE WHEN ${condition} THEN true ELSE false END`;
const filterCondition = (conditions: SQL[]): SQL =>
  conditions.length === 0 ? sql`` : sql`AND ${hideFromPlanner(sql.join(conditions, sql` AND `))}`;

/**
 * Joins the row of `table` with the id `foreignKey`. It is looked up for each row of the scan in turn (`OFFSET 0`
 * keeps the planner from reordering the join), so that the rows keep their order.
 */
export const lateralJoin = (table: TableWithId, foreignKey: PgColumn, condition = sql`true`): SQL =>
  sql`JOIN LATERAL (SELECT * FROM ${table} WHERE ${table.id} = ${foreignKey} OFFSET 0) ${table} ON ${hideFromPlanner(condition)}`;
