import { beforeEach, expect, test } from "vitest";
import { migrate } from "../../ops/migrate.ts";
import { purge } from "../../ops/purge.ts";
import { emptyDatabase, query, run } from "./support.ts";

let url: string;
beforeEach(async () => {
  url = await emptyDatabase();
  await migrate(url);
  await query(
    url,
    "INSERT INTO users (username, email, password_hash) VALUES ('ada', 'a@b', repeat('x', 60))",
  );
  await query(
    url,
    `INSERT INTO doctors (firstname, lastname, email, gender, specialization, created_by) VALUES ('A', 'B', 'a@b', 'F', 'GEN', 1)`,
  );
});

/** Patients deleted so many days ago, each with an assignment; or, with null, not deleted. */
const put = (days: number | null, count = 1) =>
  query(
    url,
    `WITH made AS (
       INSERT INTO patients (firstname, lastname, email, age, gender, created_by, owner_id, deleted_from, deleted_at)
       SELECT 'A', 'B', gen_random_uuid() || '@b', 1, 'F', 1, CASE WHEN $1::int IS NULL THEN 1 END,
         CASE WHEN $1::int IS NOT NULL THEN 1 END, now() - make_interval(days => $1::int, mins => 1)
       FROM generate_series(1, $2::int) RETURNING id, owner_id)
     INSERT INTO mappings (patient_id, owner_id, doctor_id) SELECT id, owner_id, 1 FROM made RETURNING patient_id`,
    [days, count],
  ).then((rows) => rows.map(({ patient_id }) => patient_id));
const left = async (table: "patients" | "mappings") =>
  (
    await query(url, `SELECT ${table === "patients" ? "id" : "patient_id AS id"} FROM ${table} ORDER BY 1`)
  ).map(({ id }) => id);

test("what was deleted longer ago is gone for good, with its assignments, in batches that are each on record", async () => {
  const old = await put(365, 1001);
  const staying = [...(await put(364)), ...(await put(null))];
  const told: number[][] = [];
  expect(await purge(url, 365, (...progress) => told.push(progress))).toBe(1001);
  expect(told).toEqual([
    [0, 1001],
    [1000, 1001],
    [1001, 1001],
  ]);
  expect([await left("patients"), await left("mappings")]).toEqual([staying, staying]);
  const events = await query(
    url,
    "SELECT account_id, action, outcome, patients FROM audit_events ORDER BY id",
  );
  const event = { account_id: null, action: "purge", outcome: "done" };
  expect(events.map(({ patients, ...rest }) => rest)).toEqual([event, event]);
  expect(events.flatMap(({ patients }) => patients).sort((a, b) => a - b)).toEqual(old);
  expect(await purge(url, 365)).toBe(0);
  expect(await query(url, "SELECT FROM audit_events")).toHaveLength(2);
});

test("a batch that cannot be put on record removes nobody", async () => {
  await put(9);
  await query(url, "ALTER TABLE audit_events ADD CONSTRAINT never CHECK (action <> 'purge')");
  await expect(purge(url, 7)).rejects.toThrow("never");
  expect(await left("patients")).toHaveLength(1);
});

test("as a command it says how many there are, or removes them", async () => {
  await put(9, 2);
  const day = new Date(Date.now() - 9 * 86_400_000 - 60_000).toISOString().slice(0, 10);
  expect(await run("purge", url, "--older-than", "7", "--dry-run")).toEqual({
    status: 0,
    stdout: `2 patients would be removed for good, the oldest deleted on ${day}.\n`,
    stderr: "",
  });
  expect(await left("patients")).toHaveLength(2);
  expect(await run("purge", url, "--older-than", "7")).toMatchObject({
    status: 0,
    stdout: "2 patients were removed for good.\n",
  });
  expect(await left("patients")).toEqual([]);
});

test.each([
  [],
  ["--older-than"],
  ["--older-than", "0"],
  ["--older-than", "-1"],
  ["--older-than", "1.5"],
  ["--all"],
])("%j is told how the command is used, and removes nobody", async (...args) => {
  await put(9);
  const { status, stderr } = await run("purge", url, ...args.flat());
  expect([status, stderr]).toEqual([1, expect.stringMatching(/Usage: npm run purge|argument|option/i)]);
  expect(await left("patients")).toHaveLength(1);
});
