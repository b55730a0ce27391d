import { parseArgs } from "node:util";
import { DrizzleQueryError } from "drizzle-orm/errors";
import { readMigrationFiles } from "drizzle-orm/migrator";
import { drizzle } from "drizzle-orm/node-postgres";
import { migrate as applyMigrations } from "drizzle-orm/node-postgres/migrator";
import pg from "pg";
import { runAsCommand, withClient } from "./command.ts";
import { databaseUrl, neonEndpoint, migrationsFolder as ownMigrations } from "./environment.ts";
import { createStatementFunctions } from "./statement-functions.ts";

/** An advisory lock, so that only one process migrates at a time. The number has no meaning. */
const ADVISORY_LOCK = 7_205_881;

/** PostgreSQL 14, as `server_version_num` has it. */
const OLDEST_VERSION = 140_000;

const usage = `Usage: npm run db:migrate [-- --restored]

Applies the missing migrations to the database, all of them or none. Then it creates the functions of this version's
statements that are missing, all of them or none. Functions of other versions stay: see db:prune.

With --restored, for a database that went back to an earlier time: clients that keep a copy have to read everything again,
because their cursors of the change feed are expired.

It works on the database of DATABASE_URL, or of .dev.vars, as its owner.`;

/** How many migrations were applied, and how many functions of statements were created. */
interface MigrationResult {
  migrations: number;
  functions: number;
}

/**
 * Applies the missing migrations to the database at `url`, all of them or none, and then creates the missing functions
 * of the statements, all of them or none. Concurrent calls wait for each other.
 *
 * @throws an error whose message says what is wrong and what to do.
 */
export async function migrate(url: string, migrationsFolder = ownMigrations): Promise<MigrationResult> {
  if (neonEndpoint(url) && new URL(url).hostname.toLowerCase().includes("-pooler.")) {
    throw new Error(
      "This is Neon's pooled address: migrations need the direct one, the same without -pooler.",
    );
  }
  return withClient(url, async (client) => ({
    migrations: await applyMissingMigrations(client, migrationsFolder),
    functions: await createStatementFunctions(client),
  }));
}

/** Applies the missing migrations, all of them or none. @returns their number */
export async function applyMissingMigrations(
  client: pg.Client,
  migrationsFolder = ownMigrations,
): Promise<number> {
  await requireVersion(client);
  await lockMigrations(client);
  const missing = await countMissingMigrations(client, migrationsFolder);
  if (missing > 1) await beginWithLocks(client);
  await applyMigrations(drizzle({ client }), { migrationsFolder }).catch(throwWithAdvice);
  return missing;
}

/** Waits until no other process migrates, and lets none migrate until the connection is closed. */
export async function lockMigrations(client: pg.Client): Promise<void> {
  await client.query("SELECT pg_advisory_lock($1)", [ADVISORY_LOCK]);
}

/** How often the locks are requested, when requests that run lock the tables in another order. */
const LOCK_ATTEMPTS = 10;

/** A LOCK statement for all tables of the role, those first that requests lock first. NULL when there are none. */
const lockStatement = `
  SELECT 'LOCK TABLE ' || string_agg(oid::regclass::text, ', ' ORDER BY relname = 'audit_events',
    array_position(ARRAY['login_attempts', 'invitations', 'users', 'sessions'], relname::text), relname)
    || ' IN ACCESS EXCLUSIVE MODE' AS lock
  FROM pg_class
  WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND pg_has_role(relowner, 'USAGE')`;

/**
 * Begins the transaction of several migrations and locks all tables. One migration can lock its tables in the order in which
 * requests do. Several cannot: a later one would deadlock with requests that wait for an earlier one.
 *
 * A deadlock with a request is possible here too. Then nothing was done, and the locks are requested again.
 */
async function beginWithLocks(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ lock: string | null }>(lockStatement);
  for (let attempt = 1; ; attempt++) {
    // The COMMIT or ROLLBACK of Drizzle ends this transaction.
    await client.query("BEGIN");
    try {
      if (rows[0]?.lock) await client.query(rows[0].lock);
      return;
    } catch (error) {
      await client.query("ROLLBACK");
      const isDeadlock = error instanceof pg.DatabaseError && error.code === "40P01";
      if (!isDeadlock || attempt === LOCK_ATTEMPTS) throwWithAdvice(error);
    }
  }
}

/**
 * Counts the migrations that a database lacks. Migrations are known by the time they were generated, in milliseconds.
 *
 * @throws an error when the database is newer than this code, or a missing migration is older than an applied one.
 */
export async function countMissingMigrations(
  client: pg.Client,
  migrationsFolder = ownMigrations,
): Promise<number> {
  const applied = await readApplied(client);
  const times = readMigrationFiles({ migrationsFolder }).map(({ folderMillis }) => folderMillis);
  const last = Math.max(0, ...applied);
  if (last > Math.max(...times)) {
    throw new Error(
      "The database is newer than this code: deploy the code that migrated it, or a later one.",
    );
  }
  const missing = times.filter((time) => !applied.has(time));
  // Drizzle would skip it silently.
  if (missing.some((time) => time < last)) {
    throw new Error(
      "A missing migration is older than one the database has: remove it, and generate it again.",
    );
  }
  return missing.length;
}

async function requireVersion(client: pg.Client): Promise<void> {
  const { rows } = await client.query("SHOW server_version_num");
  if (Number(rows[0].server_version_num) >= OLDEST_VERSION) return;
  throw new Error(
    `PostgreSQL ${OLDEST_VERSION / 10_000} or newer is needed; this one is older: upgrade it first.`,
  );
}

/** The times at which the applied migrations were generated, in milliseconds. */
async function readApplied(client: pg.Client): Promise<Set<number>> {
  const { rows } = await client.query("SELECT to_regclass('drizzle.__drizzle_migrations') AS journal");
  if (rows[0].journal === null) return new Set();
  const journal = await client.query("SELECT created_at FROM drizzle.__drizzle_migrations");
  return new Set(journal.rows.map(({ created_at }) => Number(created_at)));
}

function throwWithAdvice(error: unknown): never {
  const cause = error instanceof DrizzleQueryError ? error.cause : error;
  const reason = cause instanceof Error ? cause.message : String(cause);
  throw new Error(`A migration failed, and none was applied: ${reason}. Fix the cause, then migrate again.`);
}

/**
 * Expires all cursors of the change feed, after a restore that the database itself cannot detect, such as that of a Neon
 * branch to a point in time.
 */
const expireCursors = (url: string): Promise<void> =>
  withClient(url, async (client) => {
    await client.query("UPDATE change_feed SET epoch = DEFAULT, started_at = DEFAULT");
  });

/** What the command prints. */
function describeResult({ migrations, functions }: MigrationResult): string {
  const done = [
    migrations > 0 && `${migrations} migration(s) applied`,
    functions > 0 && `${functions} function(s) created`,
  ].filter(Boolean);
  return done.length === 0
    ? "The database was up to date."
    : `${done.join(", ")}; the database is up to date.`;
}

if (import.meta.main) {
  await runAsCommand(async () => {
    const { values } = parseArgs({ options: { restored: { type: "boolean" } } });
    console.log(describeResult(await migrate(databaseUrl())));
    if (!values.restored) return;
    await expireCursors(databaseUrl());
    console.log("All cursors of the change feed are expired.");
  }, usage);
}
