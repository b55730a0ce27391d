import pg from "pg";

/** How many milliseconds each step may take. Only against a server that does not answer. */
const TERMINATE_MS = 30_000;

/**
 * Ends the connection of the backend `pid` and its transaction. Neon's proxy cancels the statement; PostgreSQL ignores that
 * between two messages of a statement, which would then run to its end.
 *
 * @throws when that is not possible
 */
export async function terminateBackend(connectionString: string | undefined, pid: number): Promise<void> {
  const timeouts = { connectionTimeoutMillis: TERMINATE_MS, query_timeout: TERMINATE_MS };
  const client = new pg.Client({ connectionString, ...timeouts }).on("error", () => {});
  try {
    await client.connect();
    await client.query("SELECT pg_terminate_backend($1)", [pid]);
  } finally {
    await client.end();
  }
}

/**
 * What Neon's proxy sends after each request (`reset_session_background` in `libs/proxy/tokio-postgres2/src/client.rs`).
 * It is DISCARD ALL without DISCARD PLANS: the plans of PL/pgSQL functions are kept for later requests.
 */
const RESET_SESSION = `ROLLBACK;
CLOSE ALL;
SET SESSION AUTHORIZATION DEFAULT;
RESET ALL;
DEALLOCATE ALL;
UNLISTEN *;
SELECT pg_advisory_unlock_all();
DISCARD TEMP;
DISCARD SEQUENCES;`;

/** Ends the transaction and discards the session's state. @returns whether that succeeded */
export function resetSession(client: pg.ClientBase): Promise<boolean> {
  return client.query(RESET_SESSION).then(
    () => true,
    () => false,
  );
}
