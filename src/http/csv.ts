/** A record of a CSV file: its cells, and the line that it begins on, counted from 1. */
export interface CsvRecord {
  line: number;
  cells: string[];
}

/** One cell with what ends it, after RFC 4180: in quotation marks, doubled within, or without any. */
const CELL = /(?:"([^"]*(?:""[^"]*)*)"|([^",\r\n]*))(,|\r\n|\n|\r|$)/y;

/**
 * The records of a CSV file (RFC 4180, with any kind of line ends). Lines with nothing on them are passed over.
 *
 * @returns the line that is not well-formed instead, when one is not.
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

/** What a spreadsheet would take for a formula, and the same with apostrophes before it. */
const FORMULA = /^'*[=+\-@\t\r]/;

/** A cell as it was before an export put one more apostrophe before what a spreadsheet would take for a formula. */
export const withoutGuard = (cell: string): string =>
  cell.startsWith("'") && FORMULA.test(cell) ? cell.slice(1) : cell;
