import { owner } from "./owner.ts";

/** How long a test waits at most for other statements, in milliseconds. Only a test that fails waits this long. */
const PATIENCE_MS = 30_000;

/** Locks that another transaction holds. */
export interface HeldLock {
  /** Waits until `count` statements are blocked by that transaction, or by one that is blocked by it. */
  waiters(count: number): Promise<void>;
  /** Ends the transaction, and returns when it has ended. */
  release(): Promise<void>;
}

/**
 * Takes locks in a transaction of its own and holds them until `release` is called.
 *
 * Over HTTP a transaction is one request, which nobody can send more statements to. So the transaction also takes an
 * advisory lock, and ends as soon as another statement waits for that one.
 *
 * @param statement takes the locks: `SELECT … FOR UPDATE` or `LOCK TABLE …`
 * @param databaseUrl another database than the suite's, as its owner
 */
export async function holdLock(
  statement: string,
  params: unknown[] = [],
  databaseUrl?: string,
): Promise<HeldLock> {
  const sql = owner(databaseUrl);
  const key = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  const takeKey = "SELECT pg_advisory_xact_lock($1)";
  const transaction = sql.transaction([
    sql.query(statement, params),
    sql.query(takeKey, [key]),
    sql.query(waitForRelease(key)),
  ]);
  const lock: HeldLock = {
    async waiters(count) {
      await owner(databaseUrl).query(waitForWaiters(key, count));
    },
    async release() {
      await owner(databaseUrl).query(takeKey, [key]);
      await transaction;
    },
  };
  // With the advisory lock it has the others too. A statement that fails ends the wait.
  await Promise.race([lock.waiters(0), transaction]);
  return lock;
}

/** Where pg_locks has the advisory lock of a key of 32 bits. */
const isKey = (key: number) => `locktype = 'advisory' AND classid = 0 AND objid = ${key} AND objsubid = 1`;

/**
 * A statement that ends when `condition` is true. PostgreSQL polls it: polling by HTTP would slow down the requests
 * that race.
 */
const waitUntil = (condition: string, message: string) => `
  DO $$ BEGIN
    WHILE NOT (${condition}) LOOP
      IF clock_timestamp() > now() + interval '${PATIENCE_MS} ms' THEN RAISE '${message}'; END IF;
      PERFORM pg_sleep(0.005);
    END LOOP;
  END $$`;

const waitForRelease = (key: number) =>
  waitUntil(
    `EXISTS (SELECT FROM pg_locks WHERE ${isKey(key)} AND NOT granted)`,
    "The test never released its lock.",
  );

/** Counts the transaction with this key, which has all its locks then, and the statements that are blocked by it. */
const waitForWaiters = (key: number, count: number) =>
  waitUntil(
    `${1 + count} <= (
      WITH RECURSIVE
        waiting AS MATERIALIZED (SELECT pid, pg_blocking_pids(pid) AS blockers FROM pg_locks WHERE NOT granted),
        blocked AS (
          SELECT pid FROM pg_locks WHERE ${isKey(key)} AND granted
          UNION SELECT waiting.pid FROM waiting JOIN blocked ON blocked.pid = ANY (waiting.blockers))
      SELECT count(*) FROM blocked)`,
    `Fewer than ${count} statements wait for the lock.`,
  );
