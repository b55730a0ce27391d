import { getTableColumns, type SQL, sql } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import { responseColumn } from "../db/query/json.ts";

// CSV (RFC 4180): parsed by the Worker, written by PostgreSQL.

/** A record of a CSV file: its cells, and the number of the line that it begins on, counted from 1. */
interface CsvRecord {
  line: number;
  cells: string[];
}

/** One cell and what ends it. A quoted cell has its quotation marks doubled. */
const CELL = /(?:"([^"]*(?:""[^"]*)*)"|([^",\r\n]*))(,|\r\n|\n|\r|$)/y;

/**
 * Parses a CSV file, with any kind of line ends. Empty lines are ignored.
 *
 * @returns the records, or the number of the first malformed line.
 */
export function parseCsv(text: string): { records: CsvRecord[] } | { malformed: number } {
  const records: CsvRecord[] = [];
  let line = 1;
  let record: CsvRecord = { line, cells: [] };
  for (let at = 0; at < text.length || record.cells.length > 0; at = CELL.lastIndex) {
    CELL.lastIndex = at;
    const [whole, quoted, plain = "", end = ""] = CELL.exec(text) ?? [];
    if (whole === undefined) return { malformed: line };
    record.cells.push(quoted?.replaceAll('""', '"') ?? plain);
    line += whole.match(/\r\n|\n|\r/g)?.length ?? 0;
    if (end === ",") continue;
    if (record.cells.length > 1 || quoted !== undefined || plain !== "") records.push(record);
    record = { line, cells: [] };
    if (end === "") break;
  }
  return { records };
}

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
 * `removeFormulaGuard` can undo both.
 */
export function csvRow(table: PgTable, alias: string, names: readonly string[]): SQL {
  const columns = getTableColumns(table);
  const cells = names.map((name) =>
    columns[name]?.getSQLType() === "text" ? quotedCell(`${alias}.${name}`) : responseColumn(alias, name),
  );
  return sql`concat_ws(',', ${sql.join(cells, sql`, `)}) || E'\\r\\n'`;
}

const quotedCell = (column: string): SQL =>
  sql`'"' || replace(regexp_replace(${sql.raw(column)}, ${guardPattern}, '''', 'g'), '"', '""') || '"'`;
