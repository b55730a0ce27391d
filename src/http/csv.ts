import { getTableColumns, type SQL, sql } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import { responseColumn } from "../db/query/json.ts";
import { type FieldError, fieldProblem } from "./problems.ts";

// CSV (RFC 4180): read by the Worker, written by PostgreSQL.

/** A record of a CSV file. */
export interface CsvRecord {
  /** The number of the line that it begins on, counted from 1. */
  line: number;
  /** At most 64 cells of at most 8,192 characters. */
  cells: string[];
  /** Why the record has not all of its cells: it has too many, or one is too long. */
  tooLarge: FieldError | undefined;
}

const MAX_CELLS = 64;
const MAX_CELL_CHARACTERS = 8192;
const TOO_MANY_CELLS: FieldError = { code: "too_many", message: `More than ${MAX_CELLS} cells` };
const TOO_LONG_CELL: FieldError = {
  code: "too_long",
  message: `A cell is longer than ${MAX_CELL_CHARACTERS.toLocaleString("en")} characters`,
};

/**
 * Reads a CSV file record by record, with any kind of line ends. Empty lines are ignored. It takes linear time, and
 * memory for one record only: what is larger than the limits is passed over, not stored.
 *
 * @throws {Problem} 400 that names the first malformed line, when that line is reached.
 */
export function* readCsv(text: string): Generator<CsvRecord> {
  let line = 1;
  for (let at = 0; at < text.length; ) {
    const emptyLine = lineEndLength(text, at);
    if (emptyLine > 0) {
      at += emptyLine;
      line += 1;
      continue;
    }
    const record: CsvRecord = { line, cells: [], tooLarge: undefined };
    for (let isLast = false; !isLast; ) {
      const end = findCellEnd(text, at);
      const lineEnd = lineEndLength(text, end);
      isLast = lineEnd > 0 || end === text.length;
      if (!isLast && text[end] !== ",")
        throw fieldProblem(`${line}.body`, "invalid_csv", "Not well-formed CSV");
      addCell(record, text, at, end);
      line += countLineEnds(text, at, end);
      at = end + (isLast ? lineEnd : 1);
    }
    line += 1;
    yield record;
  }
}

/** Anything but quotation marks, separators and line ends. */
const PLAIN_CELL = /[^",\r\n]*/y;

/** The position after the cell that begins at `start`; -1 when its quotation mark is not closed. */
function findCellEnd(text: string, start: number): number {
  if (text[start] !== '"') {
    PLAIN_CELL.lastIndex = start;
    PLAIN_CELL.test(text);
    return PLAIN_CELL.lastIndex;
  }
  let mark = text.indexOf('"', start + 1);
  while (mark >= 0 && text[mark + 1] === '"') mark = text.indexOf('"', mark + 2);
  return mark < 0 ? -1 : mark + 1;
}

function addCell(record: CsvRecord, text: string, start: number, end: number): void {
  if (record.cells.length === MAX_CELLS) record.tooLarge ??= TOO_MANY_CELLS;
  // In quotation marks, and each character may be a doubled one.
  const cell = end - start > 2 * MAX_CELL_CHARACTERS + 2 ? undefined : unquote(text.slice(start, end));
  if (cell === undefined || cell.length > MAX_CELL_CHARACTERS) record.tooLarge ??= TOO_LONG_CELL;
  else if (!record.tooLarge) record.cells.push(cell);
}

const unquote = (cell: string): string =>
  cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell;

/** The length of the line end at a position: CR LF, LF or CR; 0 when there is none. */
function lineEndLength(text: string, at: number): number {
  if (text[at] === "\n") return 1;
  if (text[at] !== "\r") return 0;
  return text[at + 1] === "\n" ? 2 : 1;
}

/** A loop, because an array of a million matches takes as much memory as the cell that is passed over. */
function countLineEnds(text: string, start: number, end: number): number {
  let count = 0;
  for (let at = start; at < end; at += 1)
    if (text[at] === "\n" || (text[at] === "\r" && text[at + 1] !== "\n")) count += 1;
  return count;
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
