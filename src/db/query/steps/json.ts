import { getTableColumns, type SQL, sql } from "drizzle-orm";
import type { PgColumn, PgTable } from "drizzle-orm/pg-core";
import type { Json } from "./statement.ts";

/** A timestamp as JavaScript's `toISOString` writes it: `2025-09-06T09:45:06.922Z`. */
export const isoTimestamp = (column: PgColumn): SQL =>
  sql`to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

export const isTimestamp = (column: PgColumn): boolean => column.getSQLType().startsWith("timestamp");

/** A column as a response has it. */
export const responseColumn = (column: PgColumn): SQL =>
  isTimestamp(column) ? isoTimestamp(column) : sql`${column}`;

/** The columns of `table` that have these names. @throws when the table has no such column. */
export function columnsByName(table: PgTable, names: string[]): PgColumn[] {
  const columns: Record<string, PgColumn> = getTableColumns(table);
  return names.map((name) => {
    const column = columns[name];
    if (!column) throw new Error(`There is no column ${name}.`);
    return column;
  });
}

/**
 * The columns of `table` that have these names, in this order, as a response has them: for `SELECT` or `RETURNING`.
 */
export const selectColumns = (table: PgTable, names: string[]): SQL =>
  sql.join(
    columnsByName(table, names).map(
      (column) => sql`${responseColumn(column)} AS ${sql.identifier(column.name)}`,
    ),
    sql`, `,
  );

/** Columns as one JSON object. `row_to_json` writes no spaces, unlike `json_build_object`. */
export const jsonObject = (columns: SQL): SQL => sql`(SELECT row_to_json(o) FROM (SELECT ${columns}) o)`;

/**
 * An aggregate: the columns of all rows as a JSON array of objects. `json_agg` would write spaces and line breaks.
 */
export const jsonArray = (columns: SQL, order: SQL): SQL =>
  sql`('[' || coalesce(string_agg(${jsonObject(columns)}::text, ',' ORDER BY ${order}), '') || ']')::json`;

/** Columns of a step as a JSON object; NULL when the step has no row. */
export const stepJson = (columns: SQL, step: string): SQL =>
  sql`(SELECT row_to_json(o) FROM (SELECT ${columns} FROM ${sql.identifier(step)}) o)`;

/** The row of a step as JSON text; NULL when there is none. `Body` says whether that can happen. */
export const jsonBody = <Body extends Json<unknown> | null>(step: string): SQL<Body> =>
  sql`(SELECT row_to_json(r)::text FROM ${sql.identifier(step)} r)`;
