import { expect, test } from "vitest";
import { hangUpDuring, newTable, post, rowsIn, sql, statement } from "./support.ts";

test("a transaction returns one result for each statement", async () => {
  const results = await sql.transaction([sql`SELECT ${1}::int AS n`, sql`SELECT ${"x"} AS t`]);
  expect(results).toEqual([[{ n: 1 }], [{ t: "x" }]]);
});

test("a transaction may be empty", async () => {
  expect(await sql.transaction([])).toEqual([]);
});

test("a transaction changes nothing when one statement fails", async () => {
  const table = await newTable();
  const transaction = sql.transaction([sql.query(`INSERT INTO ${table} VALUES (1)`), sql`SELECT 1 / 0`]);
  await expect(transaction).rejects.toMatchObject({ code: "22012" });
  expect(await rowsIn(table)).toBe(0);
});

test("a constraint that fails at COMMIT is the transaction's error", async () => {
  const table = await newTable("a int CONSTRAINT once UNIQUE DEFERRABLE INITIALLY DEFERRED");
  const transaction = sql.transaction([sql.query(`INSERT INTO ${table} VALUES (1), (1)`)]);
  await expect(transaction).rejects.toMatchObject({ code: "23505", constraint: "once" });
});

test.each([
  ["ReadUncommitted", "read uncommitted"],
  ["ReadCommitted", "read committed"],
  ["RepeatableRead", "repeatable read"],
  ["Serializable", "serializable"],
] as const)("isolation level %s is %s in PostgreSQL", async (isolationLevel, expected) => {
  const [rows] = await sql.transaction([sql`SHOW transaction_isolation`], { isolationLevel });
  expect(rows).toEqual([{ transaction_isolation: expected }]);
});

test("an unknown isolation level returns 400", async () => {
  const answer = await post({ queries: [] }, { "Neon-Batch-Isolation-Level": "Snapshot" });
  expect(answer).toMatchObject({ status: 400, body: { message: "invalid isolation level" } });
});

test.each([
  [true, "on"],
  [false, "off"],
])("readOnly and deferrable %j are %s in PostgreSQL", async (wanted, expected) => {
  const settings = [sql`SHOW transaction_read_only`, sql`SHOW transaction_deferrable`];
  const results = await sql.transaction(settings, { readOnly: wanted, deferrable: wanted });
  expect(results).toEqual([[{ transaction_read_only: expected }], [{ transaction_deferrable: expected }]]);
});

test("the answer repeats the headers that describe the transaction", async () => {
  const flags = { "neon-batch-read-only": "true", "neon-batch-deferrable": "true" };
  const kind = { "neon-batch-isolation-level": "Serializable", ...flags };
  expect(await post({ queries: [] }, kind)).toMatchObject({ status: 200, headers: kind });
});

test("results of more than 10 MiB together return 507, and the transaction changes nothing", async () => {
  const table = await newTable("a text");
  const insert = statement(`INSERT INTO ${table} VALUES (repeat('x', 6 * 1024 * 1024)) RETURNING a`);
  expect(await post({ queries: [insert, insert] })).toMatchObject({ status: 507 });
  expect(await rowsIn(table)).toBe(0);
});

test("a transaction ends and is not committed when its client hangs up", async () => {
  const table = await newTable();
  const wait = statement(`SELECT pg_sleep(3600) /* ${table} */`);
  await hangUpDuring(`/* ${table} */`, { queries: [statement(`INSERT INTO ${table} VALUES (1)`), wait] });
  expect(await rowsIn(table)).toBe(0);
});
