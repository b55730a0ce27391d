import { arrayToJson } from "./arrays.ts";
import type { Result } from "./query.ts";

export interface OutputMode {
  /** Every value as PostgreSQL's text, instead of JSON's types. */
  rawText: boolean;
  /** Rows as arrays instead of objects. */
  arrayMode: boolean;
}

/** The type of an array's elements, by the array type's OID. */
export type ElementTypes = ReadonlyMap<number, number>;

// OIDs of types, as PostgreSQL's catalog has them (pg_type.dat).
const bool = 16;
const integers = new Set([21, 23]);
const floats = new Set([700, 701]);
const jsons = new Set([114, 3802]);

/**
 * A result as JSON, as Neon's proxy writes it. The JSON is put together as text, because that is what keeps
 * `json` values as PostgreSQL has them, and columns whatever their name.
 *
 * @param elementTypes for the array types among the result's columns; not needed for raw text
 */
export function resultToJson(result: Result, mode: OutputMode, elementTypes: ElementTypes): string {
  const { command, rowCount, fields } = result;
  const names = fields.map(({ name }) => JSON.stringify(name));
  const toJson = (text: string | null, column: number): string => {
    if (text === null) return "null";
    return mode.rawText
      ? JSON.stringify(text)
      : valueToJson(text, fields[column]?.dataTypeID ?? 0, elementTypes);
  };
  const rows = result.rows.map((row) => {
    const values = row.map(toJson);
    if (mode.arrayMode) return `[${values.join(",")}]`;
    return `{${values.map((value, column) => `${names[column]}:${value}`).join(",")}}`;
  });
  const head = JSON.stringify({ command, rowCount, rowAsArray: mode.arrayMode, fields });
  return `${head.slice(0, -1)},"rows":[${rows.join(",")}]}`;
}

/** One value in PostgreSQL's text format as JSON: `pg_text_to_json` of Neon's proxy. */
export function valueToJson(text: string, type: number, elementTypes: ElementTypes): string {
  const elementType = elementTypes.get(type);
  if (elementType !== undefined) {
    return arrayToJson(text, (element) => valueToJson(element, elementType, elementTypes));
  }
  if (type === bool) return String(text === "t");
  if (integers.has(type) || jsons.has(type)) return text;
  // NaN and the infinities have no number in JSON.
  if (floats.has(type) && Number.isFinite(Number(text))) return text;
  return JSON.stringify(text);
}
