import { DrizzleQueryError } from "drizzle-orm/errors";
import { readMigrationFiles } from "drizzle-orm/migrator";
import { drizzle } from "drizzle-orm/node-postgres";
import { migrate as applyMigrations } from "drizzle-orm/node-postgres/migrator";
import type pg from "pg";
import { runAsCommand, withClient } from "./command.ts";
import { databaseUrl, neonEndpoint, migrationsFolder as ownMigrations } from "./environment.ts";

/** Any number will do, so long as all who migrate take the same: one at a time. */
const LOCK = 7_205_881;

const OLDEST_VERSION = 140_000;

/**
 * Brings the schema of the database at `url` up to date, from wherever it stands: all missing migrations or none.
 *
 * @returns how many were missing.
 * @throws an error whose message says what is wrong and what to do.
 */
export async function migrate(url: string, migrationsFolder = ownMigrations): Promise<number> {
  if (neonEndpoint(url) && new URL(url).hostname.toLowerCase().includes("-pooler.")) {
    throw new Error(
      "This is Neon's pooled address: migrations need the direct one, the same without -pooler.",
    );
  }
  return withClient(url, async (client) => {
    await requireVersion(client);
    await client.query("SELECT pg_advisory_lock($1)", [LOCK]);
    const missing = missingFrom(await applied(client), migrationsFolder);
    await applyMigrations(drizzle({ client }), { migrationsFolder }).catch(explain);
    return missing;
  });
}

/** How many migrations a database lacks, by when those it has were made, in milliseconds. */
function missingFrom(applied: Set<number>, migrationsFolder: string): number {
  const made = readMigrationFiles({ migrationsFolder }).map(({ folderMillis }) => folderMillis);
  const last = Math.max(0, ...applied);
  if (last > Math.max(...made)) {
    throw new Error(
      "The database is newer than this code: deploy the code that migrated it, or a later one.",
    );
  }
  const missing = made.filter((time) => !applied.has(time));
  // Drizzle would pass it over without a word.
  if (missing.some((time) => time < last)) {
    throw new Error(
      "A missing migration is older than one the database has: remove it, and generate it anew.",
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

/** When the migrations that the database has were made, in milliseconds. */
async function applied(client: pg.Client): Promise<Set<number>> {
  const { rows } = await client.query("SELECT to_regclass('drizzle.__drizzle_migrations') AS journal");
  if (rows[0].journal === null) return new Set();
  const journal = await client.query("SELECT created_at FROM drizzle.__drizzle_migrations");
  return new Set(journal.rows.map(({ created_at }) => Number(created_at)));
}

function explain(error: unknown): never {
  const cause = error instanceof DrizzleQueryError ? error.cause : error;
  const reason = cause instanceof Error ? cause.message : String(cause);
  throw new Error(
    `A migration failed, and none was applied: ${reason}. Mend what it met, then migrate again.`,
  );
}

if (import.meta.main) {
  await runAsCommand(async () => {
    const count = await migrate(databaseUrl());
    console.log(
      count === 0
        ? "The database was up to date."
        : `${count} migration(s) applied; the database is up to date.`,
    );
  });
}
