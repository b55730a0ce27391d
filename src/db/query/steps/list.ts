import { type SQL, sql } from "drizzle-orm";
import type { PgColumn } from "drizzle-orm/pg-core";
import { nameSearchKey } from "../../columns.ts";
import type { AuditEventColumns } from "./audit.ts";
import { authenticatedRetryable, type Caller, withoutRecheck } from "./caller.ts";
import { type IndexScan, pageRows, pageSize, type SortColumns, type TableWithId } from "./index-scan.ts";
import { isTimestamp, responseColumn } from "./json.ts";
import { type Json, param } from "./statement.ts";

/** A list that is read page by page (keyset pagination). */
export interface ListDefinition {
  table: TableWithId;
  /** One row as JSON text, as the response has it. */
  json: SQL;
  /**
   * The sort orders by name: one index scan of the list's table, or several whose rows are merged in the order of the
   * first.
   */
  sorts: Record<string, IndexScan | IndexScan[]>;
  /** Conditions by the names of the parameters that they use. */
  filters: Record<string, SQL>;
  /** Index scans for one filter in one sort order, by `filter sort`. They replace the filter's condition. */
  filterIndexes?: Record<string, IndexScan | IndexScan[]>;
  /**
   * The names of the parameters that bound the first sort column (from inclusive, to exclusive), for a list that is
   * read backwards.
   */
  timeRange?: { fromParam: string; toParam: string };
  /** Whether the caller may read the list at all; true when left out. */
  isAllowed?: SQL<boolean>;
  /** Joined to the rows of the step `page`, after they were read. */
  join?: SQL;
  /** The audit event, given the names of the filters in use. The rows are those of the step `page`. */
  auditEvent: (filters: string[]) => AuditEventColumns | null;
}

/** The position of a row: its sort key (null when the list is sorted by id) and its id. */
export interface PagePosition {
  key: string | null;
  id: number;
}

/** Which page of a list is read. */
export interface PageRequest {
  /** The highest number of records. */
  size: number;
  /** A name of `sorts`, with a `-` before it for backwards. */
  sort: string;
  /** The values of the filters by name. Names that the list does not have are ignored. */
  filters: Record<string, unknown>;
  /** The position of the last record of the page before; `undefined` for the first page. */
  after: PagePosition | undefined;
}

/**
 * Defines a list. It has one statement for each sort order and set of filters, built when it is first needed.
 *
 * @param describe returns the definition; called at most once.
 * @returns a function that reads one page: its `body`, the position of its last record when there is a `next` page,
 *   and whether the caller may read the list (`isAllowed`). It is empty otherwise.
 */
export function defineList<Shape>(describe: () => ListDefinition) {
  let definition: ListDefinition | undefined;
  const statements = new Map<string, ReturnType<typeof pageStatement>>();
  return async (caller: Caller, { size, sort, filters, after }: PageRequest) => {
    definition ??= describe();
    const list = definition;
    const names = [...Object.keys(list.filters), ...Object.values(list.timeRange ?? {})];
    const filterNames = names.filter((name) => filters[name] !== undefined);
    const statementKey = [sort, ...filterNames].join(" ");
    const statement = statements.get(statementKey) ?? pageStatement(list, sort, filterNames);
    statements.set(statementKey, statement);
    const position = after ?? timeRangeStart(list, filters) ?? startPosition(list, sort);
    const values = { ...filters, size, after_key: position.key, after_id: position.id };
    const { body, key, id, isAllowed } = await statement(caller, values);
    return { body: body as Json<Shape[]>, next: id === null ? null : { key, id }, isAllowed };
  };
}

type PageRow = { body: Json<unknown>; key: string | null; id: number | null; isAllowed: boolean };

function pageStatement(list: ListDefinition, sort: string, filterNames: string[]) {
  const { table, json, join = sql``, isAllowed = sql<boolean>`true` } = list;
  const name = sortName(sort);
  const indexedFilter = filterNames.find((filter) => list.filterIndexes?.[`${filter} ${name}`]);
  const scans = [list.filterIndexes?.[`${indexedFilter} ${name}`] ?? list.sorts[name] ?? []].flat();
  const order = sortColumns(list, sort);
  const conditions = filterNames
    .filter((filter) => filter !== indexedFilter)
    .flatMap((filter) => list.filters[filter] ?? []);
  const { fromParam } = list.timeRange ?? {};
  const hasLowerBound = fromParam && filterNames.includes(fromParam);
  const lowerBound = hasLowerBound ? sql`${param(fromParam)}::timestamptz` : undefined;
  const options = { backwards: isBackwards(sort), conditions, lowerBound, isAllowed };
  const lastRow = sql`FROM page_and_next ${table} WHERE page_position = ${pageSize}
    AND EXISTS (SELECT FROM page_and_next WHERE page_position > ${pageSize})`;
  return authenticatedRetryable<PageRow, Record<string, unknown>>(() => ({
    auditEvent: list.auditEvent(filterNames),
    revoked: withoutRecheck,
    steps: {
      page_and_next: pageRows(table, scans, order, options),
      page: sql`SELECT * FROM page_and_next WHERE page_position <= ${pageSize}`,
      page_json: sql`SELECT page_position, ${json} AS json FROM page ${table} ${join}`,
    },
    row: {
      body: sql`(SELECT '[' || coalesce(string_agg(json, ',' ORDER BY page_position), '') || ']' FROM page_json)`,
      key: order.length === 2 ? sql`(SELECT ${responseColumn(order[0])} ${lastRow})` : sql`NULL`,
      // The driver returns a bigint, which the id of an audit event is, as a string, and a float8 as a number.
      id: sql`(SELECT id::float8 ${lastRow})`,
      isAllowed,
    },
  }));
}

const isBackwards = (sort: string): boolean => sort.startsWith("-");
const sortName = (sort: string): string => sort.replace("-", "");

function sortColumns({ sorts }: ListDefinition, sort: string): SortColumns {
  const [scan] = [sorts[sortName(sort)] ?? []].flat();
  if (!scan) throw new Error(`There is no sort order ${sort}.`);
  return scan.order;
}

/** The position where the time range begins. The list is read backwards, so that is the end of the range. */
function timeRangeStart(
  { timeRange }: ListDefinition,
  filters: PageRequest["filters"],
): PagePosition | undefined {
  const to = timeRange && filters[timeRange.toParam];
  return to === undefined ? undefined : { key: String(to), id: 0 };
}

/** A position before all rows of a sort order. */
function startPosition(list: ListDefinition, sort: string): PagePosition {
  const backwards = isBackwards(sort);
  const [key] = sortColumns(list, sort);
  const id = backwards ? ABOVE_ALL_IDS : 0;
  if (isTimestamp(key)) return { key: backwards ? "infinity" : "-infinity", id };
  return { key: backwards ? ABOVE_ALL_NAMES : "", id };
}
/**
 * Larger than every id. Ids of audit events are `bigint`; JavaScript is exact up to this number.
 */
const ABOVE_ALL_IDS = Number.MAX_SAFE_INTEGER;
/** Sorts after every name: the highest code point, 200 times. Two names have at most 129 characters. */
const ABOVE_ALL_NAMES = "\u{10FFFF}".repeat(200);

/** Whether a person's first, last or full name begins with the parameter `search`, ignoring case and accents. */
export function matchesName({ first_last, last_first }: { first_last: PgColumn; last_first: PgColumn }): SQL {
  const prefix = nameSearchKey(sql`${param("search")}::text`);
  return sql`(starts_with(${first_last}, ${prefix}) OR starts_with(${last_first}, ${prefix}))`;
}
