import { type SQL, sql } from "drizzle-orm";
import type { Json } from "../statement.ts";

/** A timestamp as JavaScript's `toISOString` writes it: `2025-09-06T09:45:06.922Z`. @param column `p.created_at` */
export const isoTimestamp = (column: string): SQL =>
  sql.raw(`to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`);

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

/** Columns as one JSON object. `row_to_json` writes no spaces, unlike `json_build_object`. */
export const jsonObject = (columns: SQL): SQL => sql`(SELECT row_to_json(o) FROM (SELECT ${columns}) o)`;

/** Columns of a step as a JSON object; NULL when the step has no row. */
export const stepJson = (columns: SQL, step: string): SQL =>
  sql`(SELECT row_to_json(o) FROM (SELECT ${columns} FROM ${sql.raw(step)}) o)`;

/**
 * An aggregate: the columns of all rows as a JSON array of objects. `json_agg` would write spaces and line breaks.
 */
export const jsonArray = (columns: SQL, order: SQL): SQL =>
  sql`('[' || coalesce(string_agg(${jsonObject(columns)}::text, ',' ORDER BY ${order}), '') || ']')::json`;

/** The row of a step as JSON text; NULL when there is none. `Body` says whether that can happen. */
export const jsonBody = <Body extends Json<unknown> | null>(step: string): SQL<Body> =>
  sql`(SELECT row_to_json(r)::text FROM ${sql.raw(step)} r)`;
