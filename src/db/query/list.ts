import { type SQL, sql } from "drizzle-orm";
import type { PgColumn } from "drizzle-orm/pg-core";
import { nameKey } from "../columns.ts";
import { type Json, value } from "../statement.ts";
import type { Entry } from "./audit.ts";
import { type Caller, repeatable } from "./caller.ts";
import { isMoment, type Order, type Path, rowsOn, size, type Table } from "./index-scan.ts";
import { shown } from "./json.ts";

/** A list in pages: of which rows, in which orders, by which filters, and what is shown of each. */
export interface List {
  table: Table;
  /** A row as JSON, as it is shown. */
  json: SQL;
  /** The orders by their names, each a path through the list's own table, or several whose rows are merged; the first has its order. */
  sorts: Record<string, Path | Path[]>;
  /** Conditions by the names of the values that they need. */
  filters: Record<string, SQL>;
  /** For a filter in an order, by `filter order`: the paths that have no other rows. */
  shortcuts?: Record<string, Path | Path[]>;
  /** Names of the values between which the first column of an order is to be, when it is walked backwards. */
  span?: { from: string; to: string };
  /** Whether the caller may have the list at all; it may, when this is left out. */
  allowed?: SQL<boolean>;
  /** What is joined to the page's rows, once they have been taken. */
  join?: SQL;
  /** What is put on record, by the filters that were given; of the page's rows, which are `page`. */
  entry: (given: string[]) => Entry | null;
}

/** The place of a row in an order: what it is sorted by, unless that is its id, and its id. */
export interface Position {
  key: string | null;
  id: number;
}

/** Which page of a list. */
export interface Page {
  /** How many records it holds at most. */
  size: number;
  /** A name of the list's `sorts`; backwards with a `-` before it. */
  sort: string;
  /** The filters' values by their names; those that the list does not have are not looked at. */
  filters: Record<string, unknown>;
  /** Where the page before it ends. */
  after: Position | undefined;
}

/**
 * Pages of a list, for a caller. There is a statement for each order and each set of filters, each made once.
 *
 * @returns a function that answers with a page and with its end, when there is a `next` one; and with whether the list is
 *   `allowed` to the caller, for whom it is empty otherwise.
 */
export function list<Shape>(describe: () => List) {
  let known: List | undefined;
  const statements = new Map<string, ReturnType<typeof pageStatement>>();
  return async (caller: Caller, { size, sort, filters, after }: Page) => {
    known ??= describe();
    const of = known;
    const named = [...Object.keys(of.filters), ...Object.values(of.span ?? {})];
    const given = named.filter((name) => filters[name] !== undefined);
    const shape = [sort, ...given].join(" ");
    const statement = statements.get(shape) ?? pageStatement(of, sort, given);
    statements.set(shape, statement);
    const { key: after_key, id: after_id } = after ?? start(of, filters) ?? edge(of, sort);
    const { body, key, id, allowed } = await statement(caller, { ...filters, size, after_key, after_id });
    return { body: body as Json<Shape[]>, next: id === null ? null : { key, id }, allowed };
  };
}

type Row = { body: Json<unknown>; key: string | null; id: number | null; allowed: boolean };

function pageStatement(of: List, sort: string, given: string[]) {
  const { table, json, join = sql``, allowed = sql<boolean>`true` } = of;
  const name = nameOf(sort);
  const narrowing = given.find((filter) => of.shortcuts?.[`${filter} ${name}`]);
  const paths = [of.shortcuts?.[`${narrowing} ${name}`] ?? of.sorts[name] ?? []].flat();
  const order = orderOf(of, sort);
  const conditions = given
    .filter((filter) => filter !== narrowing)
    .flatMap((filter) => of.filters[filter] ?? []);
  const lowest =
    of.span && given.includes(of.span.from) ? sql`${value(of.span.from)}::timestamptz` : undefined;
  const end = sql`FROM taken ${table} WHERE page_position = ${size} AND EXISTS (SELECT FROM taken WHERE page_position > ${size})`;
  return repeatable<Row, Record<string, unknown>>(() => ({
    entry: of.entry(given),
    steps: {
      taken: rowsOn(table, paths, order, { backwards: isBackwards(sort), conditions, lowest, allowed }),
      page: sql`SELECT * FROM taken WHERE page_position <= ${size}`,
      shown: sql`SELECT page_position, ${json} AS json FROM page ${table} ${join}`,
    },
    row: {
      body: sql`(SELECT '[' || coalesce(string_agg(json, ',' ORDER BY page_position), '') || ']' FROM shown)`,
      key: order.length === 2 ? sql`(SELECT ${shown(order[0])} ${end})` : sql`NULL`,
      // An event's is larger than what the driver makes a number of.
      id: sql`(SELECT id::float8 ${end})`,
      allowed,
    },
  }));
}

const isBackwards = (sort: string): boolean => sort.startsWith("-");
const nameOf = (sort: string): string => sort.replace("-", "");

function orderOf({ sorts }: List, sort: string): Order {
  const [path] = [sorts[nameOf(sort)] ?? []].flat();
  if (!path) throw new Error(`There is no order ${sort}.`);
  return path.order;
}

/** The position before the rows that are older than the value of a span's `to`. */
function start({ span }: List, filters: Page["filters"]): Position | undefined {
  const to = span && filters[span.to];
  return to === undefined ? undefined : { key: String(to), id: 0 };
}

/** A position before all rows of an order, of which none can be. */
function edge(of: List, sort: string): Position {
  const backwards = isBackwards(sort);
  const [key] = orderOf(of, sort);
  const id = backwards ? BEYOND_IDS : 0;
  if (isMoment(key)) return { key: backwards ? "infinity" : "-infinity", id };
  return { key: backwards ? BEYOND_NAMES : "", id };
}
/** More than any id: of those that are `bigint` too, as far as JavaScript can count. */
const BEYOND_IDS = Number.MAX_SAFE_INTEGER;
/** More of the last of all characters than two names have. */
const BEYOND_NAMES = "\u{10FFFF}".repeat(200);

/** Whether a person's first, last or full name begins with the value `search`, whatever the case and the accents. */
export function isNamed({ first_last, last_first }: { first_last: PgColumn; last_first: PgColumn }): SQL {
  const beginning = nameKey(sql`${value("search")}::text`);
  return sql`(starts_with(${first_last}, ${beginning}) OR starts_with(${last_first}, ${beginning}))`;
}
