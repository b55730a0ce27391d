import { type Placeholder, type SQL, sql } from "drizzle-orm";
import type { DatabaseConnections, LoadDatabase } from "./client.ts";
import { classifyDatabaseError, DatabaseError } from "./errors.ts";
import { executeStatement, type FunctionCalls } from "./execute.ts";
import type { Query } from "./render.ts";

/** JSON text of a `Shape`, made by PostgreSQL. The Worker sends it to the client without parsing it. */
export type Json<Shape> = string & { readonly shape?: Shape };

/** The database as one request sees it. */
export interface Connection extends DatabaseConnections {
  /** How long the request has waited for the database so far, in milliseconds. */
  waitedMs: number;
  /** Whether a statement of the request was sent as text, because its function could not be called. */
  sentAsText: boolean;
}

/** A named parameter. The caller of the statement passes its value under this name. */
export const param = (name: string): Placeholder => sql.placeholder(name);

/** A parameter that is an integer, such as an id. */
export const intParam = (name: string): SQL => sql`${param(name)}::int`;

export interface StatementOptions<Values> {
  /** Whether a retryable statement may be executed twice with these values; always when left out. */
  isRetryable?: (values: Values) => boolean;
  /** Whether it reads a page in the order of an index. Its function then disables sorts (ops/statement-files.ts). */
  readsInIndexOrder?: boolean;
}

/**
 * Every statement of the Worker by its name, `group/name`. `npm run sql` writes the text of each into
 * `src/db/sql/group/name.sql`.
 */
export const statements = new Map<string, { query: Query; readsInIndexOrder: boolean }>();

/** Sends a statement. @returns its row, or `undefined` when there is none. @throws {DatabaseError} */
export type SendStatement<Row, Values> = (connection: Connection, values: Values) => Promise<Row | undefined>;

/**
 * Defines a statement.
 *
 * @param name `group/name`, unique. It is the name of the generated file and the beginning of the function's name.
 * @param query the whole statement. Its parameters are `param(name)`; it contains no literal values.
 */
export function defineStatement<Row, Values extends object>(
  name: string,
  query: Query,
  { readsInIndexOrder = false }: Pick<StatementOptions<Values>, "readsInIndexOrder"> = {},
): SendStatement<Row, Values> {
  const execute = registerStatement<Row, Values>(name, query, readsInIndexOrder);
  return (connection, values) => execute(connection, values, connection.database);
}

/**
 * Defines a statement that may be executed twice. It is retried once when the database is unavailable (see
 * `DatabaseFault`): the first attempt may have been executed all the same. The parameter `is_retry` says which attempt
 * it is.
 */
export function defineRetryableStatement<Row, Values extends object>(
  name: string,
  query: Query,
  { isRetryable = () => true, readsInIndexOrder = false }: StatementOptions<Values> = {},
): SendStatement<Row, Values> {
  const execute = registerStatement<Row, Values & { is_retry: boolean }>(name, query, readsInIndexOrder);
  return async (connection, values) => {
    const { database, retryableDatabase, maxRetryPauseMs } = connection;
    const first = { ...values, is_retry: false };
    if (!isRetryable(values)) return execute(connection, first, database);
    try {
      return await execute(connection, first, retryableDatabase);
    } catch (error) {
      if (classifyDatabaseError(error)?.kind !== "unavailable") throw error;
      await scheduler.wait(Math.random() * maxRetryPauseMs);
      return execute(connection, { ...values, is_retry: true }, retryableDatabase);
    }
  };
}

function registerStatement<Row, Values extends object>(
  name: string,
  query: Query,
  readsInIndexOrder = false,
) {
  if (statements.has(name)) throw new Error(`There are two statements ${name}.`);
  statements.set(name, { query, readsInIndexOrder });
  const calls: FunctionCalls = new WeakMap();
  return async (connection: Connection, values: Values, load: LoadDatabase): Promise<Row | undefined> => {
    const start = performance.now();
    try {
      const statement = { name, query, calls };
      const row = await executeStatement(
        await load(),
        statement,
        values as Record<string, unknown>,
        connection,
      );
      return row as Row | undefined;
    } catch (error) {
      throw new DatabaseError(error);
    } finally {
      connection.waitedMs += performance.now() - start;
    }
  };
}
