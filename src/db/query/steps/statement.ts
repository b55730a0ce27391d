import type { NeonQueryFunction } from "@neondatabase/serverless";
import { Placeholder, type SQL, sql } from "drizzle-orm";
import { CasingCache } from "drizzle-orm/casing";
import type { LoadDatabase } from "../../client.ts";
import { classifyDatabaseError, DatabaseError } from "../../errors.ts";

export { type Connection, intParam, type Json, param } from "../../statement.ts";

import type { Connection } from "../../statement.ts";

/** Whether a step returned a row. */
export const exists = (step: string): SQL<boolean> => sql`EXISTS (SELECT FROM ${sql.identifier(step)})`;

/** How Drizzle renders SQL. All names come from this code, and none contains a quotation mark. */
const sqlWriter = {
  casing: new CasingCache(),
  escapeName: (name: string) => `"${name}"`,
  escapeString: (text: string) => `'${text.replaceAll("'", "''")}'`,
};

/** The text of a query and the names of its parameters in order. A parameter that is used twice is sent once. */
function renderSql(query: SQL): { text: string; names: string[] } {
  const names: string[] = [];
  const escapeParam = (_: number, placeholder: unknown) => {
    if (!(placeholder instanceof Placeholder)) throw new Error("A statement contains a literal value.");
    const index = names.indexOf(placeholder.name);
    return `$${index < 0 ? names.push(placeholder.name) : index + 1}`;
  };
  // On one line, because the text is sent with every request. No string literal in a statement contains a line break.
  return { text: query.toQuery({ ...sqlWriter, escapeParam }).sql.replaceAll(/\s*\n\s*/g, " "), names };
}

/** A statement: common table expressions ("steps"), and one row that is selected from one of them. */
export interface StatementPlan<Row> {
  /** The steps by name, in order. A step may use the ones before it. */
  steps: Record<string, SQL>;
  /** The step that the row is selected from. */
  from: string;
  /** Without it being true there is no row. */
  where?: SQL;
  /** The columns of the row. */
  row: { [Column in keyof Row]: SQL<Row[Column]> };
}

const renderStatement = <Row>({ steps, from, where = sql`true`, row }: StatementPlan<Row>) =>
  renderSql(sql`
    WITH ${sql.join(
      Object.entries(steps).map(([name, step]) => sql`${sql.identifier(name)} AS (${step})`),
      sql`, `,
    )} SELECT ${sql.join(
      Object.entries<SQL>(row).map(([name, column]) => sql`${column} AS ${sql.identifier(name)}`),
      sql`, `,
    )} FROM ${sql.identifier(from)} WHERE ${where}`);

/**
 * Defines a statement. Its text is built once in an isolate, when it is first sent: building all of them at start-up
 * costs CPU that most isolates never need.
 *
 * @param describe returns the statement; called at most once.
 */
export function defineStatement<Row, Values extends Record<string, unknown> = Record<string, never>>(
  describe: () => StatementPlan<Row>,
) {
  let rendered: ReturnType<typeof renderSql> | undefined;

  /**
   * Sends the statement.
   *
   * @param values the parameters by name.
   * @returns its row, or `undefined` when there is none.
   * @throws {DatabaseError}
   */
  return async (
    connection: Connection,
    values: Values,
    load: LoadDatabase = connection.database,
  ): Promise<Row | undefined> => {
    rendered ??= renderStatement(describe());
    const { text, names } = rendered;
    const params = names.map((name) => requireParam(values, name));
    const start = performance.now();
    try {
      const { $client } = (await load()) as unknown as { $client: NeonQueryFunction<false, false> };
      const [row] = await $client.query(text, params);
      return row as Row | undefined;
    } catch (error) {
      throw new DatabaseError(error);
    } finally {
      connection.waitedMs += performance.now() - start;
    }
  };
}

function requireParam(values: Record<string, unknown>, name: string): unknown {
  if (!(name in values)) throw new Error(`The statement's parameter ${name} is missing.`);
  return values[name];
}

/**
 * Retries a statement once when the database is unavailable (see `DatabaseFault`). The first attempt may have been
 * executed all the same, so this is for statements that may be executed twice.
 *
 * @param first the first attempt.
 * @param retry the second one: what is right when the first one may have been executed.
 */
export const withRetry =
  <Row, Values extends Record<string, unknown>>(
    first: ReturnType<typeof defineStatement<Row, Values>>,
    retry: ReturnType<typeof defineStatement<Row, Values>>,
  ): ReturnType<typeof defineStatement<Row, Values>> =>
  async (connection, values) => {
    const { retryableDatabase, maxRetryPauseMs } = connection;
    try {
      return await first(connection, values, retryableDatabase);
    } catch (error) {
      if (classifyDatabaseError(error)?.kind !== "unavailable") throw error;
      await scheduler.wait(Math.random() * maxRetryPauseMs);
      return retry(connection, values, retryableDatabase);
    }
  };
