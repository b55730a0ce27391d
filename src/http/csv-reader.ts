import {
  BLANK_ROW_BEFORE_HEADER,
  COMMAS,
  countLineEnds,
  type Dialect,
  dialects,
  isBlank,
  lineEndLength,
} from "./csv-dialects.ts";
import type { FieldError, FieldErrors } from "./problems.ts";

// Reads CSV (RFC 4180) as spreadsheet programs write it. The Worker reads a file as one text, `npm run upload` in parts.

/** A record of a CSV file, or a blank line. */
export interface CsvRecord {
  /** The number of the line that it begins on, counted from 1. */
  line: number;
  /**
   * At most 64 cells of at most 8,192 characters, not trimmed. They may be fewer than those of the header: Excel leaves
   * out blank ones at the end of a row.
   */
  cells: string[];
  /** Whether it has nothing but blank cells, or is the line `sep=;` before the header. */
  isBlank: boolean;
  /** Why the record cannot be used. Then it may lack cells. */
  errors: FieldErrors | undefined;
}

/** How far a file is read. */
interface CsvPosition {
  /** The position in the text. */
  at: number;
  /** The number of the line there, counted from 1. */
  line: number;
  /** From the header: how cells are separated, and the number of columns up to the last one that has a name. */
  header: { dialect: Dialect; columns: number } | undefined;
}

/** The position at the start of a file. */
export const csvStart = (): CsvPosition => ({ at: 0, line: 1, header: undefined });

const MAX_CELLS = 64;
const MAX_CELL_CHARACTERS = 8192;
const TOO_MANY_CELLS: FieldError = { code: "too_many", message: `More than ${MAX_CELLS} cells` };
const TOO_LONG_CELL: FieldError = {
  code: "too_long",
  message: `A cell is longer than ${MAX_CELL_CHARACTERS.toLocaleString("en")} characters`,
};
const BROKEN_QUOTES = "A quotation mark is not closed, or stands in a cell and is not doubled";
export const UNNAMED_COLUMN = "The header does not name this column";

/** The records of a file, without blank ones. The first one is the header. */
export function* readCsv(text: string): Generator<CsvRecord> {
  const position = csvStart();
  while (position.at < text.length) {
    const record = readCsvRecord(text, position);
    if (!record.isBlank) yield record;
  }
}

/**
 * Reads one record and moves `position` to the end of it.
 *
 * A record with a broken quotation mark, or of several lines and with fewer or more cells than the header has, ends
 * with its first line: so a mark that is not closed does not swallow the records after it. All records together take
 * linear time, although their lines are read again: a record that continues on other lines has an odd number of marks
 * on its first line, and is read up to the next such line at most.
 */
export function readCsvRecord(text: string, position: CsvPosition): CsvRecord {
  skipBlankRows(text, position);
  const { at, line, header } = position;
  const isSkipped = !header && isSeparatorLine(text, at);
  if (isSkipped) endAfterLine(text, position);
  if (isSkipped || at === text.length) return { line, cells: [], isBlank: true, errors: undefined };
  const dialect = header?.dialect ?? detectDialect(text, at);
  const record = parseRecord(text, at, dialect);
  const { end, count, width } = record;
  position.header ??= { dialect, columns: width };
  const { columns } = position.header;
  const lineEnds = countLineEnds(text, at, end);
  const lines = lineEnds + (/[^\r\n]/.test(text.charAt(end - 1)) ? 1 : 0); // the last one may have no end
  const isMisshapen = end < 0 || width > columns || (count < columns && width > 0 && lines > 1);
  if (isMisshapen) endAfterLine(text, position);
  else {
    position.line += lineEnds;
    position.at = end;
  }
  const errors = record.tooLarge || isMisshapen ? recordErrors(record, columns) : undefined;
  return { line, cells: record.cells, isBlank: !errors && width === 0, errors };
}

interface ParsedRecord {
  cells: string[];
  /** The number of all cells. */
  count: number;
  /** The number of cells up to the last one that is not blank. */
  width: number;
  tooLarge: FieldError | undefined;
  /** The position after the record; -1 when a quotation mark is broken. */
  end: number;
}

function parseRecord(text: string, start: number, dialect: Dialect): ParsedRecord {
  const record: ParsedRecord = { cells: [], count: 0, width: 0, tooLarge: undefined, end: -1 };
  // Some old programs end a file with Ctrl-Z.
  const textEnd = text.endsWith("\u001a") ? text.length - 1 : text.length;
  for (let at = start; ; ) {
    const cellEnd = Math.min(findCellEnd(text, at, dialect), textEnd);
    const lineEnd = lineEndLength(text, cellEnd);
    const isLast = lineEnd > 0 || cellEnd === textEnd;
    if (!isLast && text[cellEnd] !== dialect.separator) return record;
    addCell(record, text, at, cellEnd);
    if (isLast) return { ...record, end: lineEnd > 0 ? cellEnd + lineEnd : text.length };
    at = cellEnd + 1;
  }
}

function recordErrors({ end, cells, count, tooLarge }: ParsedRecord, columns: number): FieldErrors {
  if (end < 0) return { body: [{ code: "invalid_csv", message: BROKEN_QUOTES }] };
  if (tooLarge) return { body: [tooLarge] };
  if (count < columns) return tooFewCells(columns);
  const column = columns + 1 + cells.slice(columns).findIndex((cell) => !isBlank(cell));
  return {
    [columnName(column)]: [
      { code: "wrong_cell_count", message: `${UNNAMED_COLUMN}: expected ${columns} cells` },
    ],
  };
}

export const tooFewCells = (columns: number): FieldErrors => ({
  body: [{ code: "wrong_cell_count", message: `Expected ${columns} cells, as the header has` }],
});

/** The name of a column in an error, by its number from 1. Its header is not repeated: it may be a cell of a patient. */
export const columnName = (column: number): string => `column_${column}`;

const OPENING_MARK = /[^\S\r\n\t]*"/y;
const BLANKS = /[^\S\r\n\t]*/y;
const LINE = /[^\r\n]*/y;

/** The end of what a sticky pattern matches at a position; -1 when it does not match. */
function matchEnd(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : -1;
}

/** The position after the cell that begins at `start`; -1 when its quotation mark is not closed. */
function findCellEnd(text: string, start: number, { plainCell }: Dialect): number {
  const quoted = matchEnd(OPENING_MARK, text, start);
  if (quoted < 0) return matchEnd(plainCell, text, start);
  let mark = text.indexOf('"', quoted);
  while (mark >= 0 && text[mark + 1] === '"') mark = text.indexOf('"', mark + 2);
  return mark < 0 ? -1 : matchEnd(BLANKS, text, mark + 1);
}

function addCell(record: ParsedRecord, text: string, start: number, end: number): void {
  record.count += 1;
  if (start === end) {
    if (record.count <= MAX_CELLS) record.cells.push("");
    return;
  }
  // In quotation marks, and each character may be a doubled one.
  const cell = end - start > 2 * MAX_CELL_CHARACTERS + 2 ? undefined : unquote(text.slice(start, end));
  const isTooLong = cell === undefined || cell.length > MAX_CELL_CHARACTERS;
  if (!isTooLong && isBlank(cell)) {
    if (record.count <= MAX_CELLS) record.cells.push("");
    return;
  }
  record.width = record.count;
  if (record.count > MAX_CELLS) record.tooLarge ??= TOO_MANY_CELLS;
  else if (isTooLong) record.tooLarge ??= TOO_LONG_CELL;
  else record.cells.push(cell);
}

function unquote(cell: string): string {
  const trimmed = cell.trim();
  return trimmed.startsWith('"') ? trimmed.slice(1, -1).replaceAll('""', '"') : cell;
}

function skipBlankRows(text: string, position: CsvPosition): void {
  const blankRow = position.header?.dialect.blankRow ?? BLANK_ROW_BEFORE_HEADER;
  while (position.at < text.length) {
    const end = matchEnd(blankRow, text, position.at);
    if (end < 0) return;
    position.line += countLineEnds(text, position.at, end);
    position.at = end;
  }
}

/** Whether it is the line `sep=;` before the header, which Excel reads. The header says the same. */
const isSeparatorLine = (text: string, at: number): boolean =>
  /^\s*"?sep=.?"?[\s,;]*$/i.test(text.slice(at, matchEnd(LINE, text, at)));

/** The dialect in which the header has the most cells. */
function detectDialect(text: string, at: number): Dialect {
  let [best, most] = [COMMAS, 0];
  for (const dialect of dialects) {
    const { end, width } = parseRecord(text, at, dialect);
    if (end >= 0 && width > most) [best, most] = [dialect, width];
  }
  return best;
}

function endAfterLine(text: string, position: CsvPosition): void {
  const end = matchEnd(LINE, text, position.at);
  position.at = end + lineEndLength(text, end);
  position.line += 1;
}
