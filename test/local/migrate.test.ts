import { readFileSync } from "node:fs";
import { getTableColumns, getTableName, is } from "drizzle-orm";
import { PgTable } from "drizzle-orm/pg-core";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { migrate } from "../../local/migrate.ts";
import * as schema from "../../src/db/schema.ts";
import { addWards, emptyDatabase, migrationsAnd, ownCount, run, state, strings } from "./commands.ts";
import { describeOnDatabase, startTime, withClient } from "./support.ts";

vi.setConfig({ testTimeout: startTime, hookTimeout: startTime });

const columnsOf = (url: string) =>
  strings(
    url,
    "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1",
  );

describeOnDatabase("Migrating", (cloud) => {
  let url: string;
  beforeEach(async () => {
    url = await emptyDatabase(cloud);
  });

  describe("a fresh database", () => {
    test("makes every table and column of the schema, and no others", async () => {
      await migrate(url);
      const tables = Object.values(schema).filter((value) => is(value, PgTable));
      const columns = tables.flatMap((table) =>
        Object.values(getTableColumns(table)).map((column) => `${getTableName(table)}.${column.name}`),
      );
      expect(await columnsOf(url)).toEqual(columns.sort());
    });

    test("gives every constraint that src/db/errors.ts names", async () => {
      await migrate(url);
      const errors = readFileSync(new URL("../../src/db/errors.ts", import.meta.url), "utf8");
      const named = [...errors.matchAll(/^ {2}(\w+_f?key):/gm)].map(([, name]) => name);
      expect(named.length).toBeGreaterThanOrEqual(6);
      const there = await strings(
        url,
        `SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype IN ('u', 'f')
         UNION SELECT indexname FROM pg_indexes WHERE schemaname = 'public' AND indexdef LIKE 'CREATE UNIQUE%'`,
      );
      expect(there).toEqual(expect.arrayContaining(named));
    });

    test("names every check after its table and a column of it, which src/db/errors.ts reads from it", async () => {
      await migrate(url);
      const checks = await strings(
        url,
        "SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype = 'c'",
      );
      const columns = (await columnsOf(url)).map((column) => `${column.replace(".", "_")}_check`);
      expect(columns).toEqual(expect.arrayContaining(checks));
      expect(checks).toContain("patients_age_check");
    });
  });

  test("applies all migrations and says how many, and none when done again", async () => {
    expect(await migrate(url)).toBe(ownCount);
    const before = await state(url);
    expect(before.applied).toHaveLength(ownCount);
    expect(await migrate(url)).toBe(0);
    expect(await state(url)).toEqual(before);
  });

  test("as a command says what it did", async () => {
    expect(await run("migrate", url)).toEqual({
      status: 0,
      stdout: `${ownCount} migration(s) applied; the database is up to date.\n`,
      stderr: "",
    });
    expect(await run("migrate", url)).toEqual({
      status: 0,
      stdout: "The database was up to date.\n",
      stderr: "",
    });
  });

  test("a database that lacks some migrations ends where a fresh one ends", async () => {
    const folder = migrationsAnd(addWards, "ALTER TABLE wards ADD floor smallint DEFAULT 0 NOT NULL");
    await migrate(url);
    expect(await migrate(url, migrationsAnd(addWards))).toBe(1);
    expect(await migrate(url, folder)).toBe(1);
    const stepwise = await state(url);
    const fresh = await emptyDatabase(cloud);
    await migrate(fresh, folder);
    expect(stepwise).toEqual(await state(fresh));
    expect(stepwise.applied).toHaveLength(ownCount + 2);
    expect(await columnsOf(fresh)).toEqual(expect.arrayContaining(["patients.ward_id", "wards.floor"]));
  });

  test("keeps the data that is there", async () => {
    await migrate(url);
    await withClient(url, (client) =>
      client.query(
        "INSERT INTO users (username, email, password_hash) VALUES ('ada', 'a@b', repeat('x', 60))",
      ),
    );
    await migrate(url, migrationsAnd(addWards));
    expect(await strings(url, "SELECT username FROM users")).toEqual(["ada"]);
  });

  // The embedded PostgreSQL is one backend: an advisory lock keeps nobody out of it.
  test.skipIf(cloud.kind === "embedded")("by several at once succeeds for all and is done once", async () => {
    const counts = await Promise.all(Array.from({ length: 5 }, () => migrate(url)));
    expect(counts.sort()).toEqual([0, 0, 0, 0, ownCount]);
    expect((await state(url)).applied).toHaveLength(ownCount);
  });
});
