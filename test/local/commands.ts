import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { migrationsFolder } from "../../local/environment.ts";
import { changed, postgresUrl, type Setting, withClient } from "./support.ts";

export const random = (prefix: string): string => `${prefix}_${randomBytes(6).toString("hex")}`;

interface Ending {
  status: unknown;
  stdout: string;
  stderr: string;
}

/** Runs a command of local/ in a process of its own, whose environment is `DATABASE_URL` alone. */
export function run(command: string, url: string, ...args: string[]): Promise<Ending> {
  const file = join(import.meta.dirname, "..", "..", "local", `${command}.ts`);
  return new Promise((resolve) => {
    execFile(process.execPath, [file, ...args], { env: { DATABASE_URL: url } }, (error, stdout, stderr) => {
      resolve({ status: error ? error.code : 0, stdout, stderr });
    });
  });
}

/** Makes an empty database on the server. @returns its URL */
export async function createDatabase(): Promise<string> {
  const name = random("test");
  await withClient(postgresUrl, (client) => client.query(`CREATE DATABASE ${name}`));
  return changed(postgresUrl, { pathname: `/${name}` });
}

export async function dropDatabase(url: string): Promise<void> {
  const name = new URL(url).pathname.slice(1);
  await withClient(postgresUrl, (client) => client.query(`DROP DATABASE ${name} WITH (FORCE)`));
}

/** An empty database for the running test: one of its own on a server; the embedded PostgreSQL's only one, emptied. */
export async function emptyDatabase(cloud: Setting): Promise<string> {
  if (cloud.kind !== "embedded") {
    const url = await createDatabase();
    onTestFinished(() => dropDatabase(url));
    return url;
  }
  await withClient(cloud.databaseUrl, (client) =>
    client.query("DROP SCHEMA IF EXISTS drizzle CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public"),
  );
  return cloud.databaseUrl;
}

interface Journal {
  entries: { idx: number; version: string; when: number; tag: string; breakpoints: boolean }[];
}

const readJournal = (): Journal =>
  JSON.parse(readFileSync(join(migrationsFolder, "meta", "_journal.json"), "utf8"));

/** How many migrations the project has. */
export const ownCount = readJournal().entries.length;

/**
 * Copies the migrations for the running test and adds some, each made a millisecond after the one before; `undefined`
 * stands for one that is not there. @returns the folder
 */
export function migrationsAnd(...more: (string | undefined)[]): string {
  const folder = mkdtempSync(join(tmpdir(), "migrations-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  cpSync(migrationsFolder, folder, { recursive: true });
  const { entries, ...journal } = readJournal();
  const last = Math.max(...entries.map(({ when }) => when));
  for (const [index, statements] of more.entries()) {
    if (statements === undefined) continue;
    const tag = `more_${index}`;
    entries.push({ idx: entries.length, version: "7", when: last + 1 + index, tag, breakpoints: true });
    writeFileSync(join(folder, `${tag}.sql`), statements);
  }
  writeFileSync(join(folder, "meta", "_journal.json"), JSON.stringify({ ...journal, entries }));
  return folder;
}

/** A migration for `migrationsAnd`. */
export const addWards = `
  CREATE TABLE wards (id integer PRIMARY KEY, name text CONSTRAINT wards_name_check CHECK (name <> ''));
--> statement-breakpoint
  ALTER TABLE patients ADD ward_id integer CONSTRAINT patients_ward_id_fkey REFERENCES wards;
--> statement-breakpoint
  CREATE INDEX patients_ward_id_idx ON patients (ward_id);`;

/** All values that a query gives, in a row. */
export const strings = (url: string, query: string): Promise<string[]> =>
  withClient(url, async (client) => (await client.query({ text: query, rowMode: "array" })).rows.flat());

/** All columns, constraints and indexes, a line each, and the hashes of the migrations that the database says it has. */
export const state = async (url: string) => ({
  structure: await strings(
    url,
    `SELECT concat_ws(' ', relname, attname, format_type(atttypid, atttypmod), attnotnull, attidentity,
       pg_get_expr(adbin, adrelid)) AS line
     FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid LEFT JOIN pg_attrdef ON adrelid = c.oid AND adnum = attnum
     WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
     UNION ALL SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint
     WHERE connamespace = 'public'::regnamespace
     UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
     ORDER BY line`,
  ),
  applied: await strings(url, "SELECT hash FROM drizzle.__drizzle_migrations ORDER BY created_at"),
});
