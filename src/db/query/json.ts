import { getTableColumns, type SQL, sql } from "drizzle-orm";
import type { PgColumn, PgTable } from "drizzle-orm/pg-core";
import type { Json } from "../statement.ts";

/** A moment as JavaScript writes it: `2025-09-06T09:45:06.922Z`. */
export const moment = (column: PgColumn): SQL =>
  sql`to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** A column as an answer shows it. */
export const shown = (column: PgColumn): SQL =>
  column.getSQLType().startsWith("timestamp") ? moment(column) : sql`${column}`;

/** The columns of a table by their names. @throws when there is none */
export function columnsNamed(table: PgTable, names: string[]): PgColumn[] {
  const columns: Record<string, PgColumn> = getTableColumns(table);
  return names.map((name) => {
    const column = columns[name];
    if (!column) throw new Error(`There is no column ${name}.`);
    return column;
  });
}

/** Columns of a table as an answer shows them, for `SELECT` or `RETURNING`: those of the `names`, in their order, and no others. */
export const columnsOf = (table: PgTable, names: string[]): SQL =>
  sql.join(
    columnsNamed(table, names).map((column) => sql`${shown(column)} AS ${sql.identifier(column.name)}`),
    sql`, `,
  );

/** Columns as one JSON object. */
export const objectOf = (columns: SQL): SQL => sql`(SELECT row_to_json(o) FROM (SELECT ${columns}) o)`;

/** Columns of many rows as a JSON array of objects, in an order; for `SELECT`. */
export const arrayOf = (columns: SQL, order: SQL): SQL =>
  sql`('[' || coalesce(string_agg(${objectOf(columns)}::text, ',' ORDER BY ${order}), '') || ']')::json`;

/**
 * What a step found, as JSON without a space in it; null when it found nothing, unless `Body` says that it always finds.
 */
export const bodyOf = <Body extends Json<unknown> | null>(step: string): SQL<Body> =>
  sql`(SELECT row_to_json(r)::text FROM ${sql.identifier(step)} r)`;
