import { owner } from "./owner.ts";

/** All tables of the database but those of PostgreSQL itself; of a partitioned table its partitions. */
const tablesStatement = `
  SELECT format('%I.%I', table_schema, table_name) AS name
  FROM information_schema.tables t JOIN pg_class c ON c.oid = format('%I.%I', table_schema, table_name)::regclass
  WHERE c.relkind IN ('r', 'm') AND table_schema NOT IN ('pg_catalog', 'information_schema')
  ORDER BY 1`;

/**
 * Searches all tables of the database, each row as text in any case.
 *
 * @returns the tables that have `text` in a row, and how many such rows: `{"public.patients": 1}`.
 */
export async function searchTables(text: string): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const { name } of await owner().query(tablesStatement)) {
    const [{ count } = { count: 0 }] = await owner().query(
      `SELECT count(*)::int AS count FROM ${name} row WHERE strpos(lower(row::text), lower($1)) > 0`,
      [text],
    );
    // A partition of the audit log has its month in its name.
    if (count > 0) found[name.replace(/^public\.|_\d{4}_\d\d$/g, "")] = count;
  }
  return found;
}
