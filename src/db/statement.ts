import { type SQL, sql } from "drizzle-orm";
import type { Database, Databases } from "./client.ts";
import { databaseFault } from "./errors.ts";

/** JSON text that PostgreSQL made of a `Shape`: it is sent on as it is, never parsed at the edge. */
export type Json<Shape> = string & { readonly shape?: Shape };

/** What the statements of one request are sent through. */
export interface Connection extends Databases {
  /** How long the request has waited for it so far, in milliseconds. */
  waited: number;
}

/** A value that a statement is given when it is sent, by its name. */
export const value = (name: string) => sql.placeholder(name);

/** Whether a step has a row. */
export const exists = (step: string): SQL<boolean> => sql`EXISTS (SELECT FROM ${sql.identifier(step)})`;

/**
 * A statement whose text is made once, by Drizzle, when it is first sent: common table expressions, and one row of what
 * came of them.
 *
 * @param steps the expressions by their names, in order; a later one may use an earlier one.
 * @param from the step that the row is of.
 * @param row its columns, and what they hold.
 */
export function statement<Row, Values extends Record<string, unknown> = Record<string, never>>(
  steps: Record<string, SQL>,
  from: string,
  row: { [Column in keyof Row]: SQL<Row[Column]> },
) {
  const build = (database: Database) =>
    database
      .with(...Object.entries(steps).map(([name, query]) => database.$with(name, {}).as(query)))
      .select(row as Record<string, SQL>)
      .from(sql`${sql.identifier(from)}`)
      .prepare(from);
  const built = new WeakMap<Database, ReturnType<typeof build>>();
  function preparedFor(database: Database) {
    const known = built.get(database);
    if (known) return known;
    const prepared = build(database);
    built.set(database, prepared);
    return prepared;
  }

  /** @returns the row, or `undefined` when there is none. */
  return async (
    connection: Connection,
    values: Values,
    database = connection.database,
  ): Promise<Row | undefined> => {
    const prepared = preparedFor(database);
    const start = performance.now();
    try {
      const [found] = await prepared.execute(values);
      return found as Row | undefined;
    } finally {
      connection.waited += performance.now() - start;
    }
  };
}

/**
 * Sends a statement, and once more when the database could not be reached, did not answer in time or gave up. The first one may
 * have been done all the same: `again` is what is right then.
 */
export const twice =
  <Row, Values extends Record<string, unknown>>(
    first: ReturnType<typeof statement<Row, Values>>,
    again: ReturnType<typeof statement<Row, Values>>,
  ): ReturnType<typeof statement<Row, Values>> =>
  async (connection, values) => {
    const { hasty, pause } = connection;
    try {
      return await first(connection, values, hasty);
    } catch (error) {
      if (databaseFault(error)?.kind !== "unavailable") throw error;
      await scheduler.wait(Math.random() * pause);
      return again(connection, values, hasty);
    }
  };
