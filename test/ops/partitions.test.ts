import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { migrate } from "../../ops/migrate.ts";
import { copyDatabase, newDatabase, query } from "./support.ts";

let migrated: Awaited<ReturnType<typeof newDatabase>>;
let url: string;
beforeAll(async () => {
  migrated = await newDatabase();
  await migrate(migrated.url);
});
beforeEach(async () => {
  url = await copyDatabase(migrated.url);
});
afterAll(() => migrated.drop());

/** Inserts an audit event. @returns the partition that it is in */
const insertEvent = (at: string) =>
  query(
    url,
    `INSERT INTO audit_events (action, outcome, at) VALUES ('read', 'done', ${at}) RETURNING tableoid::regclass::text AS part`,
  );
const partitions = async () =>
  (
    await query(
      url,
      "SELECT inhrelid::regclass::text AS part FROM pg_inherits WHERE inhparent = 'audit_events'::regclass ORDER BY 1",
    )
  ).map(({ part }) => part);
/** The name of the partition of the month that is `months` after this one. */
const nameOf = async (months: number) => {
  const month = `to_char(now() AT TIME ZONE 'UTC' + make_interval(months => ${months}), 'YYYY_MM')`;
  return (await query(url, `SELECT 'audit_events_' || ${month} AS name`))[0].name;
};

test("an event of a month without a partition is in the default one, and moves when the partition is created", async () => {
  const thisMonth = await nameOf(0);
  await query(url, `DROP TABLE ${thisMonth}`);
  expect(await insertEvent("now()")).toEqual([{ part: "audit_events_default" }]);
  expect(await insertEvent("'2001-01-01'")).toEqual([{ part: "audit_events_default" }]);
  expect(await query(url, "SELECT audit_partitions(3) AS created")).toEqual([{ created: 1 }]);
  const where = "SELECT tableoid::regclass::text AS part FROM audit_events ORDER BY at";
  expect(await query(url, where)).toEqual([{ part: "audit_events_default" }, { part: thisMonth }]);
  expect(await insertEvent("now()")).toEqual([{ part: thisMonth }]);
});

test("concurrent calls create each partition once, and at most 12 months ahead", async () => {
  const counts = await Promise.all(
    [5, 99, 5, 99].map((ahead) => query(url, `SELECT audit_partitions(${ahead}) AS created`)),
  );
  expect(counts.reduce((sum, [row]) => sum + row.created, 0)).toBe(9);
  const months = await Promise.all(Array.from({ length: 13 }, (_, n) => nameOf(n)));
  expect(await partitions()).toEqual([...months, "audit_events_default"]);
});

test("a new partition has the indexes of the audit log, with their settings", async () => {
  await query(url, "SELECT audit_partitions(5)");
  const indexes = async (table: string) =>
    (
      await query(
        url,
        `SELECT regexp_replace(pg_get_indexdef(indexrelid), '^.* USING ', '') AS definition
         FROM pg_index WHERE indrelid = $1::regclass ORDER BY definition`,
        [table],
      )
    ).map(({ definition }) => definition);
  const ofLog = await indexes("audit_events");
  expect(ofLog.filter((definition) => definition.startsWith("gin"))).toEqual([
    expect.stringContaining("(fastupdate='true', gin_pending_list_limit='1024')"),
    expect.stringContaining("(fastupdate='true', gin_pending_list_limit='1024')"),
  ]);
  expect(await indexes(await nameOf(5))).toEqual(ofLog);
});

test("dropping the partition of a month deletes the events of that month only", async () => {
  await insertEvent("now()");
  await query(
    url,
    `INSERT INTO audit_events (action, outcome, at) VALUES ('read', 'done', now() + interval '1 month 3 days')`,
  );
  await query(url, `DROP TABLE ${await nameOf(0)}`);
  expect(await query(url, "SELECT count(*)::int AS count FROM audit_events")).toEqual([{ count: 1 }]);
});
