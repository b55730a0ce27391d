declare global {
  /** A number kept as it was written: https://tc39.es/proposal-json-parse-with-source/ */
  interface RawJson {
    rawJSON: string;
  }
  interface JSON {
    parse(
      text: string,
      reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
    ): Json;
    rawJSON(text: string): RawJson;
    isRawJSON(value: unknown): value is RawJson;
  }
}

/** A JSON value whose numbers are still the text they were written as. */
export type Json = null | boolean | string | RawJson | Json[] | { [name: string]: Json };

/**
 * Parses JSON without turning numbers into JavaScript's: 9007199254740993 and 1.10 arrive as sent.
 *
 * @throws SyntaxError
 */
export function parseJson(text: string): Json {
  return JSON.parse(text, (_key, value, { source = "" }) =>
    typeof value === "number" ? JSON.rawJSON(source) : value,
  );
}

/**
 * A parameter in PostgreSQL's text format, as Neon's proxy makes it (`json_to_pg_text` in
 * `proxy/src/serverless/json.rs`): strings themselves, arrays as array literals, everything else as JSON.
 */
export function toPostgresText(value: Json): string | null {
  if (value === null) return null;
  if (typeof value === "string") return value;
  return Array.isArray(value) ? arrayLiteral(value) : JSON.stringify(value);
}

/** `{1,"two",NULL,{"{\"three\":3}"}}`: JSON's escapes for quotes and backslashes are those of array literals too. */
function arrayLiteral(values: Json[]): string {
  return `{${values.map(arrayElement).join(",")}}`;
}

function arrayElement(value: Json): string {
  if (value === null) return "NULL";
  if (Array.isArray(value)) return arrayLiteral(value);
  const json = JSON.stringify(value);
  return typeof value === "object" && !JSON.isRawJSON(value) ? JSON.stringify(json) : json;
}
