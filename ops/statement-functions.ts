import type pg from "pg";
import { statementFunctions } from "../src/db/sql/functions.ts";
import { createFunctionStatement, readStatementText } from "./statement-files.ts";

// The functions of the statements in the schema `statements` (docs/decisions/0010-statement-functions.md).

const createSchema = `
  CREATE SCHEMA IF NOT EXISTS statements;
  REVOKE ALL ON SCHEMA statements FROM PUBLIC`;

/** A function that a database has. */
interface ExistingFunction {
  name: string;
  /** With its schema and the types of its parameters: `statements.patients_find_e65d36ee(integer, …)` */
  signature: string;
}

async function readFunctions(client: pg.ClientBase): Promise<ExistingFunction[]> {
  const { rows } = await client.query<ExistingFunction>(`
    SELECT proname AS name, p.oid::regprocedure::text AS signature
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE nspname = 'statements' AND prokind = 'f' ORDER BY signature`);
  return rows;
}

/** The functions of this version's statements that a database lacks, and the functions that it has beyond them. */
export async function compareFunctions(client: pg.ClientBase) {
  const existing = await readFunctions(client);
  const existingNames = new Set(existing.map(({ name }) => name));
  const ownNames = new Set(Object.values(statementFunctions).map((own) => own.function));
  return {
    missing: Object.entries(statementFunctions).filter(([, own]) => !existingNames.has(own.function)),
    others: existing.filter(({ name }) => !ownNames.has(name)),
  };
}

/** Drops functions: all of them or none. */
export async function dropFunctions(client: pg.ClientBase, functions: ExistingFunction[]): Promise<void> {
  // Several statements in one query are one transaction.
  await client.query(functions.map(({ signature }) => `DROP FUNCTION ${signature}`).join(";\n"));
}

/**
 * Creates the functions of this version's statements that the database lacks: all of them or none. Functions of other
 * versions stay, because Workers that are running may call them.
 *
 * @returns the number of functions that it created.
 * @throws an error whose message says what is wrong and what to do.
 */
export async function createStatementFunctions(client: pg.ClientBase): Promise<number> {
  const { missing } = await compareFunctions(client);
  if (missing.length === 0) return 0;
  const functions = missing.map(([name, generated]) =>
    createFunctionStatement({ ...generated, name, text: readStatementText(name) }),
  );
  const revokes = missing.map(
    ([, generated]) => `REVOKE ALL ON FUNCTION statements.${generated.function} FROM PUBLIC`,
  );
  // Several statements in one query are one transaction.
  await client.query([createSchema, ...functions, ...revokes].join(";\n")).catch(throwWithAdvice);
  return missing.length;
}

function throwWithAdvice(error: unknown): never {
  const reason = error instanceof Error ? error.message : String(error);
  throw new Error(
    `The migrations are applied, but no function of a statement was created: ${reason}. Fix the cause, then migrate again. The API works without them, more slowly.`,
  );
}
