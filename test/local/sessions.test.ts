import { setTimeout } from "node:timers/promises";
import { neon } from "@neondatabase/serverless";
import { describe, expect, test } from "vitest";
import { startCloud } from "../../local/cloud.ts";
import { changed, describeOnDatabase, post, value, withClient } from "./support.ts";

describeOnDatabase("A request", (cloud) => {
  test.each([
    ["a setting", "SET work_mem = '7MB'", "SELECT current_setting('work_mem') = '7MB'"],
    ["a role", "SET ROLE pg_monitor", "SELECT current_user = 'pg_monitor'"],
    ["a temporary table", "CREATE TEMP TABLE leak (a int)", "SELECT to_regclass('pg_temp.leak') IS NOT NULL"],
    [
      "a prepared statement",
      "PREPARE leak AS SELECT 1",
      "SELECT EXISTS (SELECT FROM pg_prepared_statements)",
    ],
    [
      "an advisory lock",
      "SELECT pg_advisory_lock(4711)",
      "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711)",
    ],
    [
      "an open transaction",
      "BEGIN",
      "SELECT now() <> statement_timestamp() AND current_setting('x.y', true) = '1'",
    ],
  ])("leaves no trace of %s", async (_, query, isThere) => {
    expect((await post(cloud, { query })).status).toBe(200);
    // As often as there may be idle connections.
    for (let round = 0; round < 3; round += 1) expect(await value(cloud, isThere)).not.toBe(true);
  });

  test("does not commit what another began and left open", async () => {
    const table = cloud.table();
    await value(cloud, `CREATE TABLE ${table} (a int)`);
    await post(cloud, { query: "BEGIN" });
    await value(cloud, `INSERT INTO ${table} VALUES (1)`);
    expect(await value(cloud, `SELECT count(*)::int FROM ${table}`)).toBe(1);
  });

  test("sets what its connection string asks for", async () => {
    const options = encodeURIComponent("-c work_mem=5MB --datestyle=SQL,\\ DMY");
    const search = `?application_name=ward&options=${options}`;
    const databaseUrl = changed(cloud.databaseUrl, { search });
    const names = ["application_name", "work_mem", "DateStyle"];
    const query = `SELECT concat_ws('; ', ${names.map((name) => `current_setting('${name}')`)}) AS set`;
    for (let round = 0; round < 3; round += 1) {
      const response = await post({ ...cloud, databaseUrl }, { query });
      expect(await response.json()).toMatchObject({ rows: [{ set: "ward; 5MB; SQL, DMY" }] });
    }
  });

  test("runs beside others, more of them than there are connections", async () => {
    const numbers = Array.from({ length: 120 }, (_, index) => index);
    const sql = neon(cloud.databaseUrl);
    const rows = await Promise.all(numbers.map((number) => sql`SELECT ${number}::int AS n`));
    expect(rows.map(([row]) => row?.["n"])).toEqual(numbers);
  });

  test("keeps batches that run at once apart", async () => {
    const table = cloud.table();
    await value(cloud, `CREATE TABLE ${table} (a int)`);
    const sql = neon(cloud.databaseUrl);
    const batch = () =>
      sql.transaction([
        sql.query(`LOCK TABLE ${table}`),
        sql.query(`INSERT INTO ${table} SELECT count(*) FROM ${table}`),
      ]);
    await Promise.all(Array.from({ length: 20 }, batch));
    expect(await value(cloud, `SELECT count(DISTINCT a)::int FROM ${table}`)).toBe(20);
  });

  test("is told that the database cannot be reached", async () => {
    const databaseUrl = "postgres://postgres:x@127.0.0.1:1/postgres";
    const unreachable = await startCloud({ databaseUrl });
    const response = await post(unreachable, { query: "SELECT 1" });
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({
      message: "could not connect to the database: connect ECONNREFUSED 127.0.0.1:1",
    });
    await unreachable.stop();
  });

  test.skipIf(cloud.kind !== "embedded")("goes by TLS or not at all when sslmode says so", async () => {
    const databaseUrl = changed(cloud.databaseUrl, { search: "?sslmode=require" });
    const encrypted = await startCloud({ databaseUrl });
    const response = await post(encrypted, { query: "SELECT 1" });
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({
      message: "could not connect to the database: The server does not support SSL connections",
    });
    await encrypted.stop();
  });

  test("that is given up while it waits for the database is never run", async () => {
    const table = cloud.table();
    await value(cloud, `CREATE TABLE ${table} (a int)`);
    await withClient(cloud.databaseUrl, async (client) => {
      await client.query(`BEGIN; LOCK TABLE ${table}`);
      const insert = { query: `INSERT INTO ${table} VALUES (1)` };
      await expect(post(cloud, insert, {}, AbortSignal.timeout(200))).rejects.toThrow("timeout");
      await setTimeout(100);
      await client.query("COMMIT");
    });
    expect(await value(cloud, `SELECT count(*)::int FROM ${table}`)).toBe(0);
  });

  test("that is given up in the middle of a batch changes nothing", async () => {
    const table = cloud.table();
    await value(cloud, `CREATE TABLE ${table} (a int)`);
    const queries = [{ query: `INSERT INTO ${table} VALUES (1)` }, { query: "SELECT pg_sleep(0.5)" }];
    await expect(post(cloud, { queries }, {}, AbortSignal.timeout(200))).rejects.toThrow("timeout");
    await setTimeout(600);
    expect(await value(cloud, `SELECT count(*)::int FROM ${table}`)).toBe(0);
  });

  describe.skipIf(cloud.kind === "embedded")("to a server", () => {
    test("is cancelled when its client hangs up", async () => {
      const marker = `/* ${cloud.table()} */`;
      const sleep = post(cloud, { query: `SELECT pg_sleep(30) ${marker}` }, {}, AbortSignal.timeout(200));
      await expect(sleep).rejects.toThrow("timeout");
      await setTimeout(300);
      const query =
        "SELECT count(*)::int FROM pg_stat_activity WHERE query LIKE $1 AND state = 'active' AND pid <> pg_backend_pid()";
      expect(await value(cloud, query, [`%${marker}%`])).toBe(0);
    });

    test("does not fail because the server closed the idle connections", async () => {
      const databaseUrl = changed(cloud.databaseUrl, { search: "?application_name=idle_ones" });
      for (let round = 0; round < 5; round += 1) {
        expect((await post({ ...cloud, databaseUrl }, { query: "SELECT 1" })).status).toBe(200);
        await value(
          cloud,
          "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'idle_ones'",
        );
      }
    });

    test("uses at most 50 connections with the others", async () => {
      const databaseUrl = changed(cloud.databaseUrl, { search: "?application_name=many_ones" });
      const query =
        "SELECT pg_sleep(0.05), (SELECT count(*)::int FROM pg_stat_activity WHERE application_name = 'many_ones') AS n";
      const responses = await Promise.all(
        Array.from({ length: 120 }, () => post({ ...cloud, databaseUrl }, { query })),
      );
      const answers = (await Promise.all(responses.map((response) => response.json()))) as {
        rows: { n: number }[];
      }[];
      const counts = answers.map(({ rows }) => rows[0]?.n ?? Number.NaN);
      expect(Math.max(...counts)).toBeLessThanOrEqual(50);
    });
  });
});
