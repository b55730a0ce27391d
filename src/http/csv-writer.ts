import { getTableColumns, type SQL, sql } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import { responseColumn } from "../db/query/json.ts";

// What a spreadsheet takes for a formula, as regular expressions that JavaScript and PostgreSQL read alike (OWASP, "CSV
// Injection"). One that separates cells by semicolons or tabs splits a quoted cell too: "A;=1+1" then becomes a cell that
// begins with the formula, with or without spaces and quotation marks before it.

/** The start of a text, and after a separator or a line end. */
const CELL_START = "(?<![^;,|\\t\\r\\n])";
/** A sign that begins a formula, in ASCII or full-width, and what may stand before it. */
const FORMULA = "[ '\"]*[-=+@\\t\\r\\uff1d\\uff0b\\uff0d\\uff20]";

const guardPattern = sql.raw(`'${`${CELL_START}(?=${FORMULA})`.replaceAll("'", "''")}'`);
const guardedFormula = new RegExp(`${CELL_START}'(?=${FORMULA})`, "g");

/** Removes the apostrophes that `csvRow` writes before formulas. */
export const removeFormulaGuard = (cell: string): string => cell.replace(guardedFormula, "");

/**
 * A row of `table`, in the statement as `alias`, as one line of CSV: the columns that have these names, in this order.
 * Text that a spreadsheet may take for a formula gets an apostrophe before it, and so do apostrophes before such text:
 * `removeFormulaGuard` can undo both. NULL is an empty cell; the items of a list are separated by `; `.
 *
 * @param computed the values of names that are no columns, or stand for others.
 */
export function csvRow(
  table: PgTable,
  alias: string,
  names: readonly string[],
  computed: Record<string, SQL> = {},
): SQL {
  const columns = getTableColumns(table);
  const cells = names.map((name) => {
    if (computed[name]) return computed[name];
    const column = columns[name];
    const type = column?.getSQLType();
    if (type === "text") return quotedCell(`${alias}.${name}`);
    if (type === "text[]") return quotedCell(`nullif(array_to_string(${alias}.${name}, '; '), '')`);
    // `concat` would write t and f.
    return type === "boolean" ? sql.raw(`${alias}.${name}::text`) : responseColumn(alias, name);
  });
  // `concat_ws` would leave out a NULL, and the cells after it would move to other columns.
  return sql`concat(${sql.join(cells, sql`, ',', `)}, E'\\r\\n')`;
}

/** A text as a cell. @param column an SQL expression */
export const quotedCell = (column: string): SQL =>
  sql`'"' || replace(regexp_replace(${sql.raw(column)}, ${guardPattern}, '''', 'g'), '"', '""') || '"'`;
