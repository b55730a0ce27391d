import pg from "pg";

/** How many milliseconds each step of a cancellation may take. */
const CANCEL_MS = 1000;

/** Cancels the running statement of the backend `pid`. @throws when that is not possible */
export async function cancelStatement(connectionString: string | undefined, pid: number): Promise<void> {
  const timeouts = { connectionTimeoutMillis: CANCEL_MS, query_timeout: CANCEL_MS };
  const client = new pg.Client({ connectionString, ...timeouts }).on("error", () => {});
  try {
    await client.connect();
    await client.query("SELECT pg_cancel_backend($1)", [pid]);
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
