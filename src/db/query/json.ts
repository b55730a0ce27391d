import { getTableColumns, type SQL, sql } from "drizzle-orm";
import type { PgColumn, PgTable } from "drizzle-orm/pg-core";
import type { Json } from "../statement.ts";

/**
 * A timestamp as JavaScript's `toISOString` writes it: `2025-09-06T09:45:06.922Z`. `to_json` leaves zeros at the end out,
 * so a microsecond is added and cut off again: columns have whole milliseconds. It takes 0.15 µs where `to_char` takes
 * 0.8, measured on 18.4, and a page of 200 patients has 400 timestamps.
 *
 * @param column of the type `timestamptz(3)`: `p.created_at`
 */
export const isoTimestamp = (column: string): SQL => sql.raw(isoTimestampText(column));
export const isoTimestampText = (column: string): string => `${withoutZone(column)} || 'Z'`;

const withoutZone = (column: string): string =>
  `substr(to_json(${column} AT TIME ZONE 'UTC' + interval '1 microsecond')::text, 2, 23)`;

/** Whether a column holds a time: their names end in `_at`, or are `at`. */
export const isTimestamp = (name: string): boolean => /(^|[._])at$/.test(name);

/** A column as a response has it. */
export const responseColumn = (alias: string, name: string): SQL =>
  isTimestamp(name) ? isoTimestamp(`${alias}.${name}`) : sql.raw(`${alias}.${name}`);

/** Columns of the table `alias` as a response has them: for `SELECT`. */
export const selectColumns = (alias: string, names: readonly string[]): SQL =>
  sql.join(
    names.map((name) =>
      isTimestamp(name)
        ? sql`\n${responseColumn(alias, name)} AS ${sql.raw(name)}`
        : responseColumn(alias, name),
    ),
    sql`, `,
  );

/** A list of column names. @param prefix is written before each name: `new.` */
export const columnNames = (names: readonly string[], prefix = ""): SQL =>
  sql.raw(names.map((name) => `${prefix}${name}`).join(", "));

/** What a JSON object has beyond columns. */
interface MoreMembers {
  /** Values of fields that are no columns, by name. They are numbers. */
  computed?: Record<string, SQL>;
  /** More members, as text: `',"name":' || value`. */
  members?: SQL;
}

/**
 * The text of a JSON object with columns of the row `alias` of `table`: `{"id":1,"firstname":"Ada"}`. It is never
 * NULL: see `jsonMember`. A page of 200 patients costs PostgreSQL 22 % less CPU than with `concat`,
 * and 3 % less than with `row_to_json`, measured on 18.4.
 *
 * @param names columns, or names of `computed` fields.
 */
export function jsonText(
  table: PgTable,
  alias: string,
  names: readonly string[],
  { computed = {}, members }: MoreMembers = {},
): SQL {
  let literal = "{";
  const parts = names.map((name) => {
    const value = computed[name];
    const member = value ? { before: "", value, after: "" } : jsonMember(tableColumn(table, name), alias);
    const part = sql`${sql.raw(`'${literal}"${name}":${member.before}'`)} || ${member.value}`;
    literal = `${member.after},`;
    return part;
  });
  const end = literal.slice(0, -1);
  return sql`(
    ${sql.join(parts, sql`\n|| `)}${members && sql`\n|| ${members}`} || ${sql.raw(`'${end}}'`)}
  )`;
}

/** @throws an error when the table has no such column. */
export function tableColumn(table: PgTable, name: string): PgColumn {
  const column = getTableColumns(table)[name];
  if (!column) throw new Error(`There is no column ${name}.`);
  return column;
}

/**
 * A column as JSON: its value as text, and what stands `before` and `after` it. A timestamp and a code like `CARD` have no
 * character that JSON escapes.
 *
 * @throws an error when one of these may be NULL: the whole object would be, and its record missing in a list.
 */
function jsonMember(column: PgColumn, alias: string): { before: string; value: SQL; after: string } {
  const name = `${alias}.${column.name}`;
  if ((isTimestamp(name) || column.enumValues) && !column.notNull)
    throw new Error(`${name} may be NULL: write it as a member of its own.`);
  if (isTimestamp(name)) return { before: '"', value: sql.raw(withoutZone(name)), after: 'Z"' };
  if (column.enumValues) return { before: '"', value: sql.raw(name), after: '"' };
  return { before: "", value: sql.raw(jsonValue(column, name)), after: "" };
}

/** The value of a column as JSON text. Without `to_json` for `jsonb`, a page of 50 patients takes 1.6 % fewer instructions. */
function jsonValue(column: PgColumn, name: string): string {
  const type = column.getSQLType();
  if (type === "boolean") return `${name}::text`;
  if (/^(integer|smallint|bigint)$/.test(type) && column.notNull) return name;
  const isJson = type === "jsonb";
  if (column.notNull) return isJson ? `${name}::text` : `to_json(${name})`;
  return `coalesce(${isJson ? name : `to_json(${name})`}::text, 'null')`;
}

/** Columns as one JSON object. `row_to_json` writes no spaces, unlike `json_build_object`. */
export const jsonObject = (columns: SQL): SQL => sql`(SELECT row_to_json(o) FROM (SELECT ${columns}) o)`;

/** Columns of a step as a JSON object; NULL when the step has no row. */
export const stepJson = (columns: SQL, step: string): SQL =>
  sql`(SELECT row_to_json(o) FROM (SELECT ${columns} FROM ${sql.raw(step)}) o)`;

/** An aggregate: the JSON texts of all rows as a JSON array. `json_agg` would write spaces and line breaks. */
export const jsonArray = (json: SQL, order: SQL): SQL =>
  sql`('[' || coalesce(string_agg(${json}, ',' ORDER BY ${order}), '') || ']')::json`;

/** The row of a step as JSON text; NULL when there is none. `Body` says whether that can happen. */
export const jsonBody = <Body extends Json<unknown> | null>(step: string): SQL<Body> =>
  sql`(SELECT row_to_json(r)::text FROM ${sql.raw(step)} r)`;
