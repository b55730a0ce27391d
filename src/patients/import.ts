import type { Context } from "hono";
import { createFactory } from "hono/factory";
import { sha256Hex } from "../crypto.ts";
import { isViolationOf, writeConflict } from "../db/errors.ts";
import { decodeUtf8, limitBody, readBody, requestMediaType } from "../http/body.ts";
import type { AuthenticatedEnv } from "../http/context.ts";
import { databaseFieldMessages } from "../http/database-field-errors.ts";
import { IdempotencyKey, requireReplayable, respondCreated } from "../http/idempotency.ts";
import type { FieldErrorCode } from "../http/problem-codes.ts";
import { type FieldErrorMembers, fieldErrorMembers, Problem, requireClinicRole } from "../http/problems.ts";
import { limitImportsAndExports } from "../http/rate-limits.ts";
import { collectFieldErrors, parseFields, validate, validateHeaders } from "../http/validation.ts";
import { decodeSpreadsheet, readCsvLines } from "./import-csv.ts";
import { type ParsedLine, type RefusedLine, readNdjsonLines, refusedLinesProblem } from "./import-lines.ts";
import { importPatients } from "./import-queries.ts";
import { ImportedPatient, ImportQuery } from "./requests.ts";

const MAX_KIB = 1024;
const MAX_RECORDS = 1000;

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
      messages: databaseFieldMessages,
    };
    const digest = await sha256Hex(await c.req.arrayBuffer());
    const result = await importPatients(c.get("caller"), { ...values, digest }, key).catch(throwConflict);
    requireReplayable(result);
    requireClinicRole(result.isAllowed || result.body !== null);
    if (result.body === null) throw refusedLinesProblem(JSON.parse(result.refused).map(refusedLineOf));
    return respondCreated(result, {}, partial ? 200 : 201);
  },
);

/** @throws {Problem} 409 when a concurrent request took an email or an identifier: the next attempt names its line. */
function throwConflict(error: unknown): never {
  const isTaken =
    isViolationOf(error, "patients_owner_id_email_key") ||
    isViolationOf(error, "patient_identifiers_owner_id_key_system_key");
  if (!isTaken) throw error;
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
  const bytes = await readBody(c, "NDJSON or CSV");
  const type = requestMediaType(c);
  if (type === "application/x-ndjson") return readNdjsonLines(decodeUtf8(bytes));
  if (type === "text/csv") return readCsvLines(decodeSpreadsheet(bytes));
  throw new Problem("unsupported_media_type", "The body must be application/x-ndjson or text/csv, in UTF-8.");
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
      errorCount += Object.keys(parsed.errors).length;
      continue;
    }
    const { success, data, error } = parseFields(ImportedPatient, parsed.record);
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
