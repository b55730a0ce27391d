import { execFile } from "node:child_process";
import { join } from "node:path";
import { getTableColumns } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, expect, inject, test, vi } from "vitest";
import { migrate } from "../../ops/migrate.ts";
import { readStatementText } from "../../ops/statement-files.ts";
import { verifyAuditLog } from "../../ops/verify-audit-log.ts";
import { closeAuditDays } from "../../src/audit-digests/close-days.ts";
import { readConfig } from "../../src/config.ts";
import { connect } from "../../src/db/client.ts";
import { audit_events } from "../../src/db/schema.ts";
import { compileCache, copyDatabase, newDatabase, query } from "./support.ts";

const [SECRET, OTHER] = ["s".repeat(32), "o".repeat(32)];

/** The day `days` before today, in UTC. */
const dayBefore = (days: number): string =>
  new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);
const [LAST, SECOND, FIRST] = [dayBefore(2), dayBefore(3), dayBefore(4)];

/** Closes the days of the database as the scheduled job does. */
async function closeDays(url: string, secrets: Record<string, string> = { JWT_SECRET: SECRET }) {
  const limiter = { limit: async () => ({ success: true }) };
  const names = ["REGISTER", "LOGIN", "REFRESH", "SESSION", "ACCOUNT", "IMPORT_EXPORT", "READY", "CALENDAR"];
  const config = readConfig({
    ...Object.fromEntries(names.map((name) => [`${name}_LIMITER`, limiter])),
    DATABASE_URL: url,
    DATABASE_ENDPOINT: `${inject("database").endpointOrigin}/sql`,
    JWT_SECRET: OTHER,
    ...secrets,
  } as Parameters<typeof readConfig>[0]);
  vi.spyOn(console, "log").mockImplementation(() => {});
  await closeAuditDays(connect(config), config);
  vi.restoreAllMocks();
}

/** Two events of each of three days, one of them a change; none on the day after, which is yesterday. */
const insertEvents = `
  INSERT INTO audit_events (action, outcome, at, username, changes)
  SELECT 'update', 'done', day + n * interval '1 hour', 'ada', CASE n WHEN 2 THEN '{"age":{"before":1,"after":2}}'::json END
  FROM generate_series($1::timestamptz, $2::timestamptz, interval '1 day') day, generate_series(1, 2) n`;

let template: Awaited<ReturnType<typeof newDatabase>>;
let url: string;
beforeAll(async () => {
  template = await newDatabase();
  await migrate(template.url);
  await query(template.url, insertEvents, [`${FIRST}T00:00:00Z`, `${LAST}T00:00:00Z`]);
});
beforeEach(async () => {
  url = await copyDatabase(template.url);
  await closeDays(url);
});
afterAll(() => template.drop());

const verify = (range = {}, secrets = [SECRET]) => verifyAuditLog(url, secrets, { to: LAST, ...range });
const differing = async () => (await verify()).differences.map(({ day }) => day);
const ofSecond = `at >= '${SECOND}T00:00:00Z' AND at < '${LAST}T00:00:00Z'`;

test("the digest covers every column of an event", () => {
  const text = readStatementText("audit/hash-events");
  const columns = Object.keys(getTableColumns(audit_events));
  expect(columns.filter((name) => !new RegExp(`\\be\\.${name}\\b`).test(text))).toEqual([]);
});

test("an unchanged log has no differences", async () => {
  expect(await verify()).toMatchObject({
    days: 3,
    differences: [],
    erased: 0,
    last: { day: LAST, events: 2 },
  });
});

test.each([
  ["a changed event", `UPDATE audit_events SET username = 'eve' WHERE ${ofSecond}`],
  ["a changed time", `UPDATE audit_events SET at = at + interval '1 millisecond' WHERE ${ofSecond}`],
  ["a removed event", `DELETE FROM audit_events WHERE ${ofSecond} AND changes IS NULL`],
  ["all events removed", `DELETE FROM audit_events WHERE ${ofSecond}`],
  [
    "an event inserted late",
    `INSERT INTO audit_events (action, outcome, at) VALUES ('read', 'done', '${SECOND}T00:00:00Z')`,
  ],
  [
    "an event inserted with the lowest id",
    `INSERT INTO audit_events (action, outcome, at, id) VALUES ('read', 'done', '${SECOND}T00:00:00Z', -9223372036854775808)`,
  ],
  [
    "an event moved to a day that is open",
    `UPDATE audit_events SET at = now() WHERE ${ofSecond} AND changes IS NULL`,
  ],
  ["changed values", `UPDATE audit_events SET changes = '{}' WHERE ${ofSecond} AND changes IS NOT NULL`],
  [
    "changed values with their hash",
    `UPDATE audit_events SET changes = '{}', changes_sha256 = encode(sha256('{}'), 'hex') WHERE ${ofSecond}`,
  ],
  [
    "values and hash removed",
    `UPDATE audit_events SET changes = NULL, changes_sha256 = NULL WHERE ${ofSecond}`,
  ],
  [
    "values added to an event that had none",
    `UPDATE audit_events SET changes = '{}' WHERE ${ofSecond} AND changes IS NULL`,
  ],
])("the day with %s differs, and no other", async (_, statement) => {
  await query(url, statement);
  expect(await differing()).toEqual([SECOND]);
  await closeDays(url);
  expect(await differing()).toEqual([SECOND]);
});

test("an event is also found when its owner computes the hash of the day again, because he has not the key", async () => {
  await query(url, `DELETE FROM audit_events WHERE ${ofSecond}`);
  await query(
    url,
    "UPDATE audit_digests SET events = 0, first_id = NULL, last_id = NULL, sha256 = encode(sha256(''), 'hex') WHERE day = $1",
    [SECOND],
  );
  expect((await verify()).differences).toEqual([
    { day: SECOND, reasons: [expect.stringContaining("made with another key")] },
  ]);
});

test("a removed digest is found, and so is the day after it, also when it was the first", async () => {
  await query(url, "DELETE FROM audit_digests WHERE day = $1", [FIRST]);
  expect((await verify()).differences).toEqual([
    { day: FIRST, reasons: ["There is no digest of this day."] },
    { day: SECOND, reasons: [expect.stringContaining("that of the day before")] },
  ]);
  await closeDays(url);
  expect(await differing()).toEqual([FIRST, SECOND]);
});

test("an event inserted before the first closed day is found", async () => {
  await query(
    url,
    `INSERT INTO audit_events (action, outcome, at) VALUES ('read', 'done', '${dayBefore(5)}T00:00:00Z')`,
  );
  expect(await differing()).toEqual([dayBefore(5)]);
});

test("days that were closed again after their digests were removed are late", async () => {
  await query(url, "DELETE FROM audit_digests");
  await query(url, `DELETE FROM audit_events WHERE ${ofSecond}`);
  await closeDays(url);
  expect(await verify()).toMatchObject({ differences: [], late: [FIRST, SECOND, LAST] });
});

test("erased values are counted and no difference, also of events from before the column", async () => {
  const old = await copyDatabase(template.url);
  await query(old, "UPDATE audit_events SET changes_sha256 = NULL");
  await closeDays(old);
  for (const database of [url, old]) {
    await query(
      database,
      `UPDATE audit_events SET
      changes_sha256 = coalesce(changes_sha256, encode(sha256(convert_to(changes::text, 'UTF8')), 'hex')), changes = NULL
      WHERE changes IS NOT NULL`,
    );
    const result = await verifyAuditLog(database, [SECRET], { to: LAST });
    expect(result).toMatchObject({ differences: [], erased: 3 });
  }
});

test("the values of an erased patient are counted and no difference", async () => {
  const fresh = await copyDatabase(template.url);
  await query(
    fresh,
    `INSERT INTO users (username, email, password_hash) VALUES ('ada', 'a@b.org', repeat('x', 60));
     INSERT INTO patients (firstname, lastname, email, age, gender, created_by, deleted_from, deleted_at)
     VALUES ('A', 'B', 'a@b.org', 1, 'F', 1, 1, now());
     UPDATE audit_events SET patient_id = 1`,
  );
  await closeDays(fresh);
  const [{ result }] = await query(fresh, "SELECT erase_patient(1, NULL) AS result");
  expect(result.removed).toMatchObject({ patients: 1, audit_changes: 3 });
  expect(await verifyAuditLog(fresh, [SECRET], { to: LAST })).toMatchObject({ differences: [], erased: 3 });
});

test("a digest is signed with AUDIT_KEY if it is set; any of the secrets may have signed it", async () => {
  const fresh = await copyDatabase(template.url);
  await closeDays(fresh, { AUDIT_KEY: SECRET, JWT_SECRET: OTHER });
  const differences = async (secrets: string[]) =>
    (await verifyAuditLog(fresh, secrets, { to: LAST })).differences.length;
  expect(await differences([SECRET])).toBe(0);
  expect(await differences([OTHER])).toBe(3);
  expect(await differences([OTHER, SECRET])).toBe(0);
});

/** Runs the command with these secrets in its environment. */
const runVerify = (args: string[], secrets: Record<string, string> = { AUDIT_KEY: SECRET }) =>
  new Promise<{ status: unknown; stdout: string; stderr: string }>((resolve) => {
    const file = join(import.meta.dirname, "..", "..", "ops", "audit.ts");
    const env = { ...compileCache, DATABASE_URL: url, ...secrets };
    execFile(process.execPath, [file, ...args], { env }, (error, stdout, stderr) => {
      resolve({ status: error ? error.code : 0, stdout, stderr });
    });
  });

test("npm run audit -- verify names the days that differ and ends with 1, or says that none does and ends with 0", async () => {
  const range = ["--from", FIRST, "--to", LAST];
  const good = await runVerify(["verify", ...range]);
  expect(good).toMatchObject({ status: 0, stderr: "" });
  expect(good.stdout).toContain("3 day(s) are as the Worker closed them.");
  await query(url, `DELETE FROM audit_events WHERE ${ofSecond} AND changes IS NULL`);
  const bad = await runVerify(["verify", ...range]);
  expect(bad).toMatchObject({ status: 1, stderr: "1 of 3 day(s) differ.\n" });
  expect(bad.stdout).toContain(`${SECOND}: At least 1 event(s) were removed.\n`);
  expect((await runVerify(["verify", "--from", LAST, "--to", LAST])).status).toBe(0);
});

test.each([
  [[], "Usage: npm run audit"],
  [["check"], "Usage: npm run audit"],
  [["verify", "more"], "Usage: npm run audit"],
  [["verify", "--from", "yesterday"], "--from must be a day like 2026-11-27."],
  [["verify", "--to", "2026-02-30"], "--to must be a day like 2026-11-27."],
  [["verify", "--from", "2026-02-02", "--to", "2026-02-01"], "--from must not be after --to."],
  [["verify", "--to", "9999-01-01"], "can be verified: later ones need not be closed yet."],
])("npm run audit -- %j ends with 1 and says what is wrong", async (args, message) => {
  const result = await runVerify(args);
  expect(result).toMatchObject({ status: 1, stdout: "" });
  expect(result.stderr).toContain(message);
});
