import { setTimeout } from "node:timers/promises";
import pg from "pg";

/** A request that is refused; its message goes to the client, with an SQLSTATE where there is one. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string | undefined;

  constructor(status: number, message: string, code?: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** How many connections there are at most for one connection string; PostgreSQL has 100 as a rule. */
const CONNECTIONS = 40;
/** How long a request waits for one, in milliseconds. */
const CONNECT_MS = 30_000;
/** How long a cancellation may take, and the end of everything. */
const END_MS = 1000;

export type Connections = ReturnType<typeof createConnections>;

/** Connections to the server that `databaseUrl` names, for whoever it lets in. */
export function createConnections(databaseUrl: string) {
  const fronted = new URL(databaseUrl);
  // So that pg reads its `sslmode` as libpq does.
  fronted.searchParams.set("uselibpqcompat", "true");
  const pools = new Map<string, pg.Pool>();

  function poolFor(connectionString: string): pg.Pool {
    const known = pools.get(connectionString);
    if (known) return known;
    const pool = new pg.Pool({ connectionString, max: CONNECTIONS, connectionTimeoutMillis: CONNECT_MS });
    // Without listeners a connection that breaks would end the process; who uses it is told by its query.
    pool.on("error", () => {});
    pool.on("connect", (client) => void client.on("error", () => {}));
    pools.set(connectionString, pool);
    return pool;
  }

  return {
    /**
     * Lends a connection to `work`, as good as new, and waits for one while all are lent. When `signal` aborts, what
     * runs on it is cancelled.
     *
     * @param header `Neon-Connection-String`
     * @throws what `work` throws; Refusal or pg.DatabaseError when no connection can be had; the signal's reason
     */
    async lend<T>(header: string, signal: AbortSignal, work: (client: pg.ClientBase) => Promise<T>) {
      const target = targetOf(header, fronted);
      const { client, pid } = await borrow(poolFor(target), signal);
      const hangUp = () => {
        const ended = () => client.end();
        cancel(target, pid).then(ended, ended);
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
        // Before the answer goes out: a lock of this request must not be there for the next one.
        const isClean = isIntact && (await cleaned(client));
        signal.removeEventListener("abort", hangUp);
        // Not kept after a cancellation: still on its way, it could hit the connection's next statement.
        client.release(!isClean || signal.aborted);
      }
    },

    /** Closes them all, and waits a second at most for those that are lent. */
    async end(): Promise<void> {
      const ended = Promise.all([...pools.values()].map((pool) => pool.end()));
      await Promise.race([ended, setTimeout(END_MS, undefined, { ref: false })]);
    },
  };
}

async function borrow(pool: pg.Pool, signal: AbortSignal): Promise<{ client: pg.PoolClient; pid: number }> {
  for (;;) {
    signal.throwIfAborted();
    const client = await pool.connect().catch(throwConnectFailure);
    const question = client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
    const answer = await question.catch(() => undefined);
    if (answer?.rows[0]) return { client, pid: answer.rows[0].pid };
    // The server had closed it while it was idle, and the news had not arrived.
    client.release(true);
  }
}

/**
 * What a failed attempt to connect is to the client: its own fault (400) when PostgreSQL did not let it in, the
 * server's (500) when there was no PostgreSQL, or one without room (class 53) or not running (57):
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
function throwConnectFailure(error: Error & { code?: string }): never {
  if (error instanceof pg.DatabaseError && !/^(53|57)/.test(error.code ?? "")) throw error;
  throw new Refusal(500, `could not connect to the database: ${error.message || error.code}`);
}

/** Cancels what runs on another connection with the same connection string. @throws when that cannot be done */
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

/** Lets nothing of one request reach the next; whether that succeeded. */
async function cleaned(client: pg.ClientBase): Promise<boolean> {
  try {
    if (client.getTransactionStatus() !== "I") await client.query("ROLLBACK");
    await client.query("DISCARD ALL");
    return true;
  } catch {
    return false;
  }
}

/**
 * The connection string to use for a request: user, password, database and startup options are the header's, all else
 * is the fronted URL's.
 *
 * @throws Refusal, or URIError
 */
function targetOf(header: string, fronted: URL): string {
  const url = URL.parse(header);
  if (!url || !/^postgres(ql)?:$/.test(url.protocol) || !url.username || url.pathname.length < 2)
    throw new Refusal(400, "invalid connection string: it must be postgres://user:password@host/database");
  const user = decodeURIComponent(url.username);
  if (!isSameServer(url, fronted))
    throw authenticationFailed(user, `: this endpoint is for ${fronted.host}, not for ${url.host}`);
  // Checked here too, so that it also shows in front of a server that trusts everybody.
  const isSamePassword = decodeURIComponent(url.password) === decodeURIComponent(fronted.password);
  const isOwner = user === decodeURIComponent(fronted.username);
  if (isOwner ? !isSamePassword : fronted.password && !url.password) throw authenticationFailed(user);
  const { username, password, pathname } = url;
  const target = Object.assign(new URL(fronted), { username, password, pathname });
  for (const name of ["options", "application_name"])
    target.searchParams.set(name, url.searchParams.get(name) ?? "");
  return target.href;
}

function isSameServer(url: URL, fronted: URL): boolean {
  const hostOf = (of: URL) => of.hostname.toLowerCase().replace(/^(127\.0\.0\.1|\[::1\])$/, "localhost");
  return hostOf(url) === hostOf(fronted) && (!url.port || url.port === (fronted.port || "5432"));
}

/** What Neon says of a wrong password, an unknown role and an unknown endpoint alike. */
function authenticationFailed(user: string, because = ""): Refusal {
  return new Refusal(400, `password authentication failed for user '${user}'${because}`, "28P01");
}
