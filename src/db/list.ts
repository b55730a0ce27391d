import { type SQL, sql } from "drizzle-orm";
import type { PgColumn, PgTable } from "drizzle-orm/pg-core";
import type { Entry } from "./audit.ts";
import { type Caller, repeatable } from "./caller.ts";
import { nameKey } from "./columns.ts";
import { shown } from "./json.ts";
import { type Json, value } from "./statement.ts";

type Table = PgTable & { id: PgColumn };

/** A way through a table, in order, by one index: its `fixed` columns, each with its one value, then those of `order`. */
export interface Path {
  table: Table;
  fixed?: [column: PgColumn | SQL, value: SQL][];
  /** One that is unique, or one that is not and one that is. */
  order: [PgColumn] | [PgColumn, PgColumn];
  /** How the list's rows are found by those of another table. */
  join?: SQL;
  /** Where no index has the order: the rows, gathered beforehand, to be sorted. */
  gathered?: SQL;
  /** What else has to be true, of the rows or of the caller: of several ways, the one that is taken. */
  when?: SQL | undefined;
}

/** A list in pages: of which rows, in which orders, by which filters, and what is shown of each. */
interface List {
  table: Table;
  /** A row as JSON, as it is shown. */
  json: SQL;
  /** The orders by their names, each a path through the list's own table. */
  sorts: Record<string, Path | Path[]>;
  /** Conditions by the names of the values that they need. */
  filters: Record<string, SQL>;
  /** For a filter in an order, by `filter order`: the path that has no other rows. */
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
export function list<Shape>(of: List) {
  const statements = new Map<string, ReturnType<typeof pageStatement>>();
  return async (caller: Caller, { size, sort, filters, after }: Page) => {
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

function pageStatement({ table, json, join = sql``, ...of }: List, sort: string, given: string[]) {
  const name = sort.replace("-", "");
  const narrowing = given.find((filter) => of.shortcuts?.[`${filter} ${name}`]);
  const paths = [of.shortcuts?.[`${narrowing} ${name}`] ?? of.sorts[name] ?? []].flat();
  const [path] = paths;
  if (!path) throw new Error(`There is no order ${name}.`);
  const conditions = given
    .filter((filter) => filter !== narrowing)
    .flatMap((filter) => of.filters[filter] ?? []);
  const lowest =
    of.span && given.includes(of.span.from) ? sql`${value(of.span.from)}::timestamptz` : undefined;
  const allowed = of.allowed ?? sql<boolean>`true`;
  const rows = paths.map((one) => {
    const { rest, order } = walk(one, sort.startsWith("-"), lowest);
    return sql`(
      SELECT ${table}.*, row_number() OVER (ORDER BY ${order}) AS page_position
      FROM ${one.gathered ?? one.table} ${one.join}
      WHERE ${rest} ${matching(conditions)} AND ${one.when ?? sql`true`} AND ${allowed}
      ORDER BY ${order} LIMIT ${size} + 1)`;
  });
  const end = sql`FROM taken ${table} WHERE page_position = ${size} AND EXISTS (SELECT FROM taken WHERE page_position > ${size})`;
  return repeatable<Row, Record<string, unknown>>(
    of.entry(given),
    {
      taken: sql.join(rows, sql` UNION ALL `),
      page: sql`SELECT * FROM taken WHERE page_position <= ${size}`,
      shown: sql`SELECT page_position, ${json} AS json FROM page ${table} ${join}`,
    },
    {
      body: sql`(SELECT '[' || coalesce(string_agg(json, ',' ORDER BY page_position), '') || ']' FROM shown)`,
      key: path.order.length === 2 ? sql`(SELECT ${shown(path.order[0])} ${end})` : sql`NULL`,
      // An event's is larger than what the driver makes a number of.
      id: sql`(SELECT id::float8 ${end})`,
      allowed,
    },
  );
}
const size = sql`${value("size")}::int`;

/**
 * A condition that PostgreSQL cannot look into, and takes for true of every second row. Of one that it thinks true of few, it
 * would read all rows by some other index and sort those few: it may think wrong, and they may be many.
 */
const opaque = (condition: SQL): SQL => sql`CASE WHEN ${condition} THEN true ELSE false END`;
const matching = (conditions: SQL[]): SQL =>
  conditions.length === 0 ? sql`` : sql`AND ${opaque(sql.join(conditions, sql` AND `))}`;

/**
 * The `rest` of a path, after a position, and its order. As a comparison of rows, for only the index on just these columns can
 * answer that, in order; and with a caller whom PostgreSQL does not know when it plans: it then expects many rows,
 * and takes that index, however wrong its statistics of this caller are.
 */
function walk({ fixed = [], order }: Path, backwards: boolean, lowest?: SQL) {
  const list = (parts: (SQL | PgColumn)[]) => sql.join(parts, sql`, `);
  const [columns, values] = [fixed.map(([column]) => column), fixed.map(([, value]) => value)];
  const place = [...(order.length === 2 ? [keyAfter(order[0])] : []), sql`${value("after_id")}::bigint`];
  const [beyond, within, way] = backwards ? [sql`<`, sql`>=`, sql` DESC`] : [sql`>`, sql`<=`, sql``];
  const all = [...columns, ...order];
  const sorted = list(all.map((column) => sql`${column}${way}`));
  const bounds = lowest
    ? [list([...columns, order[0]]), list([...values, lowest])]
    : [list(columns), list(values)];
  const limits = columns.length > 0 || lowest ? sql`AND (${bounds[0]}) ${within} (${bounds[1]})` : sql``;
  const rest = sql`(${list(all)}) ${beyond} (${list([...values, ...place])}) ${limits}`;
  return { rest, order: sorted };
}

const isMoment = (column: PgColumn): boolean => column.getSQLType().startsWith("timestamp");
const keyAfter = (column: PgColumn): SQL =>
  isMoment(column) ? sql`${value("after_key")}::timestamptz` : sql`${value("after_key")}::text`;

/** The position before the rows that are older than the value of a span's `to`. */
function start({ span }: List, filters: Page["filters"]): Position | undefined {
  const to = span && filters[span.to];
  return to === undefined ? undefined : { key: String(to), id: 0 };
}

/** A position before all rows of an order, of which none can be. */
function edge({ sorts }: List, sort: string): Position {
  const backwards = sort.startsWith("-");
  const [path] = [sorts[sort.replace("-", "")] ?? []].flat();
  const [key] = path?.order ?? [];
  const id = backwards ? BEYOND_IDS : 0;
  if (key && isMoment(key)) return { key: backwards ? "infinity" : "-infinity", id };
  return { key: backwards ? BEYOND_NAMES : "", id };
}
/** More than any id: of those that are `bigint` too, as far as JavaScript can count. */
const BEYOND_IDS = Number.MAX_SAFE_INTEGER;
/** More of the last of all characters than two names have. */
const BEYOND_NAMES = "\u{10FFFF}".repeat(200);

/** The row of `table` that `reference` names, looked up for each of a path's rows in turn, so that these keep their order. */
export const joined = (table: Table, reference: PgColumn, condition = sql`true`): SQL =>
  sql`JOIN LATERAL (SELECT * FROM ${table} WHERE ${table.id} = ${reference} OFFSET 0) ${table} ON ${opaque(condition)}`;

/** Whether a person's first, last or full name begins with the value `search`, whatever the case and the accents. */
export function isNamed({ first_last, last_first }: { first_last: PgColumn; last_first: PgColumn }): SQL {
  const beginning = nameKey(sql`${value("search")}::text`);
  return sql`(starts_with(${first_last}, ${beginning}) OR starts_with(${last_first}, ${beginning}))`;
}
