import { beforeEach, expect, test } from "vitest";
import { migrate } from "../../ops/migrate.ts";
import { emptyDatabase, query } from "./support.ts";

let url: string;
beforeEach(async () => {
  url = await emptyDatabase();
  await migrate(url);
});

const put = (at: string) =>
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
const nameOf = async (months: number) => {
  const month = `to_char(now() AT TIME ZONE 'UTC' + make_interval(months => ${months}), 'YYYY_MM')`;
  return (await query(url, `SELECT 'audit_events_' || ${month} AS name`))[0].name;
};

test("what is of no month that has a partition is kept, and moved when that is made", async () => {
  const here = await nameOf(0);
  await query(url, `DROP TABLE ${here}`);
  expect(await put("now()")).toEqual([{ part: "audit_events_default" }]);
  expect(await put("'2001-01-01'")).toEqual([{ part: "audit_events_default" }]);
  expect(await query(url, "SELECT audit_partitions(3) AS made")).toEqual([{ made: 1 }]);
  const where = "SELECT tableoid::regclass::text AS part FROM audit_events ORDER BY at";
  expect(await query(url, where)).toEqual([{ part: "audit_events_default" }, { part: here }]);
  expect(await put("now()")).toEqual([{ part: here }]);
});

test("of many who make them at once each is made once, and no more than a year of them", async () => {
  const made = await Promise.all(
    [5, 99, 5, 99].map((ahead) => query(url, `SELECT audit_partitions(${ahead}) AS made`)),
  );
  expect(made.reduce((sum, [row]) => sum + row.made, 0)).toBe(9);
  const months = await Promise.all(Array.from({ length: 13 }, (_, n) => nameOf(n)));
  expect(await partitions()).toEqual([...months, "audit_events_default"]);
});

test("a month that is dropped takes its own record and no other", async () => {
  await put("now()");
  await query(
    url,
    `INSERT INTO audit_events (action, outcome, at) VALUES ('read', 'done', now() + interval '1 month 3 days')`,
  );
  await query(url, `DROP TABLE ${await nameOf(0)}`);
  expect(await query(url, "SELECT count(*)::int AS left FROM audit_events")).toEqual([{ left: 1 }]);
});
