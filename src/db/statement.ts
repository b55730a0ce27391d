import { Placeholder, type SQL, sql } from "drizzle-orm";
import { CasingCache } from "drizzle-orm/casing";
import type { Database, Databases } from "./client.ts";
import { DatabaseError, databaseFault } from "./errors.ts";

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

/** How Drizzle writes SQL. All names are ours, and none has a quotation mark in it. */
const writing = {
  casing: new CasingCache(),
  escapeName: (name: string) => `"${name}"`,
  escapeString: (text: string) => `'${text.replaceAll("'", "''")}'`,
};

/** What Drizzle makes of SQL: its text, and the names of the values that it is given, each once. */
function written(query: SQL): { text: string; names: string[] } {
  const names: string[] = [];
  const escapeParam = (_: number, placeholder: unknown) => {
    if (!(placeholder instanceof Placeholder)) throw new Error("A statement has a value in its text.");
    const known = names.indexOf(placeholder.name);
    return `$${known < 0 ? names.push(placeholder.name) : known + 1}`;
  };
  // On one line: it is sent each time. No string in a statement has a line's end in it.
  return { text: query.toQuery({ ...writing, escapeParam }).sql.replaceAll(/\s*\n\s*/g, " "), names };
}

/** What a statement is made of: common table expressions, and one row of what came of them. */
export interface Plan<Row> {
  /** The expressions by their names, in order; a later one may use an earlier one. */
  steps: Record<string, SQL>;
  /** The step that the row is of. */
  from: string;
  /** The row's columns, and what they hold. */
  row: { [Column in keyof Row]: SQL<Row[Column]> };
}

const textOf = <Row>({ steps, from, row }: Plan<Row>) =>
  written(sql`
    WITH ${sql.join(
      Object.entries(steps).map(([name, step]) => sql`${sql.identifier(name)} AS (${step})`),
      sql`, `,
    )} SELECT ${sql.join(
      Object.entries<SQL>(row).map(([name, column]) => sql`${column} AS ${sql.identifier(name)}`),
      sql`, `,
    )} FROM ${sql.identifier(from)}`);

/**
 * A statement, whose text is made once, by Drizzle, when it is first sent: an isolate that starts makes none, and most never send
 * them all.
 */
export function statement<Row, Values extends Record<string, unknown> = Record<string, never>>(
  describe: () => Plan<Row>,
) {
  let made: ReturnType<typeof written> | undefined;

  /**
   * @returns the row, or `undefined` when there is none.
   * @throws {DatabaseError}
   */
  return async (
    connection: Connection,
    values: Values,
    database: Database = connection.database,
  ): Promise<Row | undefined> => {
    made ??= textOf(describe());
    const { text, names } = made;
    const params = names.map((name) => given(values, name));
    const start = performance.now();
    try {
      const [found] = await database(text, params);
      return found as Row | undefined;
    } catch (error) {
      throw new DatabaseError(error);
    } finally {
      connection.waited += performance.now() - start;
    }
  };
}

function given(values: Record<string, unknown>, name: string): unknown {
  if (!(name in values)) throw new Error(`A statement is not given its ${name}.`);
  return values[name];
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
