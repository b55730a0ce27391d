import { hasDuplicateKey } from "../http/body.ts";
import type { FieldErrorCode } from "../http/problem-codes.ts";
import { type FieldErrors, type Problem, validationProblem } from "../http/problems.ts";

/** Of a line of NDJSON: as much as the body of a `POST` may have. */
const MAX_LINE_CHARACTERS = 64 * 1024;
const MAX_FIELDS = 64;

/** A refused line of a file, and its errors by field. */
export type RefusedLine = { line: number; errors: FieldErrors };
/** A parsed line of a file: a record, or the errors of one that could not be parsed. */
export type ParsedLine = { line: number; record: unknown } | RefusedLine;

const refusedLine = (line: number, code: FieldErrorCode, message: string): RefusedLine => ({
  line,
  errors: { body: [{ code, message }] },
});

/** The records of an NDJSON file. Blank lines are skipped. */
export function* readNdjsonLines(text: string): Generator<ParsedLine> {
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

/** 400 with the errors by line and field: `3.email`. */
export const refusedLinesProblem = (refused: RefusedLine[], count?: number): Problem =>
  validationProblem(
    Object.fromEntries(
      refused.flatMap(({ line, errors }) =>
        Object.entries(errors).map(([field, all]) => [`${line}.${field}`, all] as const),
      ),
    ),
    count,
  );
