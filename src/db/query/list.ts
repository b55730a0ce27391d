import { type SQL, sql } from "drizzle-orm";
import { type Json, param } from "../statement.ts";
import type { AuditEventColumns } from "./audit.ts";
import type { Caller } from "./caller.ts";
import { isTimestamp } from "./json.ts";
import { definePageStatement, type SendPage } from "./list-statement.ts";

// Lists that are read page by page (keyset pagination). Each sort order in each direction is a statement of its own,
// which reads the rows after the position of the last page in the order of an index.

/** A way to read rows in the order of an index, which begins with the columns of `equals`, followed by those of the order. */
export interface IndexScan {
  from: SQL;
  /** The leading columns of the index, each with the one value that it has. */
  equals?: [column: string, value: SQL][];
  /** The columns of the index that hold the order, when the index is not one of the list's own table. */
  order?: string[];
  /** Must be true of the row or of the caller. A condition on the caller alone is evaluated once, before the scan. */
  condition?: SQL;
}

/** A sort order of a list. */
export interface Sort {
  /** The columns that rows are sorted by; the last one is unique: `["p.name_sort_key", "p.id"]`. */
  order: string[];
  /** One index scan, or several whose rows are merged. */
  scans: IndexScan[];
  /** A parameter with the earliest time in the first column of `order`: earlier rows of the index are not read. */
  sinceParam?: string;
  /**
   * For a search: the rows that the index of names finds, in any order, in place of those of the first scan. They are
   * read only when the next rows of the first scan have too few matches for a page.
   */
  namesFound?: SQL;
}

export interface ListDefinition {
  /** The beginning of the statements' names: `patients/list`. */
  name: string;
  /** The routes, for the header of the generated files. */
  routes: string;
  /** The alias of the list's table in `json`, `filters`, `join` and the scans: `p`. */
  alias: string;
  /** One row as JSON text, as the response has it. */
  json: SQL;
  /**
   * The columns that `json` and the sort orders need; all when left out. PostgreSQL copies the rows of a page twice.
   */
  columns?: readonly string[];
  /** Joined to the rows of the step `page`, after they were read. */
  join?: SQL;
  /** Steps that the others need. */
  steps?: SQL;
  /** The conditions of the filters, by the names of their parameters. Each is true when its parameter is NULL. */
  filters: Record<string, SQL>;
  /**
   * The sort orders by name. One with the name of a filter before it, `doctor id`, is used instead when the request has
   * this filter: its scans find only such rows. When there are several, the order of `filters` decides.
   */
  sorts: Record<string, Sort>;
  /** Filters whose rows the same scans find, each with the name that stands in `sorts` for it: `contact id`. */
  filterGroups?: Record<string, string>;
  /** Which directions the list has; both when left out. */
  directions?: ("" | "-")[];
  /**
   * The names of the parameters that bound the first sort column, where that is a time (from inclusive, to exclusive). Rows
   * outside are not read.
   */
  timeRange?: { fromParam: string; toParam: string };
  /** Whether the caller may read the list at all; true when left out. */
  isAllowed?: SQL<boolean>;
  /** The column `successor` (successor.ts), for a list that belongs to a patient; `steps` has its step. */
  successor?: SQL;
  /** Whether auditors may read the list; only when `isAllowed` says so too. */
  acceptsAuditors?: boolean;
  /** The audit event, and on which condition there is one; none when left out. The rows are those of the step `page`. */
  auditEvent?: { columns: AuditEventColumns; condition?: SQL };
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
 * Defines a list, with a statement for each sort order and direction.
 *
 * @returns a function that reads one page: its `body`, the position of its last record when there is a `next` page,
 *   and whether the caller may read the list (`isAllowed`). It is empty otherwise; `successor` is that of a merged
 *   patient.
 */
export function defineList<Shape>(list: ListDefinition) {
  const statements = new Map<string, SendPage>();
  for (const [name, sort] of Object.entries(list.sorts))
    for (const direction of list.directions ?? ["", "-"])
      statements.set(`${direction}${name}`, definePageStatement(list, name, sort, direction === "-"));
  const names = [...Object.keys(list.filters), ...Object.values(list.timeRange ?? {})];
  const withoutFilters = Object.fromEntries(names.map((name) => [name, null]));
  return async (caller: Caller, { size, sort, filters, after }: PageRequest) => {
    const name = statementName(list, sort, filters);
    const readPage = statements.get(name);
    if (!readPage) throw new Error(`There is no sort order ${name}.`);
    const position = after ?? startPosition(list, name, filters);
    const { body, key, id, isAllowed, successor } = await readPage(caller, {
      ...withoutFilters,
      ...Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== undefined)),
      size,
      after_key: position.key,
      after_id: position.id,
    });
    return { body: body as Json<Shape[]>, next: id === null ? null : { key, id }, isAllowed, successor };
  };
}

/** Sort orders for requests with a filter, as `sorts` has them: `contact id`. Their scans find only such rows. */
export const sortsOfFilter = (filter: string, sorts: Record<string, Sort>): Record<string, Sort> =>
  Object.fromEntries(Object.entries(sorts).map(([name, sort]) => [`${filter} ${name}`, sort]));

/** The same sort orders for requests with the filter `search`. */
export const sortsOfSearch = (sorts: Record<string, Sort>, namesFound: SQL): Record<string, Sort> =>
  Object.fromEntries(
    Object.entries(sorts).map(([name, sort]) => [`search ${name}`, { ...sort, namesFound }]),
  );

/** The first sort order of the request's filters, or else that without a filter. */
function statementName(
  { sorts, filters: known, filterGroups = {} }: ListDefinition,
  sort: string,
  filters: object,
): string {
  const [direction, order] = sort.startsWith("-") ? ["-", sort.slice(1)] : ["", sort];
  const filter = Object.keys(known)
    .filter((name) => filters[name as keyof object] !== undefined)
    .map((name) => filterGroups[name] ?? name)
    .find((name) => sorts[`${name} ${order}`]);
  return `${direction}${filter ? `${filter} ` : ""}${order}`;
}

/** A position before all rows of a sort order, or of its time range. */
function startPosition(
  { sorts, timeRange }: ListDefinition,
  name: string,
  filters: PageRequest["filters"],
): PagePosition {
  const isBackwards = name.startsWith("-");
  const [key = "", ...more] = sorts[name.replace(/^-/, "")]?.order ?? [];
  const id = isBackwards ? ABOVE_ALL_IDS : 0;
  if (more.length === 0) return { key: null, id };
  const rangeEnd = timeRange && isBackwards && filters[timeRange.toParam];
  if (isTimestamp(key) && rangeEnd) return { key: String(rangeEnd), id: 0 };
  if (isTimestamp(key)) return { key: isBackwards ? "infinity" : "-infinity", id };
  return { key: isBackwards ? ABOVE_ALL_NAMES : "", id };
}

/** Larger than every id. Ids of audit events are `bigint`; JavaScript is exact up to this number. */
const ABOVE_ALL_IDS = Number.MAX_SAFE_INTEGER;
/** Sorts after every name: it begins with the highest code point. */
const ABOVE_ALL_NAMES = "\u{10FFFF}".repeat(200);

const search = sql`${param("search")}::text`;

/**
 * The step `search`: what the parameter `search` looks for in `name_tokens`, computed once and not for each row. With a
 * `scope`, also what it looks for in the index of `patient_name_tokens`, whose tokens begin with it.
 */
export const searchStep = (scope?: SQL): SQL => sql`search AS (
    SELECT name_query('', ${search}) AS query${scope && sql`, name_query(${scope}, ${search}) AS scoped_query`}
  )`;

/** Whether each word of the parameter `search` begins a word of the name of `alias` (drizzle/0020_name_search.sql). */
export const matchesName = (alias: string): SQL => sql`(${search} IS NULL
    OR ${sql.raw(alias)}.name_tokens @@ (SELECT query FROM search))`;

/**
 * Joins the row of `table` with the id `foreignKey`, as `alias`. It is looked up for each row of the scan in turn
 * (`OFFSET 0` keeps the planner from reordering the join), so that the rows keep their order.
 */
export const lateralJoin = (table: string, alias: string, foreignKey: string): SQL =>
  sql.raw(`JOIN LATERAL (SELECT * FROM ${table} WHERE id = ${foreignKey} OFFSET 0) ${alias} ON true`);
