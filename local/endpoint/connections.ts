import { setTimeout } from "node:timers/promises";
import pg from "pg";
import { NothingRanError } from "./extended-query.ts";
import { resetSession, terminateBackend } from "./session.ts";

declare module "pg" {
  interface PoolClient {
    /** The number of the connection's backend. Not in pg's types. */
    readonly processID: number;
  }
}

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

/**
 * The most connections for one connection string. PostgreSQL allows 100 by default. Neon's proxy has no limit; tests
 * hold up to 40 requests at once.
 */
const CONNECTIONS = 40;
/** How many of them are kept when they are idle, and for how many milliseconds: as many and as long as at Neon. */
const IDLE_CONNECTIONS = 20;
const IDLE_MS = 5 * 60_000;
/** How many milliseconds a request waits for a connection. */
const CONNECT_MS = 30_000;
/** How many milliseconds closing all connections may take. */
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
    const limits = { max: CONNECTIONS, connectionTimeoutMillis: CONNECT_MS, idleTimeoutMillis: IDLE_MS };
    const pool = new pg.Pool({ connectionString, ...limits });
    // Without listeners a broken connection would end the process. Its user gets the error from the query.
    pool.on("error", () => {});
    pool.on("connect", (client) => void client.on("error", () => {}));
    pools.set(connectionString, pool);
    return pool;
  }

  return {
    /**
     * Calls `work` with a connection that has no state of earlier requests: the one that was used last, as at Neon.
     * Waits while all connections are in use. When `signal` is aborted, the connection and its transaction end.
     *
     * @param header `Neon-Connection-String`
     * @param work called again with another connection when it throws NothingRanError: PostgreSQL may have closed an
     *   idle connection, and this process has not noticed yet
     * @throws what `work` throws; EndpointError or pg.DatabaseError when no connection can be had; the signal's reason
     */
    async withConnection<T>(
      header: string,
      signal: AbortSignal,
      work: (client: pg.ClientBase) => Promise<T>,
    ): Promise<T> {
      const target = targetOf(header, server);
      const pool = poolFor(target);
      for (;;) {
        const client = await connect(pool, signal);
        const isNew = !resets.has(client);
        try {
          return await useConnection(pool, client, signal, work);
        } catch (error) {
          if (!(error instanceof NothingRanError)) throw error;
          if (isNew) throw error.cause;
        }
      }
    },

    /** Closes all connections. Waits at most a second for those in use. */
    async end(): Promise<void> {
      const closed = Promise.all([...pools.values()].map((pool) => pool.end()));
      await Promise.race([closed, setTimeout(END_MS, undefined, { ref: false })]);
    },
  };
}

/** For each connection that has been used: whether the reset after its last use succeeded. */
const resets = new WeakMap<pg.ClientBase, Promise<boolean>>();

/** Takes a connection from the pool, whose last connection released is its first. Waits for its reset. */
async function connect(pool: pg.Pool, signal: AbortSignal): Promise<pg.PoolClient> {
  for (;;) {
    signal.throwIfAborted();
    const client = await pool.connect().catch(throwConnectFailure);
    if ((await resets.get(client)) !== false) return client;
    client.release(true);
  }
}

/** Calls `work` with the connection and releases it. The reset is not waited for. */
async function useConnection<T>(
  pool: pg.Pool,
  client: pg.PoolClient,
  signal: AbortSignal,
  work: (client: pg.ClientBase) => Promise<T>,
): Promise<T> {
  const hangUp = () => {
    const closeConnection = () => client.end();
    terminateBackend(pool.options.connectionString, client.processID).then(closeConnection, closeConnection);
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
    signal.removeEventListener("abort", hangUp);
    // Closed after a hang-up: its backend is terminated, maybe later. Kept after an error of PostgreSQL, where Neon
    // closes it: a new connection is slower, and the reset leaves no difference.
    const isKept = isIntact && !signal.aborted && pool.idleCount < IDLE_CONNECTIONS;
    if (isKept) resets.set(client, resetSession(client));
    client.release(!isKept);
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
