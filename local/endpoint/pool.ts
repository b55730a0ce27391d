import pg from "pg";
import { requestCancel } from "./cancel.ts";
import type { Credentials } from "./credentials.ts";
import { connectFailure } from "./failure.ts";
import { createSlots } from "./slots.ts";

export interface Pool {
  /**
   * Lends a connection to `work`, fresh as a new one, and waits for one if all are lent. When `signal` aborts,
   * what runs on it is cancelled.
   *
   * @throws what `work` throws; Refusal when no connection can be had; the signal's reason
   */
  use<T>(credentials: Credentials, signal: AbortSignal, work: (client: pg.Client) => Promise<T>): Promise<T>;
  /** Closes all connections at once, also the lent ones. */
  close(): Promise<void>;
}

interface IdleConnection {
  key: string;
  client: pg.Client;
  timer: NodeJS.Timeout;
}

/** How long to wait for a connection, in milliseconds. */
const connectTime = 10_000;

/**
 * Keeps connections to one PostgreSQL server, for any credentials.
 *
 * @param databaseUrl where that server is, and how TLS is done
 * @param limit how many connections there are at most
 * @param idleTime how long an unused one is kept, in milliseconds
 */
export function createPool(options: { databaseUrl: string; limit: number; idleTime: number }): Pool {
  const { host, port, ssl } = serverOf(options.databaseUrl);
  const takeSlot = createSlots(options.limit);
  const open = new Set<pg.Client>();
  const idle: IdleConnection[] = [];

  async function connect(credentials: Credentials): Promise<pg.Client> {
    const oldest = idle[0];
    if (oldest && open.size >= options.limit) await discard(oldest.client);
    const client = new pg.Client({ host, port, ssl, connectionTimeoutMillis: connectTime, ...credentials });
    open.add(client);
    // Without a listener a connection that breaks while nobody uses it would end the process.
    client.on("error", () => void discard(client));
    client.on("end", () => void discard(client));
    try {
      return await client.connect();
    } catch (error) {
      void discard(client);
      throw connectFailure(error, credentials.user);
    }
  }

  async function discard(client: pg.Client): Promise<void> {
    const index = idle.findIndex((other) => other.client === client);
    if (index >= 0) clearTimeout(idle.splice(index, 1)[0]?.timer);
    if (open.delete(client)) await client.end().catch(() => {});
  }

  async function borrow(key: string, credentials: Credentials): Promise<pg.Client> {
    for (;;) {
      const index = idle.findLastIndex((connection) => connection.key === key);
      const [connection] = index < 0 ? [] : idle.splice(index, 1);
      if (!connection) return connect(credentials);
      clearTimeout(connection.timer);
      // The server may have closed it, and the news not have arrived: an empty query tells before it matters.
      const alive = await connection.client.query("").catch(() => undefined);
      if (alive) return connection.client;
      void discard(connection.client);
    }
  }

  /** Takes back a connection, after making it as good as new: nothing of one request may reach the next. */
  async function giveBack(key: string, client: pg.Client): Promise<void> {
    try {
      if (client.getTransactionStatus() !== "I") await client.query("ROLLBACK");
      await client.query("DISCARD ALL");
    } catch {
      return discard(client);
    }
    if (!open.has(client)) return;
    idle.push({ key, client, timer: setTimeout(() => void discard(client), options.idleTime) });
  }

  async function use<T>(
    credentials: Credentials,
    signal: AbortSignal,
    work: (client: pg.Client) => Promise<T>,
  ): Promise<T> {
    const release = await takeSlot(signal);
    const key = JSON.stringify(credentials);
    const client = await borrow(key, credentials).catch((error: unknown) => {
      release();
      throw error;
    });
    const cancel = (): void => requestCancel(client, host, port);
    let usable = false;
    signal.addEventListener("abort", cancel);
    try {
      signal.throwIfAborted();
      const result = await work(client);
      usable = true;
      return result;
    } catch (error) {
      usable = error instanceof pg.DatabaseError;
      throw error;
    } finally {
      signal.removeEventListener("abort", cancel);
      // Not after a cancellation: still on its way, it could hit the connection's next statement.
      const done = usable && !signal.aborted ? giveBack(key, client) : discard(client);
      // Before the answer goes out: a lock of this request must not be there for the next one.
      await done.finally(release);
    }
  }

  return {
    use,
    close: async () => void (await Promise.all([...open].map(discard))),
  };
}

/** Host, port and TLS as the URL says; its `sslmode` as libpq reads it, which pg does only when asked. */
function serverOf(databaseUrl: string): Pick<pg.Client, "host" | "port" | "ssl"> {
  const url = new URL(databaseUrl);
  url.searchParams.set("uselibpqcompat", "true");
  return new pg.Client({ connectionString: url.href });
}
