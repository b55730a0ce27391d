import pg from "pg";

// Rights that PostgreSQL gives to every role, and that the Worker's role must not have.

/**
 * PostgreSQL's functions for large objects, as a list for GRANT and REVOKE. Every role may execute them by default, and
 * store anything with them, without limit. Only their owner can revoke that, a superuser.
 *
 * @param condition on `pg_proc`: which of them.
 */
export async function largeObjectFunctions(
  client: pg.Client,
  condition: string,
  values: string[] = [],
): Promise<string> {
  const { rows } = await client.query(
    `SELECT coalesce(string_agg(oid::regprocedure::text, ', ' ORDER BY oid), '') AS functions FROM pg_proc
     WHERE pronamespace = 'pg_catalog'::regnamespace AND (proname ~ '^lo_' OR proname IN ('loread', 'lowrite')) AND ${condition}`,
    values,
  );
  return rows[0]?.functions ?? "";
}

/** Warns of rights that every role has by default, when the owner of the tables could not revoke them. */
export async function warnOfDefaultRights(
  client: pg.Client,
  name: string,
  warn: (message: string) => void,
): Promise<void> {
  const { rows } = await client.query(
    "SELECT has_database_privilege($1, current_database(), 'TEMPORARY') AS temporary",
    [name],
  );
  const database = pg.escapeIdentifier(client.database ?? "");
  if (rows[0]?.temporary)
    warn(
      `${name} can create temporary tables until the database's owner runs: REVOKE TEMPORARY ON DATABASE ${database} FROM PUBLIC;`,
    );
  const largeObjects = await largeObjectFunctions(client, "has_function_privilege($1, oid, 'EXECUTE')", [
    name,
  ]);
  if (largeObjects)
    warn(
      `${name} can create large objects until a superuser runs (on Neon nobody can): REVOKE EXECUTE ON FUNCTION ${largeObjects} FROM PUBLIC;`,
    );
}
