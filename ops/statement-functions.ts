import type pg from "pg";
import { statementFunctions } from "../src/db/sql/functions.ts";
import { createFunctionStatement, readStatementText } from "./statement-files.ts";

// The functions of the statements in the schema `statements` (docs/decisions/0010-statement-functions.md).

const createSchema = `
  CREATE SCHEMA IF NOT EXISTS statements;
  REVOKE ALL ON SCHEMA statements FROM PUBLIC`;

/** The names of the functions that a database has. */
export async function readFunctionNames(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(`
    SELECT proname AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE nspname = 'statements' ORDER BY proname`);
  return rows.map(({ name }) => name);
}

/**
 * Creates the functions of this version's statements that the database lacks: all of them or none. Functions of other
 * versions stay, because Workers that are running may call them.
 *
 * @returns the number of functions that it created.
 */
export async function createStatementFunctions(client: pg.ClientBase): Promise<number> {
  const existing = new Set(await readFunctionNames(client));
  const missing = Object.entries(statementFunctions).filter(
    ([, generated]) => !existing.has(generated.function),
  );
  if (missing.length === 0) return 0;
  const functions = missing.map(([name, generated]) =>
    createFunctionStatement({ ...generated, name, text: readStatementText(name) }),
  );
  const revokes = missing.map(
    ([, generated]) => `REVOKE ALL ON FUNCTION statements.${generated.function} FROM PUBLIC`,
  );
  // Several statements in one query are one transaction.
  await client.query([createSchema, ...functions, ...revokes].join(";\n"));
  return missing.length;
}
