import { setTimeout } from "node:timers/promises";
import pg from "pg";

/** The error of a refused request. The client gets its message, and its SQLSTATE `code` if it has one. */
export class EndpointError extends Error {
  readonly status: number;
  readonly code: string | undefined;

  constructor(status: number, message: string, code?: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** The most connections for one connection string. PostgreSQL allows 100 by default. */
const CONNECTIONS = 40;
/** How many milliseconds a request waits for a connection. */
const CONNECT_MS = 30_000;
/** How many milliseconds a cancellation may take, and closing all connections. */
const END_MS = 1000;

export type Connections = ReturnType<typeof createConnections>;

/** Connection pools for the server that `databaseUrl` names, one for each connection string of the clients. */
export function createConnections(databaseUrl: string) {
  const server = new URL(databaseUrl);
  // With this, pg reads `sslmode` as libpq does.
  server.searchParams.set("uselibpqcompat", "true");
  const pools = new Map<string, pg.Pool>();

  function poolFor(connectionString: string): pg.Pool {
    const existing = pools.get(connectionString);
    if (existing) return existing;
    const pool = new pg.Pool({ connectionString, max: CONNECTIONS, connectionTimeoutMillis: CONNECT_MS });
    // Without listeners a broken connection would end the process. Its user gets the error from the query.
    pool.on("error", () => {});
    pool.on("connect", (client) => void client.on("error", () => {}));
    pools.set(connectionString, pool);
    return pool;
  }

  return {
    /**
     * Calls `work` with a connection that has no state of earlier requests. Waits while all connections are in use.
     * When `signal` is aborted, the running statement is cancelled.
     *
     * @param header `Neon-Connection-String`
     * @throws what `work` throws; EndpointError or pg.DatabaseError when no connection can be had; the signal's reason
     */
    async withConnection<T>(
      header: string,
      signal: AbortSignal,
      work: (client: pg.ClientBase) => Promise<T>,
    ) {
      const target = targetOf(header, server);
      const { client, pid } = await connect(poolFor(target), signal);
      const hangUp = () => {
        const closeConnection = () => client.end();
        cancel(target, pid).then(closeConnection, closeConnection);
      };
      signal.addEventListener("abort", hangUp);
      let isIntact = true;
      try {
        signal.throwIfAborted();
        return await work(client);
      } catch (error) {
        isIntact = error instanceof pg.DatabaseError;
        throw error;
      } finally {
        // Before the response is sent: the next request must not meet a lock of this one.
        const isClean = isIntact && (await resetSession(client));
        signal.removeEventListener("abort", hangUp);
        // Closed after a cancellation, which may arrive late and would cancel the connection's next statement.
        client.release(!isClean || signal.aborted);
      }
    },

    /** Closes all connections. Waits at most a second for those in use. */
    async end(): Promise<void> {
      const closed = Promise.all([...pools.values()].map((pool) => pool.end()));
      await Promise.race([closed, setTimeout(END_MS, undefined, { ref: false })]);
    },
  };
}

async function connect(pool: pg.Pool, signal: AbortSignal): Promise<{ client: pg.PoolClient; pid: number }> {
  for (;;) {
    signal.throwIfAborted();
    const client = await pool.connect().catch(throwConnectFailure);
    const question = client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
    const answer = await question.catch(() => undefined);
    if (answer?.rows[0]) return { client, pid: answer.rows[0].pid };
    // The server closed it while it was idle, and this process has not noticed yet.
    client.release(true);
  }
}

/**
 * Throws the error of a failed attempt to connect. It is the client's error (400) when PostgreSQL refused the login,
 * and the server's (500) when there was no PostgreSQL, no room for a connection (class 53), or it is shutting down
 * (57): https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
function throwConnectFailure(error: Error & { code?: string }): never {
  if (error instanceof pg.DatabaseError && !/^(53|57)/.test(error.code ?? "")) throw error;
  throw new EndpointError(500, `could not connect to the database: ${error.message || error.code}`);
}

/** Cancels the running statement of the backend `pid`. @throws when that is not possible */
async function cancel(connectionString: string, pid: number): Promise<void> {
  const timeouts = { connectionTimeoutMillis: END_MS, query_timeout: END_MS };
  const client = new pg.Client({ connectionString, ...timeouts }).on("error", () => {});
  try {
    await client.connect();
    await client.query("SELECT pg_cancel_backend($1)", [pid]);
  } finally {
    await client.end();
  }
}

/** Ends the transaction and discards all session state. @returns whether that succeeded */
async function resetSession(client: pg.ClientBase): Promise<boolean> {
  try {
    if (client.getTransactionStatus() !== "I") await client.query("ROLLBACK");
    await client.query("DISCARD ALL");
    return true;
  } catch {
    return false;
  }
}

/**
 * The connection string for a request. User, password, database and startup options come from the header, the rest
 * from the URL of the endpoint's server.
 *
 * @throws EndpointError, or URIError
 */
function targetOf(header: string, server: URL): string {
  const url = URL.parse(header);
  if (!url || !/^postgres(ql)?:$/.test(url.protocol) || !url.username || url.pathname.length < 2)
    throw new EndpointError(
      400,
      "invalid connection string: it must be postgres://user:password@host/database",
    );
  const user = decodeURIComponent(url.username);
  if (!isSameServer(url, server))
    throw authenticationFailed(user, `: this endpoint is for ${server.host}, not for ${url.host}`);
  // Also checked here, because the server may accept every password (`trust`).
  const isSamePassword = decodeURIComponent(url.password) === decodeURIComponent(server.password);
  const isOwner = user === decodeURIComponent(server.username);
  if (isOwner ? !isSamePassword : server.password && !url.password) throw authenticationFailed(user);
  const { username, password, pathname } = url;
  const target = Object.assign(new URL(server), { username, password, pathname });
  for (const name of ["options", "application_name"])
    target.searchParams.set(name, url.searchParams.get(name) ?? "");
  return target.href;
}

function isSameServer(url: URL, server: URL): boolean {
  const hostOf = ({ hostname }: URL) =>
    hostname.toLowerCase().replace(/^(127\.0\.0\.1|\[::1\])$/, "localhost");
  return hostOf(url) === hostOf(server) && (!url.port || url.port === (server.port || "5432"));
}

/** Neon's error for a wrong password, an unknown role and an unknown endpoint. */
function authenticationFailed(user: string, reason = ""): EndpointError {
  return new EndpointError(400, `password authentication failed for user '${user}'${reason}`, "28P01");
}
