import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { withClient } from "../../ops/command.ts";
import { migrate } from "../../ops/migrate.ts";
import { purge } from "../../ops/purge.ts";
import { holdLock } from "../support/held-lock.ts";
import { copyDatabase, newDatabase, query, run } from "./support.ts";

/** A database with one account and one doctor. Each test has a copy of it. */
let original: Awaited<ReturnType<typeof newDatabase>>;
let url: string;
beforeAll(async () => {
  original = await newDatabase();
  await migrate(original.url);
  await query(
    original.url,
    "INSERT INTO users (username, email, password_hash) VALUES ('ada', 'a@b.org', repeat('x', 60))",
  );
  await query(
    original.url,
    `INSERT INTO doctors (firstname, lastname, email, gender, specialization, created_by) VALUES ('A', 'B', 'a@b.org', 'F', 'GEN', 1)`,
  );
});
beforeEach(async () => {
  url = await copyDatabase(original.url);
});
afterAll(() => original.drop());

/**
 * Inserts patients that were deleted `days` ago, or with null not deleted, each with an assignment. @returns their
 * ids
 */
const insertPatients = (days: number | null, count = 1) =>
  query(
    url,
    `WITH new_patients AS (
       INSERT INTO patients (firstname, lastname, email, age, gender, created_by, owner_id, deleted_from, deleted_at)
       SELECT 'A', 'B', gen_random_uuid() || '@b.org', 1, 'F', 1, CASE WHEN $1::int IS NULL THEN 1 END,
         CASE WHEN $1::int IS NOT NULL THEN 1 END, now() - make_interval(days => $1::int, mins => 1)
       FROM generate_series(1, $2::int) RETURNING id, owner_id)
     INSERT INTO mappings (patient_id, owner_id, doctor_id) SELECT id, owner_id, 1 FROM new_patients RETURNING patient_id`,
    [days, count],
  ).then((rows) => rows.map(({ patient_id }) => patient_id));
/** The ids of the patients, or the patients of the assignments, that the database still has. */
const remaining = async (table: "patients" | "mappings") =>
  (
    await query(url, `SELECT ${table === "patients" ? "id" : "patient_id AS id"} FROM ${table} ORDER BY 1`)
  ).map(({ id }) => id);

test("a purge and a request that lock the same patients are no deadlock, whichever was deleted first", async () => {
  const [first, second] = [...(await insertPatients(366)), ...(await insertPatients(367))];
  await withClient(url, async (request) => {
    await request.query("BEGIN");
    await request.query("SELECT FROM patients WHERE id = $1 FOR UPDATE", [first]);
    const purged = purge(url, 365);
    const isWaiting = async () =>
      (
        await query(
          url,
          "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
        )
      ).length > 0;
    await vi.waitUntil(isWaiting, { timeout: 60_000 });
    const [removed] = await Promise.all([
      purged,
      request
        .query("SELECT FROM patients WHERE id = $1 FOR UPDATE", [second])
        .then(() => request.query("COMMIT")),
    ]);
    expect(removed).toBe(2);
  });
});

test("patients deleted longer ago are removed with their assignments, in batches; each batch writes an audit event", async () => {
  const old = await insertPatients(365, 1001);
  const staying = [...(await insertPatients(364)), ...(await insertPatients(null))];
  const progressCalls: number[][] = [];
  expect(await purge(url, 365, (...progress) => progressCalls.push(progress))).toBe(1001);
  expect(progressCalls).toEqual([
    [0, 1001],
    [1000, 1001],
    [1001, 1001],
  ]);
  expect([await remaining("patients"), await remaining("mappings")]).toEqual([staying, staying]);
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

test("the values of purged patients are removed from the audit log, as the erasure of one patient does it", async () => {
  const [id] = await insertPatients(9);
  await query(
    url,
    `INSERT INTO audit_events (action, outcome, patient_id, changes)
     SELECT 'update', 'done', $1::int + n, '{"lastname":{"before":"Byron","after":"Lovelace"}}' FROM generate_series(0, 1) n`,
    [id],
  );
  expect(await purge(url, 7)).toBe(1);
  const events = await query(
    url,
    `SELECT changes IS NULL AS erased, changes_sha256 IS NOT NULL AS hashed FROM audit_events
     WHERE action = 'update' ORDER BY patient_id`,
  );
  expect(events).toEqual([
    { erased: true, hashed: true },
    { erased: false, hashed: true },
  ]);
  // For a patient that an earlier version has purged, an operator calls this (docs/operations.md).
  const [{ count }] = await query(url, "SELECT erase_audit_values($1, NULL) AS count", [id + 1]);
  expect([count, await query(url, "SELECT FROM audit_events WHERE changes IS NOT NULL")]).toEqual([1, []]);
});

test("the statistics of PostgreSQL have no name of a purged patient", async () => {
  await insertPatients(null, 10);
  const [id] = await insertPatients(9);
  await query(url, "UPDATE patients SET lastname = CASE WHEN id = $1 THEN 'Lovelace' ELSE 'B' || id END", [
    id,
  ]);
  await query(url, "ANALYZE patients");
  const statistics = async () =>
    JSON.stringify(await query(url, "SELECT s::text FROM pg_stats s WHERE tablename = 'patients'"));
  expect(await statistics()).toContain("Lovelace");
  await purge(url, 7);
  expect(await statistics()).not.toContain("Lovelace");
});

test("a purge that waits for an erasure of one of its patients removes the others", async () => {
  const [erased, other] = await insertPatients(9, 2);
  const lock = await holdLock("SELECT FROM patients WHERE id = $1 FOR UPDATE", [erased], url);
  const erasure = query(url, "SELECT erase_patient($1, NULL)", [erased]);
  await lock.waiters(1);
  const purging = purge(url, 7);
  await lock.waiters(2);
  await lock.release();
  expect(await erasure).toHaveLength(1);
  expect([await purging, await remaining("patients")]).toEqual([1, []]);
  const events = await query(url, "SELECT patients FROM audit_events WHERE action = 'purge'");
  expect(events).toEqual([{ patients: [other] }]);
});

test("a batch whose audit event cannot be written removes no patient", async () => {
  await insertPatients(9);
  await query(url, "ALTER TABLE audit_events ADD CONSTRAINT never CHECK (action <> 'purge')");
  await expect(purge(url, 7)).rejects.toThrow("never");
  expect(await remaining("patients")).toHaveLength(1);
});

test("the command prints the number of patients with --dry-run, and removes them without", async () => {
  await insertPatients(9, 2);
  const [{ day }] = await query(
    url,
    "SELECT to_char(min(deleted_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day FROM patients",
  );
  expect(await run("purge", url, "--older-than", "7", "--dry-run")).toEqual({
    status: 0,
    stdout: `2 patients would be removed for good, the oldest deleted on ${day}.\n`,
    stderr: "",
  });
  expect(await remaining("patients")).toHaveLength(2);
  expect(await run("purge", url, "--older-than", "7")).toMatchObject({
    status: 0,
    stdout: "2 patients were removed for good.\n",
  });
  expect(await remaining("patients")).toEqual([]);
});

test("wrong arguments make the command print its usage or the wrong argument, and remove no patient", async () => {
  await insertPatients(9);
  const wrong = [
    [],
    ["--older-than"],
    ["--older-than", "0"],
    ["--older-than", "-1"],
    ["--older-than", "1.5"],
    ["--all"],
  ];
  const results = await Promise.all(wrong.map((args) => run("purge", url, ...args)));
  const failure = {
    status: 1,
    stdout: "",
    stderr: expect.stringMatching(/Usage: npm run purge|argument|option/i),
  };
  expect(results).toEqual(wrong.map(() => failure));
  expect(await remaining("patients")).toHaveLength(1);
});
