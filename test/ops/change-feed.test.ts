import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { migrate } from "../../ops/migrate.ts";
import { copyDatabase, newDatabase, query, run } from "./support.ts";

// After a restore, the epoch differs, and so the cursors from before are expired (test/changes/cursors.test.ts).

const folder = mkdtempSync(join(tmpdir(), "hospital-feed-"));
let url: string;
let drop: () => Promise<unknown>;
beforeAll(async () => {
  ({ url, drop } = await newDatabase());
  await migrate(url);
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await drop();
});

const epochOf = async (database: string): Promise<string> =>
  (await query(database, "SELECT change_feed_epoch() AS epoch"))[0].epoch;

/** Also false when pg_dump is older than the server: it refuses then. */
const hasPgDump = spawnSync("pg_dump", ["-s", "-f", "/dev/null", inject("database").ownerUrl]).status === 0;

test("the epoch stays the same in another session, and after another migration", async () => {
  const epoch = await epochOf(url);
  expect(await epochOf(url)).toBe(epoch);
  await migrate(url);
  expect(await epochOf(url)).toBe(epoch);
});

test("the epoch has the cluster's identifier, its timeline, and the ids of the database and the table", async () => {
  const [expected] = await query(
    url,
    `SELECT (SELECT system_identifier FROM pg_control_system()) || ' 0000000' || (SELECT timeline_id FROM pg_control_checkpoint())
       || ' ' || d.oid || ' ' || 'record_changes'::regclass::oid || ' ' || (SELECT epoch FROM change_feed) AS epoch
     FROM pg_database d WHERE datname = current_database()`,
  );
  expect(await epochOf(url)).toBe(expected.epoch);
});

test("a copy of the database has another epoch", async () => {
  const copy = await copyDatabase(url);
  expect(await epochOf(copy)).not.toBe(await epochOf(url));
});

test.runIf(hasPgDump)("a dump that is restored into the same database has another epoch", async () => {
  const copy = await copyDatabase(url);
  const epoch = await epochOf(copy);
  const dump = join(folder, "hospital.dump");
  execFileSync("pg_dump", ["--format=custom", "--no-owner", `--file=${dump}`, copy]);
  await query(copy, "DROP SCHEMA public, drizzle, statements CASCADE; CREATE SCHEMA public");
  execFileSync("pg_restore", ["--no-owner", "--exit-on-error", `--dbname=${copy}`, dump]);
  expect(await migrate(copy)).toMatchObject({ migrations: 0 });
  expect(await epochOf(copy)).not.toBe(epoch);
});

test("npm run db:migrate -- --restored starts another epoch", async () => {
  const epoch = await epochOf(url);
  expect(await run("migrate", url, "--restored")).toMatchObject({
    status: 0,
    stdout: "The database was up to date.\nAll cursors of the change feed are expired.\n",
  });
  expect(await epochOf(url)).not.toBe(epoch);
});
