import { isBlank } from "../http/csv-dialects.ts";
import { columnName, readCsv, tooFewCells, UNNAMED_COLUMN } from "../http/csv-reader.ts";
import { removeFormulaGuard } from "../http/csv-writer.ts";
import { type FieldErrors, Problem } from "../http/problems.ts";
import { SAVE_AS_UTF8, spreadsheetDecoder } from "../http/text-encoding.ts";
import {
  addressColumns,
  exportedColumns,
  isContactColumn,
  missingGroups,
  requiredColumns,
} from "./csv-columns.ts";
import { parseIdentifiers } from "./identifier-fields.ts";
import { type ParsedLine, refusedLinesProblem } from "./import-lines.ts";

/** @throws {Problem} 400 when it is neither UTF-8 nor UTF-16 with a byte order mark */
export function decodeSpreadsheet(bytes: Uint8Array): string {
  const problem = () => new Problem("invalid_utf8", `The file is not UTF-8. ${SAVE_AS_UTF8}`);
  let text: string;
  try {
    text = spreadsheetDecoder(bytes).decode(bytes);
  } catch {
    throw problem();
  }
  // UTF-16 without a mark, or a workbook: text does not begin with NUL characters.
  if (text.slice(0, 8).includes("\0")) throw problem();
  return text;
}

/** @throws {Problem} 400 when the header is not well-formed, or has other columns */
export function* readCsvLines(text: string): Generator<ParsedLine> {
  let columns: string[] | undefined;
  for (const { line, cells, errors } of readCsv(text)) {
    if (!columns) {
      columns = cells.map(fieldOfColumn);
      const headerErrors = errors ?? findHeaderErrors(columns);
      if (headerErrors) throw refusedLinesProblem([{ line, errors: headerErrors }]);
    } else if (errors) yield { line, errors };
    else yield parseCells(line, columns, cells);
  }
}

const UNKNOWN = "?";
/** A longer cell of the header names no column. The time of NFKD grows with the square of the accents on a letter. */
const MAX_NAME_CHARACTERS = 256;

/**
 * The letters and digits of a column's name: `First name`, `first-name`, `First.Name:` and `FIRST_NAME` are `firstname`.
 * Programs in Turkish write `FİRSTNAME` and `fırstname`; NFKD makes İ an I with a dot.
 */
const simplifyName = (name: string): string =>
  name
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll("ı", "i")
    .replace(/[^\p{L}\p{N}]/gu, "");

const knownColumns = new Map([
  ...exportedColumns.map((name) => [simplifyName(name), name] as const),
  ["dateofbirth", "birth_date"],
  ["dob", "birth_date"],
]);

/** The field that a cell of the header names; "" when it is blank. */
function fieldOfColumn(cell: string): string {
  if (isBlank(cell)) return "";
  const name = cell.length > MAX_NAME_CHARACTERS ? undefined : knownColumns.get(simplifyName(cell));
  return name ?? UNKNOWN;
}

/** The errors of a header with unknown, missing or duplicate columns. It never repeats the header: that may be a patient. */
function findHeaderErrors(columns: string[]): FieldErrors | undefined {
  const errors: FieldErrors = {};
  const isHeader = columns.some((name) => name !== "" && name !== UNKNOWN);
  if (!isHeader)
    errors["body"] = [
      {
        code: "missing_header",
        message: `There is no header: the first line must name the columns ${requiredColumns.map((group) => group.join(" or ")).join(", ")}`,
      },
    ];
  columns.forEach((name, index) => {
    if (name === UNKNOWN)
      errors[columnName(index + 1)] = [{ code: "unknown_column", message: "Unknown column" }];
    else if (name !== "" && columns.indexOf(name) !== index)
      errors[name] = [{ code: "duplicate_column", message: "Duplicate column" }];
  });
  if (isHeader)
    for (const [name = ""] of missingGroups(columns))
      errors[name] = [{ code: "missing_column", message: "Missing column" }];
  return Object.keys(errors).length > 0 ? errors : undefined;
}

/** How the cells of these columns become values. Those of the others are text. */
const cellParsers: Record<string, (cell: string) => unknown> = {
  // A spreadsheet may show a decimal, with a point or a comma.
  age: (cell) => (/^-?\d{1,9}(?:[.,]0{1,2})?$/.test(cell) ? Number.parseInt(cell, 10) : cell),
  gender: (cell) => genderWords.get(cell.toLowerCase()) ?? cell,
  email_shared: parseBoolean,
  anonymous: parseBoolean,
  phones: (cell) => splitCell(cell, /[;,\n]/),
  identifiers: parseIdentifiers,
  address_lines: (cell) => splitCell(cell, /\n/),
};

const genderWords = new Map(
  Object.entries({ f: "F", female: "F", m: "M", male: "M", o: "O", other: "O", u: "U", unknown: "U" }),
);

/** A spreadsheet writes TRUE. */
function parseBoolean(cell: string): unknown {
  const word = cell.toLowerCase();
  if (["true", "yes", "1"].includes(word)) return true;
  return ["false", "no", "0"].includes(word) ? false : cell;
}

/** The parts of a cell that holds a list. */
const splitCell = (cell: string, separator: RegExp): string[] =>
  cell
    .split(separator)
    .map(trimCell)
    .filter((part) => part !== "");

/**
 * White space, and the invisible characters that Windows and web pages add around copied text. No joiners (U+200C, U+200D),
 * because a name may end with one, and no overrides of the direction (U+202D, U+202E), which are refused.
 */
const MARGIN = "\\s\\u200b\\u200e\\u200f\\u202a-\\u202c\\u2060\\u2066-\\u2069";
const TEXT_WITHOUT_MARGIN = new RegExp(`[^${MARGIN}](?:.*[^${MARGIN}])?`, "s");
const trimCell = (cell: string): string => TEXT_WITHOUT_MARGIN.exec(cell)?.[0] ?? "";

/** A record of the cells. An empty cell is a field that is left out. */
function parseCells(line: number, columns: string[], cells: string[]): ParsedLine {
  if (
    missingGroups(columns.slice(0, cells.length)).length > 0 ||
    columns.slice(cells.length).some(isContactColumn)
  )
    return { line, errors: tooFewCells(columns.findLastIndex((name) => name !== "") + 1) };
  const record: Record<string, unknown> = {};
  const errors: FieldErrors = {};
  columns.forEach((name, index) => {
    const cell = removeFormulaGuard(trimCell(cells[index] ?? ""));
    if (cell === "") return;
    if (name === "") errors[columnName(index + 1)] = [{ code: "unknown_column", message: UNNAMED_COLUMN }];
    else setField(record, name, cellParsers[name]?.(cell) ?? cell);
  });
  return Object.keys(errors).length > 0 ? { line, errors } : { line, record };
}

/** Sets a field, or a part of the address. */
function setField(record: Record<string, unknown>, column: string, value: unknown): void {
  if (!isKeyOf(addressColumns, column)) record[column] = value;
  else record["address"] = { ...Object(record["address"]), [addressColumns[column]]: value };
}

const isKeyOf = <Names extends object>(names: Names, name: string): name is string & keyof Names =>
  Object.hasOwn(names, name);
