import type { Context } from "hono";
import { createFactory } from "hono/factory";
import type { GuardedEnv } from "../auth/require-account.ts";
import { sha256 } from "../crypto.ts";
import { limitBody, mediaTypeOf, readText } from "../http/body.ts";
import { parseCsv, withoutGuard } from "../http/csv.ts";
import { readOnlyFields } from "../http/fields.ts";
import { IdempotencyKey, respondWithMade } from "../http/idempotency.ts";
import { hasKeyTwice } from "../http/json.ts";
import { type FieldErrors, invalidFields, Problem, shownName } from "../http/problems.ts";
import { fieldErrors, validate, validateHeaders } from "../http/validation.ts";
import { importPatients } from "./queries.ts";
import { fields, ImportQuery, NewPatient } from "./requests.ts";

const MAX_KIB = 1024;
const MAX_RECORDS = 1000;

/** A line of a file that is not taken, and why. */
type RefusedLine = { line: number; errors: FieldErrors };
/** A line as it is read: a record, or why it is none. */
type Line = { line: number; record: unknown } | RefusedLine;

/** Makes patients of a file: all or none of them, or with `?partial=true` those that can be. */
export const importFile = createFactory<GuardedEnv>().createHandlers(
  validate("query", ImportQuery),
  validateHeaders(IdempotencyKey),
  limitBody(MAX_KIB),
  async (c) => {
    const { "Idempotency-Key": key } = c.req.valid("header");
    const partial = c.req.valid("query").partial ?? false;
    const { lines, refused, faults } = judge(await readLines(c));
    if (!partial && refused.length > 0) throw refusedAll(refused, faults);
    const values = { lines: JSON.stringify(lines), refused: JSON.stringify(refused), partial };
    const made = await importPatients(
      c.get("caller"),
      { ...values, digest: await sha256(await c.req.arrayBuffer()) },
      key,
    );
    if (made.body === null && !made.mistaken) throw refusedAll(JSON.parse(made.refused));
    return respondWithMade(made, {}, partial ? 200 : 201);
  },
);

/** @throws {Problem} 400, 413 or 415 for a file that is none, or too long */
async function readLines(c: Context): Promise<Line[]> {
  const text = await readText(c, "NDJSON or CSV");
  const type = mediaTypeOf(c);
  if (type !== "text/csv" && type !== "application/x-ndjson")
    throw new Problem(415, "The body must be application/x-ndjson or text/csv, in UTF-8.");
  const lines = type === "text/csv" ? linesOfCsv(text) : linesOfNdjson(text);
  if (lines.length === 0) throw new Problem(400, "The file has no records.");
  if (lines.length > MAX_RECORDS) throw new Problem(413, `The file has more than ${MAX_RECORDS} records.`);
  return lines;
}

const linesOfNdjson = (text: string): Line[] =>
  text.split("\n").flatMap((json, index): Line[] => {
    const line = index + 1;
    if (json.trim() === "") return [];
    try {
      const record: unknown = JSON.parse(json);
      if (hasKeyTwice(json, record))
        return [{ line, errors: { body: ["The same key twice in one object"] } }];
      return [{ line, record }];
    } catch {
      return [{ line, errors: { body: ["Not well-formed JSON"] } }];
    }
  });

/** @throws {Problem} 400 for what is no CSV, or has other columns */
function linesOfCsv(text: string): Line[] {
  const parsed = parseCsv(text);
  if ("malformed" in parsed) throw invalidFields({ [`${parsed.malformed}.body`]: ["Not well-formed CSV"] });
  const [head, ...records] = parsed.records;
  if (!head) return [];
  const columns = head.cells.map((name) => name.trim());
  requireColumns(columns, head.line);
  return records.map(({ line, cells }) =>
    cells.length === columns.length
      ? { line, record: recordOf(columns, cells) }
      : { line, errors: { body: [`Expected ${columns.length} cells, as the header has`] } },
  );
}

function requireColumns(columns: string[], line: number): void {
  const known = [...Object.keys(fields), ...readOnlyFields];
  // Before they are compared with each other: a header may be as long as the file.
  if (columns.length > known.length)
    throw refusedAll([{ line, errors: { body: [`More than ${known.length} columns`] } }]);
  const errors = {
    ...messages(
      columns.filter((name) => !known.includes(name)),
      "Unknown column",
    ),
    ...messages(
      Object.keys(fields).filter((name) => !columns.includes(name)),
      "Missing column",
    ),
    ...messages(
      columns.filter((name, index) => columns.indexOf(name) !== index),
      "The same column twice",
    ),
  };
  if (Object.keys(errors).length > 0) throw refusedAll([{ line, errors }]);
}

const messages = (names: string[], message: string) =>
  Object.fromEntries(names.map((name) => [shownName(name) || "body", [message]]));

/** Cells as fields: all are text, but for the age. */
function recordOf(columns: string[], cells: string[]): Record<string, unknown> {
  const record: Record<string, unknown> = Object.fromEntries(
    columns.map((name, index) => [name, withoutGuard(cells[index] ?? "")]),
  );
  const age = String(record["age"]).trim();
  if (/^\d{1,9}$/.test(age)) record["age"] = Number(age);
  return record;
}

/** The lines that are patients, and those that are not; and how many fields of these are not valid. */
function judge(read: Line[]) {
  const [lines, refused]: [{ line: number; record: object }[], RefusedLine[]] = [[], []];
  let faults = 0;
  for (const one of read) {
    const { line } = one;
    if ("errors" in one) {
      refused.push(one);
      faults += 1;
      continue;
    }
    const { success, data, error } = NewPatient.safeParse(one.record);
    if (success) {
      lines.push({ line, record: data });
      continue;
    }
    const { errors, count } = fieldErrors(error);
    refused.push({ line, errors });
    faults += count;
  }
  return { lines, refused, faults };
}

/** 400 that names the lines and fields that are not valid: `3.email`. */
const refusedAll = (refused: RefusedLine[], count?: number): Problem =>
  invalidFields(
    Object.fromEntries(
      refused.flatMap(({ line, errors }) =>
        Object.entries(errors).map(([field, messages]) => [`${line}.${field}`, messages] as const),
      ),
    ),
    count,
  );
