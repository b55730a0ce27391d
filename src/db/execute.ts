import { sql } from "drizzle-orm";
import type { NeonHttpDatabase } from "drizzle-orm/neon-http";
import { postgresErrorOf } from "./errors.ts";
import { bindValues, type Query, type RenderedStatement, renderStatement } from "./render.ts";
import type { Connection } from "./statement.ts";

// How a statement is sent: as a call of its function in the schema `statements`, which keeps its plan
// (docs/decisions/0010-statement-functions.md), or as text when that function cannot be called.

/** A statement, and how it is called on each database. */
interface ExecutableStatement {
  name: string;
  query: Query;
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
 * Executes a statement. When it is sent as text, `sentAsText` of the connection is set.
 *
 * @param values the parameters by name.
 * @returns its row, or `undefined` when there is none.
 * @throws a DrizzleQueryError, whose cause is a NeonDbError or a network error.
 */
export async function executeStatement(
  database: NeonHttpDatabase,
  statement: ExecutableStatement,
  values: Record<string, unknown>,
  connection: Pick<Connection, "sentAsText">,
): Promise<Record<string, unknown> | undefined> {
  const call = await functionCall(database, statement);
  if (isAvailable(call)) {
    try {
      const [row] = await call.execute(values);
      return row;
    } catch (error) {
      const advice = unavailableFunctionAdvice(error);
      if (advice === undefined) throw error;
      // One line for all the requests that are waiting for this call.
      if (isAvailable(call))
        console.warn(JSON.stringify({ statement: statement.name, sent_as: "text", advice }));
      call.unavailableUntil = performance.now() + UNAVAILABLE_MS;
    }
  }
  connection.sentAsText = true;
  call.rendered ??= renderStatement(statement.query);
  const { rows } = await database.execute(bindValues(call.rendered, values));
  return rows[0];
}

const isAvailable = ({ unavailableUntil }: FunctionCall): boolean => performance.now() >= unavailableUntil;

/** The call of a statement's function, prepared once for each database. */
async function functionCall(
  database: NeonHttpDatabase,
  { name, calls }: ExecutableStatement,
): Promise<FunctionCall> {
  const known = calls.get(database);
  if (known) return known;
  const prepared = await prepareCall(database, name);
  // A parallel request may have prepared it meanwhile.
  const call = calls.get(database) ?? prepared;
  calls.set(database, call);
  return call;
}

async function prepareCall(database: NeonHttpDatabase, name: string): Promise<FunctionCall> {
  // Loaded when it is first needed: 40 KB that requests without the database do not use.
  const { statementFunctions } = await import("./sql/functions.ts");
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

/**
 * What an operator has to do when a function could not be called; `undefined` for every other error. A call is one
 * statement and its own transaction, so after any of these errors nothing was done and the text can be sent.
 */
function unavailableFunctionAdvice(error: unknown): string | undefined {
  const { code, message = "" } = postgresErrorOf(error);
  switch (code) {
    // There is no such function, or no schema `statements`.
    case "42883":
    case "3F000":
      return CREATE_FUNCTIONS;
    // It was dropped while PostgreSQL planned or began the call. An internal error has no SQLSTATE of its own, and is
    // never translated.
    case "XX000":
      return /^cache lookup failed for function \d+$/.test(message) ? CREATE_FUNCTIONS : undefined;
    // The role has no right to call it.
    case "42501":
      return GRANT_RIGHTS;
    default:
      return undefined;
  }
}

const GRANT_RIGHTS = "Run npm run db:role -- <role> --keep-password.";
const CREATE_FUNCTIONS = `Run npm run db:migrate. ${GRANT_RIGHTS}`;
