import { type SQL, sql } from "drizzle-orm";
import { intParam, param } from "../statement.ts";
import { columnNames, isTimestamp } from "./json.ts";
import type { IndexScan, ListDefinition, Sort } from "./list.ts";

// The index scans that find the rows of a page (list-statement.ts).

/** How many records a page has at most: 1 to 200. */
export const pageSize = intParam("size");
const afterId = sql`${param("after_id")}::bigint`;

/** The names of the columns without their aliases. */
export const bareColumns = (order: string[]): string[] => order.map((column) => column.replace(/^\w+\./, ""));
export const orderBy = (columns: string[], isBackwards: boolean): SQL =>
  sql.raw(columns.map((column) => (isBackwards ? `${column} DESC` : column)).join(", "));

/** An index scan of a sort order. */
type OrderedScan = IndexScan & Pick<Sort, "order" | "sinceParam">;

const onePageAndNext = sql`${pageSize} + 1`;

/**
 * The next rows, one more than a page holds. Each of several index scans reads that many rows, and the first of all of
 * them are returned; a row found by two scans is returned once.
 */
export function pageRows(list: ListDefinition, sort: Sort, filters: SQL[], isBackwards: boolean): SQL {
  const { scans, namesFound } = sort;
  const rows = scans.map((scan) => scanRows(list, { ...sort, ...scan }, filters, isBackwards));
  if (namesFound) rows.splice(0, 1, nextMatches(list), foundRows(list, sort, filters, isBackwards));
  const columns = bareColumns(sort.order);
  if (rows.length === 1) return sql.join(rows);
  return sql`SELECT DISTINCT ON (${sql.raw(columns.join(", "))}) * FROM (
        (
          ${sql.join(
            rows,
            sql`
        )
        UNION ALL
        (
          `,
          )}
        )
      ) merged
      ORDER BY ${orderBy(columns, isBackwards)} LIMIT ${onePageAndNext}`;
}

/**
 * How many of the next rows a search reads before it asks the index of names. It takes 3 ms. A name that 2 % of the
 * records have fills a page of 50; of a rarer one, the index finds few enough to sort (docs/decisions/0014-name-search.md).
 */
const NEXT_ROWS = sql.raw("3000");

/** The step `next_matches` of a search: the matches among the next rows of the first scan. */
export function nextMatchesStep(list: ListDefinition, sort: Sort, filters: SQL[], isBackwards: boolean): SQL {
  const { order, scans } = sort;
  const [first] = scans as [IndexScan];
  return sql`next_matches AS MATERIALIZED (
    SELECT ${selectedColumns(list)}
    FROM (
      ${scanRows({ ...list, columns: ["*"] }, { ...sort, ...first }, [], isBackwards, NEXT_ROWS)}
    ) ${sql.raw(list.alias)}
    WHERE ${sql.join(filters, sql`\n AND `)}
    ORDER BY ${orderBy(bareColumns(order), isBackwards)} LIMIT ${onePageAndNext}
  )`;
}

const nextMatches = ({ alias }: ListDefinition): SQL => sql`SELECT * FROM next_matches ${sql.raw(alias)}`;

/** The rows that the index of names finds, when the next matches do not fill the page. They are sorted. */
function foundRows(list: ListDefinition, sort: Sort, filters: SQL[], isBackwards: boolean): SQL {
  const { scans, namesFound = sql`` } = sort;
  const [first] = scans as [IndexScan];
  const isPageOpen = sql`(SELECT count(*) FROM next_matches) <= ${pageSize}`;
  const condition = first.condition ? sql`${isPageOpen} AND ${first.condition}` : isPageOpen;
  const otherFilters = filters.filter((filter) => filter !== list.filters["search"]);
  return scanRows(list, { ...sort, ...first, from: namesFound, condition }, otherFilters, isBackwards);
}

const selectedColumns = ({ alias, columns = ["*"] }: ListDefinition): SQL =>
  columnNames(columns, `${alias}.`);

function scanRows(
  list: ListDefinition,
  scan: OrderedScan,
  filters: SQL[],
  isBackwards: boolean,
  limit = onePageAndNext,
): SQL {
  const conditions = [
    ...(scan.condition ? [scan.condition] : []),
    pageRange(scan, list.timeRange, isBackwards),
    ...filters,
    ...(list.isAllowed ? [list.isAllowed] : []),
  ];
  const columns = [...(scan.equals ?? []).map(([column]) => column), ...scan.order];
  return sql`SELECT ${selectedColumns(list)}
      FROM ${scan.from}
      WHERE ${sql.join(conditions, sql`\n AND `)}
      ORDER BY ${orderBy(columns, isBackwards)} LIMIT ${limit}`;
}

/**
 * The range of the index after the last page and within the time range. It is a comparison of rows, which begin with
 * the columns of `equals`, and so does ORDER BY: only the index on exactly these columns has the order. With
 * `owner_id = …` PostgreSQL may take another index that begins with `owner_id`, and filter all rows of the owner, when
 * its statistics are old. Shown by test/db/plans.test.ts.
 */
function pageRange(
  { equals = [], order, sinceParam }: OrderedScan,
  timeRange: ListDefinition["timeRange"],
  isBackwards: boolean,
): SQL {
  const [key = "", id] = order;
  const range = isTimestamp(key) ? timeRange : undefined;
  const fromParam = range?.fromParam ?? sinceParam;
  const values = equals.map(([, value]) => value);
  const columns = equals.map(([column]) => column);
  const afterKey = sql`${param("after_key")}::${sql.raw(isTimestamp(key) ? "timestamptz" : "text")}`;
  const from = fromParam && timestamp(fromParam);
  const startKey = from && !isBackwards ? sql`greatest(${afterKey}, ${from})` : afterKey;
  const position = id === undefined ? [afterId] : [startKey, afterId];
  const after = isBackwards ? sql`<` : sql`>`;
  const start = sql`${row([...columns, ...order])} ${after} ${row([...values, ...position])}`;
  const end = isBackwards
    ? { within: sql`>=`, bound: from && sql`coalesce(${from}, '-infinity')` }
    : range
      ? { within: sql`<`, bound: sql`coalesce(${timestamp(range.toParam)}, 'infinity')` }
      : { within: sql`<=` };
  const [boundColumns, boundValues] = end.bound
    ? [
        [...columns, key],
        [...values, end.bound],
      ]
    : [columns, values];
  return boundColumns.length === 0
    ? start
    : sql`${start}\n AND ${row(boundColumns)} ${end.within} ${row(boundValues)}`;
}

const timestamp = (name: string): SQL => sql`${param(name)}::timestamptz`;

/** A row of values; one value alone without brackets. */
function row(parts: (string | SQL)[]): SQL {
  const list = sql.join(
    parts.map((part) => (typeof part === "string" ? sql.raw(part) : part)),
    sql`, `,
  );
  return parts.length === 1 ? list : sql`(${list})`;
}
