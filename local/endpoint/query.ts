import pg from "pg";
import { tooLarge } from "./failure.ts";
import type { ElementTypes } from "./output.ts";
import type { Statement } from "./payload.ts";

export interface Field {
  name: string;
  dataTypeID: number;
  tableID: number;
  columnID: number;
  dataTypeSize: number;
  dataTypeModifier: number;
  format: "text";
}

export interface Result {
  /** First word of the command tag: SELECT, INSERT, CREATE. */
  command: string;
  rowCount: number | null;
  fields: Field[];
  /** Values in PostgreSQL's text format. */
  rows: (string | null)[][];
}

/** How many bytes of values a request may still get; shared by the statements of a batch. */
export interface Budget {
  bytes: number;
}

const asText = { getTypeParser: () => (value: string) => value };

/**
 * Runs one statement by the extended protocol, which takes exactly one.
 *
 * @throws pg.DatabaseError when PostgreSQL refuses it; Refusal, 507, when its rows go over the budget: then the
 *   connection is still receiving them and cannot be used again
 */
export function runStatement(client: pg.Client, statement: Statement, budget: Budget): Promise<Result> {
  return new Promise((resolve, reject) => {
    const { query: text, params: values } = statement;
    // Two options that pg's types do not know here; without the second, a query without parameters would be
    // sent by the simple protocol.
    const modes = { rowMode: "array", queryMode: "extended" };
    const query = new pg.Query({ text, values, types: asText, ...modes });
    const rows: (string | null)[][] = [];
    query.on("row", (row: (string | null)[]) => {
      for (const value of row) budget.bytes -= value?.length ?? 0;
      if (budget.bytes < 0) reject(tooLarge.response());
      else rows.push(row);
    });
    query.on("error", reject);
    query.on("end", ({ command, rowCount, fields }: pg.QueryResult) => {
      resolve({ command: command ?? "", rowCount, fields: fields.map(describe), rows });
    });
    client.query(query);
  });
}

function describe(field: pg.FieldDef): Field {
  const { name, dataTypeID, tableID, columnID, dataTypeSize, dataTypeModifier } = field;
  return { name, dataTypeID, tableID, columnID, dataTypeSize, dataTypeModifier, format: "text" };
}

/** Asks PostgreSQL which of the columns' types are arrays, and of what. */
export async function elementTypesOf(client: pg.Client, results: Result[]): Promise<ElementTypes> {
  const types = new Set(results.flatMap(({ fields }) => fields.map(({ dataTypeID }) => dataTypeID)));
  if (types.size === 0) return new Map();
  const { rows } = await client.query<{ array: number; element: number }>(
    "SELECT typarray AS array, oid AS element FROM pg_catalog.pg_type WHERE typarray = ANY ($1)",
    [[...types]],
  );
  return new Map(rows.map(({ array, element }) => [array, element]));
}
