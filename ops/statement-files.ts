import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

// The generated files of the statements: `src/db/sql/<group>/<name>.sql` and `src/db/sql/functions.ts`. `npm run sql`
// (local/sql.ts) writes them, `db:migrate` reads them.

export const sqlFolder = join(import.meta.dirname, "..", "src", "db", "sql");

/** A statement as PostgreSQL sees it. */
export interface GeneratedStatement {
  /** `group/name` */
  name: string;
  /** The name of its function in the schema `statements`: the statement's name and a hash of the definition. */
  function: string;
  /** The types of the parameters, by name and in order. */
  params: Record<string, string>;
  /** The types of the columns, by name and in order. */
  columns: Record<string, string>;
  /** Whether it reads a page in the order of an index. */
  readsInIndexOrder: boolean;
  /** The text, formatted, without a semicolon. */
  text: string;
}

/** The path of a statement's file. */
export const statementFile = (name: string): string => join(sqlFolder, `${name}.sql`);

/** The text of a statement's file, without its header line and the semicolon. */
export const readStatementText = (name: string): string =>
  readFileSync(statementFile(name), "utf8")
    .replace(/^--.*\n/, "")
    .replace(/;\n$/, "");

/**
 * Settings of every function. Generic plans: a plan for certain values is made anew for each call, because PostgreSQL
 * estimates that it is cheaper when the statement has `LIMIT $n`. No sequential scans: the plan of a small table is kept
 * when the table has grown. No JIT compilation: before PostgreSQL 18, a plan that cannot avoid what is disabled has a cost
 * of 10^10, and every call would be compiled for seconds.
 */
const settingsOfAll = ["plan_cache_mode = force_generic_plan", "enable_seqscan = off", "jit = off"];

/**
 * Settings of the functions that read a page in the order of an index: no sorts of whole tables, however wrong the
 * statistics are (docs/decisions/0010-statement-functions.md).
 */
const settingsForIndexOrder = [
  "enable_sort = off",
  "enable_incremental_sort = off",
  // A search collects the positions of the rows that it finds. If they did not fit into memory, it would read all other
  // rows of the same pages, too. With the default of 4 MB, that happens in tables of 500 MB and more.
  "work_mem = '32MB'",
];

/** The function of a statement: PL/pgSQL keeps its plan in each backend. */
export function createFunctionStatement(statement: GeneratedStatement): string {
  const params = Object.values(statement.params).join(", ");
  const columns = Object.entries(statement.columns).map(([name, type]) => `"${name}" ${type}`);
  const settings = [...settingsOfAll, ...(statement.readsInIndexOrder ? settingsForIndexOrder : [])];
  return `CREATE FUNCTION statements.${statement.function} (${params})
RETURNS TABLE (${columns.join(", ")})
LANGUAGE plpgsql ROWS 1
${settings.map((setting) => `SET ${setting}`).join("\n")}
AS $function$
#variable_conflict use_column
BEGIN
RETURN QUERY
${statement.text};
END
$function$`;
}

/** How many hexadecimal digits of the hash a function's name has. */
const HASH_DIGITS = 8;
/** PostgreSQL cuts longer names off: the function would then be missing under its own name. */
const MAX_NAME_LENGTH = 63;

/**
 * The name of a statement's function. The hash is that of the whole definition, so a function with other parameters,
 * columns, settings or text has another name.
 *
 * @throws an error when PostgreSQL could not have it as a name.
 */
export function functionName(statement: Omit<GeneratedStatement, "function">): string {
  const definition = createFunctionStatement({ ...statement, function: "" });
  const hash = createHash("sha256").update(definition).digest("hex").slice(0, HASH_DIGITS);
  const name = `${statement.name.replaceAll(/[/-]/g, "_")}_${hash}`;
  if (name.length > MAX_NAME_LENGTH) {
    const allowed = MAX_NAME_LENGTH - HASH_DIGITS - 1;
    throw new Error(`The name of the statement ${statement.name} has more than ${allowed} characters.`);
  }
  return name;
}
