import { type SQL, sql } from "drizzle-orm";
import type { PgColumn, PgTable } from "drizzle-orm/pg-core";
import { columnsNamed, shown } from "./query/json.ts";

/**
 * A row as a line of CSV (RFC 4180), of the columns of the `names`, in their order. A text that a spreadsheet would take for a
 * formula has an apostrophe before it, and so has one that begins with apostrophes and then such: that can be undone.
 */
export function csvLineOf(table: PgTable, names: string[]): SQL {
  const cells = columnsNamed(table, names).map((column) =>
    column.getSQLType() === "text" ? quoted(column) : shown(column),
  );
  return sql`concat_ws(',', ${sql.join(cells, sql`, `)}) || E'\\r\\n'`;
}

const quoted = (column: PgColumn): SQL =>
  sql`'"' || replace(regexp_replace(${column}, E'^(\\'*[-=+@\\t\\r])', E'\\'\\\\1'), '"', '""') || '"'`;
