import { neon } from "@neondatabase/serverless";
import { expect, test } from "vitest";
import { describeOnDatabase, post, value } from "./support.ts";

describeOnDatabase("A batch", (cloud) => {
  async function makeTable(columns: string): Promise<string> {
    const table = cloud.table();
    await value(cloud, `CREATE TABLE ${table} (${columns})`);
    return table;
  }

  test("gives one result for each statement", async () => {
    const sql = neon(cloud.databaseUrl);
    const results = await sql.transaction([sql`SELECT ${1}::int AS n`, sql`SELECT ${"x"} AS t`]);
    expect(results).toEqual([[{ n: 1 }], [{ t: "x" }]]);
  });

  test("may be empty", async () => {
    const response = await post(cloud, { queries: [] });
    expect(await response.json()).toEqual({ results: [] });
  });

  test("lets each statement choose its row mode", async () => {
    const queries = [{ query: "SELECT 1 AS n", arrayMode: true }, { query: "SELECT 2 AS n" }];
    const response = await post(cloud, { queries });
    expect(await response.json()).toMatchObject({ results: [{ rows: [[1]] }, { rows: [{ n: 2 }] }] });
  });

  test("is one transaction", async () => {
    const queries = [1, 2].map(() => ({ query: "SELECT pg_current_xact_id()::text AS id" }));
    const { results } = (await (await post(cloud, { queries })).json()) as { results: { rows: unknown }[] };
    expect(results[0]?.rows).toEqual(results[1]?.rows);
  });

  test("leaves nothing behind when one statement fails", async () => {
    const table = await makeTable("a int");
    const queries = [{ query: `INSERT INTO ${table} VALUES (1)` }, { query: "SELECT 1 / 0" }];
    const response = await post(cloud, { queries });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "22012" });
    expect(await value(cloud, `SELECT count(*)::int FROM ${table}`)).toBe(0);
  });

  test("reports a constraint that fails only at the end", async () => {
    const table = await makeTable("a int UNIQUE DEFERRABLE INITIALLY DEFERRED");
    const response = await post(cloud, { queries: [{ query: `INSERT INTO ${table} VALUES (1), (1)` }] });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "23505" });
  });

  test.each([
    ["ReadUncommitted", "read uncommitted"],
    ["ReadCommitted", "read committed"],
    ["RepeatableRead", "repeatable read"],
    ["Serializable", "serializable"],
  ])("runs at the isolation level %s and says so", async (level, expected) => {
    const queries = [{ query: "SELECT current_setting('transaction_isolation') AS level" }];
    const response = await post(cloud, { queries }, { "Neon-Batch-Isolation-Level": level });
    expect(response.headers.get("neon-batch-isolation-level")).toBe(level);
    expect(await response.json()).toMatchObject({ results: [{ rows: [{ level: expected }] }] });
  });

  test("refuses any other isolation level", async () => {
    const headers = { "Neon-Batch-Isolation-Level": "Snapshot" };
    const response = await post(cloud, { queries: [{ query: "SELECT 1" }] }, headers);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ message: "invalid isolation level" });
  });

  test("is read only and deferrable when asked to be, and says so", async () => {
    const headers = { "Neon-Batch-Read-Only": "true", "Neon-Batch-Deferrable": "true" };
    const mode = (name: string) => `current_setting('transaction_${name}')`;
    const queries = [{ query: `SELECT ${mode("read_only")} AS r, ${mode("deferrable")} AS d` }];
    const response = await post(cloud, { queries }, headers);
    expect(response.headers.get("neon-batch-read-only")).toBe("true");
    expect(response.headers.get("neon-batch-deferrable")).toBe("true");
    expect(await response.json()).toMatchObject({ results: [{ rows: [{ r: "on", d: "on" }] }] });
  });

  test("says nothing of a mode it was not asked for", async () => {
    const response = await post(cloud, { queries: [] });
    expect([...response.headers.keys()].filter((name) => name.startsWith("neon-"))).toEqual([]);
  });

  test("cannot write when it is read only", async () => {
    const table = await makeTable("a int");
    const sql = neon(cloud.databaseUrl, { readOnly: true });
    const batch = sql.transaction([sql.query(`INSERT INTO ${table} VALUES (1)`)]);
    await expect(batch).rejects.toMatchObject({ code: "25006" });
  });

  test("counts the answers of all its statements against the limit, and changes nothing beyond it", async () => {
    const table = await makeTable("a text");
    const query = `INSERT INTO ${table} VALUES (repeat('x', 6 * 1024 * 1024)) RETURNING a`;
    const response = await post(cloud, { queries: [{ query }, { query }] });
    expect(response.status).toBe(507);
    expect(await value(cloud, `SELECT count(*)::int FROM ${table}`)).toBe(0);
  });
});
