import type { Context } from "hono";
import { createFactory } from "hono/factory";
import { sha256Hex } from "../crypto.ts";
import { isViolationOf, writeConflict } from "../db/errors.ts";
import { hasDuplicateKey, limitBody, readBodyText, requestMediaType } from "../http/body.ts";
import type { AuthenticatedEnv } from "../http/context.ts";
import { readCsv, removeFormulaGuard } from "../http/csv.ts";
import { readOnlyFields } from "../http/fields.ts";
import { IdempotencyKey, requireReplayable, respondCreated } from "../http/idempotency.ts";
import type { FieldErrorCode } from "../http/problem-codes.ts";
import {
  type FieldError,
  type FieldErrorMembers,
  type FieldErrors,
  fieldErrorMembers,
  Problem,
  safeFieldName,
  validationProblem,
} from "../http/problems.ts";
import { limitImportsAndExports } from "../http/rate-limits.ts";
import { collectFieldErrors, parseFields, validate, validateHeaders } from "../http/validation.ts";
import { importPatients } from "./import-export-queries.ts";
import { ImportQuery, NewPatient, patientFields } from "./requests.ts";

const MAX_KIB = 1024;
const MAX_RECORDS = 1000;
/** Of a line of NDJSON: as much as the body of a `POST` may have. */
const MAX_LINE_CHARACTERS = 64 * 1024;
const MAX_FIELDS = 64;

/** A refused line of a file, and its errors by field. */
type RefusedLine = { line: number; errors: FieldErrors };
/** A parsed line of a file: a record, or the errors of one that could not be parsed. */
type ParsedLine = { line: number; record: unknown } | RefusedLine;

/** `POST /import`: creates patients from a file: all or none of them, or with `?partial=true` the valid ones. */
export const importHandlers = createFactory<AuthenticatedEnv>().createHandlers(
  limitImportsAndExports,
  validate("query", ImportQuery),
  validateHeaders(IdempotencyKey),
  limitBody(MAX_KIB),
  async (c) => {
    const { "Idempotency-Key": key } = c.req.valid("header");
    const partial = c.req.valid("query").partial ?? false;
    const { valid, refused, errorCount } = validateLines(await readLines(c));
    if (!partial && refused.length > 0) throw refusedLinesProblem(refused, errorCount);
    const values = {
      lines: JSON.stringify(valid),
      refused: JSON.stringify(refused.map(refusedMembers)),
      partial,
    };
    const digest = await sha256Hex(await c.req.arrayBuffer());
    const result = await importPatients(c.get("caller"), { ...values, digest }, key).catch(throwConflict);
    requireReplayable(result);
    if (result.body === null) throw refusedLinesProblem(JSON.parse(result.refused).map(refusedLineOf));
    return respondCreated(result, {}, partial ? 200 : 201);
  },
);

/** @throws {Problem} 409 when a concurrent request took one of the emails: the next attempt names its line. */
function throwConflict(error: unknown): never {
  if (!isViolationOf(error, "patients_owner_id_email_key")) throw error;
  throw new Problem(writeConflict.code, writeConflict.detail);
}

/** A refused line as the statement and a response have it. */
type RefusedMembers = { line: number } & FieldErrorMembers;

const refusedMembers = ({ line, errors }: RefusedLine): RefusedMembers => ({
  line,
  ...fieldErrorMembers(errors),
});

const refusedLineOf = ({ line, errors, error_codes }: RefusedMembers): RefusedLine => ({
  line,
  errors: Object.fromEntries(
    Object.entries(errors).map(([field, messages]) => [
      field,
      messages.map((message, index) => ({ code: error_codes[field]?.[index] as FieldErrorCode, message })),
    ]),
  ),
});

/** @throws {Problem} 400 or 415 for a body that is not a file of patients */
async function readLines(c: Context): Promise<Generator<ParsedLine>> {
  const text = await readBodyText(c, "NDJSON or CSV");
  const type = requestMediaType(c);
  if (type !== "text/csv" && type !== "application/x-ndjson")
    throw new Problem(
      "unsupported_media_type",
      "The body must be application/x-ndjson or text/csv, in UTF-8.",
    );
  return type === "text/csv" ? readCsvLines(text) : readNdjsonLines(text);
}

const refusedLine = (line: number, code: FieldErrorCode, message: string): RefusedLine => ({
  line,
  errors: { body: [{ code, message }] },
});

function* readNdjsonLines(text: string): Generator<ParsedLine> {
  let line = 0;
  for (let start = 0, end = 0; end < text.length; start = end + 1) {
    const lineEnd = text.indexOf("\n", start);
    end = lineEnd < 0 ? text.length : lineEnd;
    line += 1;
    if (end - start > MAX_LINE_CHARACTERS)
      yield refusedLine(
        line,
        "too_long",
        `Longer than ${MAX_LINE_CHARACTERS.toLocaleString("en")} characters`,
      );
    else {
      const json = text.slice(start, end);
      if (json.trim() !== "") yield parseNdjsonLine(line, json);
    }
  }
}

function parseNdjsonLine(line: number, json: string): ParsedLine {
  let record: unknown;
  try {
    record = JSON.parse(json);
  } catch {
    return refusedLine(line, "invalid_json", "Not well-formed JSON");
  }
  if (typeof record === "object" && record !== null && Object.keys(record).length > MAX_FIELDS)
    return refusedLine(line, "too_many", `More than ${MAX_FIELDS} fields`);
  if (hasDuplicateKey(json, record)) return refusedLine(line, "duplicate_key", "Duplicate key in an object");
  return { line, record };
}

/** @throws {Problem} 400 when the text is not CSV, or has other columns */
function* readCsvLines(text: string): Generator<ParsedLine> {
  let columns: string[] | undefined;
  for (const { line, cells, tooLarge } of readCsv(text)) {
    if (!columns) {
      if (tooLarge) throw refusedLinesProblem([{ line, errors: { body: [tooLarge] } }]);
      columns = cells.map((name) => name.trim());
      requireColumns(columns, line);
    } else if (tooLarge) yield { line, errors: { body: [tooLarge] } };
    else if (cells.length !== columns.length)
      yield refusedLine(line, "wrong_cell_count", `Expected ${columns.length} cells, as the header has`);
    else yield { line, record: recordFromCells(columns, cells) };
  }
}

/** @throws {Problem} 400 for a header with unknown, missing or duplicate columns */
function requireColumns(columns: string[], line: number): void {
  const known = [...Object.keys(patientFields), ...readOnlyFields];
  // Checked first, because finding duplicates takes quadratic time.
  if (columns.length > known.length)
    throw refusedLinesProblem([refusedLine(line, "too_many", `More than ${known.length} columns`)]);
  const unknown = columns.filter((name) => !known.includes(name));
  const missing = Object.keys(patientFields).filter((name) => !columns.includes(name));
  const duplicate = columns.filter((name, index) => columns.indexOf(name) !== index);
  const errors = {
    ...columnErrors(unknown, { code: "unknown_column", message: "Unknown column" }),
    ...columnErrors(missing, { code: "missing_column", message: "Missing column" }),
    ...columnErrors(duplicate, { code: "duplicate_column", message: "Duplicate column" }),
  };
  if (Object.keys(errors).length > 0) throw refusedLinesProblem([{ line, errors }]);
}

const columnErrors = (names: string[], error: FieldError): FieldErrors =>
  Object.fromEntries(names.map((name) => [safeFieldName(name) || "body", [error]]));

/** The cells as fields. All are text but the age. */
function recordFromCells(columns: string[], cells: string[]): Record<string, unknown> {
  const record: Record<string, unknown> = Object.fromEntries(
    columns.map((name, index) => [name, removeFormulaGuard(cells[index] ?? "")]),
  );
  const age = String(record["age"]).trim();
  if (/^\d{1,9}$/.test(age)) record["age"] = Number(age);
  return record;
}

/**
 * The valid lines, the refused ones, and the number of fields that are not valid. It takes the lines one by one and
 * keeps nothing else of them, so that the rest of a file with too many is never parsed.
 *
 * @throws {Problem} 400 without a record, 413 at record 1,001
 */
function validateLines(lines: Iterable<ParsedLine>) {
  const valid: { line: number; record: object }[] = [];
  const refused: RefusedLine[] = [];
  let errorCount = 0;
  for (const parsed of lines) {
    if (valid.length + refused.length === MAX_RECORDS)
      throw new Problem("too_many_records", `The file has more than ${MAX_RECORDS} records.`);
    const { line } = parsed;
    if ("errors" in parsed) {
      refused.push(parsed);
      errorCount += 1;
      continue;
    }
    const { success, data, error } = parseFields(NewPatient, parsed.record);
    if (success) {
      valid.push({ line, record: data });
      continue;
    }
    const { errors, count } = collectFieldErrors(error);
    refused.push({ line, errors });
    errorCount += count;
  }
  if (valid.length + refused.length === 0) throw new Problem("no_records", "The file has no records.");
  return { valid, refused, errorCount };
}

/** 400 with the errors by line and field: `3.email`. */
const refusedLinesProblem = (refused: RefusedLine[], count?: number): Problem =>
  validationProblem(
    Object.fromEntries(
      refused.flatMap(({ line, errors }) =>
        Object.entries(errors).map(([field, all]) => [`${line}.${field}`, all] as const),
      ),
    ),
    count,
  );
