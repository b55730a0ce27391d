import { type SQL, sql } from "drizzle-orm";
import type { NeonHttpDatabase } from "drizzle-orm/neon-http";
import { errorCode } from "./errors.ts";
import { bindValues, type RenderedStatement, renderStatement } from "./render.ts";
import { statementFunctions } from "./sql/functions.ts";

// How a statement is sent: as a call of its function in the schema `statements`, which keeps its plan
// (docs/decisions/0010-statement-functions.md), or as text when that function cannot be called.

/** A statement, and how it is called on each database. */
export interface ExecutableStatement {
  name: string;
  query: SQL;
  calls: FunctionCalls;
}
export type FunctionCalls = WeakMap<NeonHttpDatabase, FunctionCall>;

interface FunctionCall {
  execute: (values: Record<string, unknown>) => Promise<Record<string, unknown>[]>;
  /** Until when (`performance.now()`) the text is sent instead, because the function could not be called. */
  unavailableUntil: number;
  rendered?: RenderedStatement;
}

/** For how long the text is sent after a function could not be called: it may have been created meanwhile. */
const UNAVAILABLE_MS = 60_000;

/**
 * Executes a statement.
 *
 * @param values the parameters by name.
 * @returns its row, and whether it was sent as text.
 * @throws a DrizzleQueryError, whose cause is a NeonDbError or a network error.
 */
export async function executeStatement(
  database: NeonHttpDatabase,
  statement: ExecutableStatement,
  values: Record<string, unknown>,
): Promise<{ row: Record<string, unknown> | undefined; sentAsText: boolean }> {
  const call = functionCall(database, statement);
  if (performance.now() >= call.unavailableUntil) {
    try {
      const [row] = await call.execute(values);
      return { row, sentAsText: false };
    } catch (error) {
      const advice = unavailableFunctionAdvice(error);
      if (advice === undefined) throw error;
      // PostgreSQL refused to call the function, so nothing was done.
      call.unavailableUntil = performance.now() + UNAVAILABLE_MS;
      console.warn(JSON.stringify({ statement: statement.name, sent_as: "text", advice }));
    }
  }
  call.rendered ??= renderStatement(statement.query);
  const { rows } = await database.execute(bindValues(call.rendered, values));
  return { row: rows[0], sentAsText: true };
}

/** The call of a statement's function, prepared once for each database. */
function functionCall(database: NeonHttpDatabase, { name, calls }: ExecutableStatement): FunctionCall {
  const known = calls.get(database);
  if (known) return known;
  const call = prepareCall(database, name);
  calls.set(database, call);
  return call;
}

function prepareCall(database: NeonHttpDatabase, name: string): FunctionCall {
  const generated = statementFunctions[name];
  if (!generated) throw new Error(`The statement ${name} was not generated: run npm run sql.`);
  const columns = Object.keys(generated.columns).map((column) => [column, sql`${sql.identifier(column)}`]);
  const params = Object.keys(generated.params).map((param) => sql`${sql.placeholder(param)}`);
  const query = database
    .select(Object.fromEntries(columns))
    .from(sql`statements.${sql.identifier(generated.function)}(${sql.join(params, sql`, `)})`)
    .prepare(name);
  return { execute: (values) => query.execute(values), unavailableUntil: 0 };
}

/** What an operator has to do when a function could not be called; `undefined` for every other error. */
function unavailableFunctionAdvice(error: unknown): string | undefined {
  switch (errorCode(error)) {
    // There is no such function, or no schema `statements`.
    case "42883":
    case "3F000":
      return "Run npm run db:migrate, then npm run db:role.";
    // The role has no right to call it.
    case "42501":
      return "Run npm run db:role.";
    default:
      return undefined;
  }
}
