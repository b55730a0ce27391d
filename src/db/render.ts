import { Placeholder, type SQL, sql } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";

/**
 * Returns the template of a statement. It is a function because the Worker calls the statement's function and needs the
 * template only to send it as text: building all of them at start-up takes some milliseconds of CPU.
 */
export type Query = () => SQL;

/** A statement as PostgreSQL gets it. */
export interface RenderedStatement {
  text: string;
  /** The names of the parameters `$1`, `$2` … */
  params: string[];
}

/** The text of a query and the names of its parameters. A parameter that is used twice has one number. */
export function renderStatement(query: Query): RenderedStatement {
  const rendered = new PgDialect().sqlToQuery(query());
  const names = rendered.params.map(placeholderName);
  const params = [...new Set(names)];
  // Drizzle numbers each use of a parameter. No string literal in a statement contains a dollar sign and a digit.
  const text = rendered.sql.replaceAll(
    /\$(\d+)/g,
    (_, number) => `$${params.indexOf(names[Number(number) - 1] as string) + 1}`,
  );
  return { text, params };
}

function placeholderName(placeholder: unknown): string {
  if (!(placeholder instanceof Placeholder)) throw new Error("A statement contains a literal value.");
  return placeholder.name;
}

/**
 * The text of a statement with values, as a query that Drizzle executes. Drizzle numbers the values in order, which is
 * the order in which parameters are used first; where one is used again, its number is part of the text.
 *
 * @throws when a value is missing, as the call of a function does.
 */
export function bindValues({ text, params }: RenderedStatement, values: Record<string, unknown>): SQL {
  let bound = 0;
  const chunks = text.split(/(\$\d+)/).map((chunk) => {
    if (chunk !== `$${bound + 1}`) return sql.raw(chunk);
    const name = params[bound++] as string;
    if (!(name in values)) throw new Error(`The statement's parameter ${name} is missing.`);
    return sql.param(values[name]);
  });
  return sql.join(chunks);
}
