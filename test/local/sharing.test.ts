import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../../local/embedded/postgres.ts";
import { int32 } from "../../local/embedded/wire.ts";
import { dial } from "./dial.ts";
import { changed, startTime, withClient } from "./support.ts";

let postgres: EmbeddedPostgres;
beforeAll(async () => {
  postgres = await startEmbeddedPostgres({ dataDir: undefined, port: 0 });
}, startTime);
afterAll(() => postgres.stop());

describe("Two connections to the embedded PostgreSQL", () => {
  const withTwo = (work: (one: pg.Client, other: pg.Client) => Promise<void>): Promise<void> =>
    withClient(postgres.url, (one) => withClient(postgres.url, (other) => work(one, other)));

  test("do not see each other's settings, and keep their own", async () => {
    await withTwo(async (one, other) => {
      await one.query('SET search_path = pg_catalog, "odd \'name"');
      await one.query("SET ROLE pg_monitor");
      await other.query("SET work_mem = '9MB'");
      const settings =
        "SELECT current_setting('search_path') AS s, current_setting('work_mem') AS w, current_role AS r";
      expect((await one.query(settings)).rows).toEqual([
        { s: 'pg_catalog, "odd \'name"', w: "4MB", r: "pg_monitor" },
      ]);
      expect((await other.query(settings)).rows).toEqual([{ s: "public", w: "9MB", r: "postgres" }]);
    });
  });

  test("do not see each other's prepared statements, and keep their own", async () => {
    await withTwo(async (one, other) => {
      const answers: unknown[] = [];
      for (let round = 0; round < 2; round += 1) {
        answers.push((await one.query({ name: "s", text: "SELECT $1::int + 1 AS n", values: [1] })).rows);
        answers.push((await other.query({ name: "s", text: "SELECT $1::text AS n", values: ["x"] })).rows);
      }
      expect(answers).toEqual([[{ n: 2 }], [{ n: "x" }], [{ n: 2 }], [{ n: "x" }]]);
    });
  });

  test("keep statements prepared in SQL, too", async () => {
    await withTwo(async (one, other) => {
      await one.query("PREPARE p (int) AS SELECT $1 * 2 AS n");
      await other.query("SELECT 1");
      expect((await one.query("EXECUTE p (21)")).rows).toEqual([{ n: 42 }]);
    });
  });

  test("go back to their startup settings by DISCARD ALL", async () => {
    await withClient(changed(postgres.url, { search: "?application_name=ward" }), async (client) => {
      await client.query("SET application_name = 'other'");
      await client.query("SET SESSION AUTHORIZATION pg_monitor");
      await client.query("DISCARD ALL");
      const { rows } = await client.query(
        "SELECT current_setting('application_name') AS a, session_user AS u",
      );
      expect(rows).toEqual([{ a: "ward", u: "postgres" }]);
    });
  });

  test("wait while one is in a transaction", async () => {
    await withTwo(async (one, other) => {
      await one.query("BEGIN");
      const order: string[] = [];
      const waiting = other.query("SELECT 1").then(() => order.push("other"));
      await one.query("SELECT pg_sleep(0.1)");
      order.push("one");
      await one.query("COMMIT");
      await waiting;
      expect(order).toEqual(["one", "other"]);
    });
  });

  test("do not wait for a transaction whose connection is gone, and it is rolled back", async () => {
    const gone = new pg.Client(postgres.url);
    gone.on("error", () => {});
    await gone.connect();
    await gone.query("BEGIN; CREATE TABLE unfinished (a int)");
    await withClient(postgres.url, async (client) => {
      const waiting = client.query("SELECT to_regclass('unfinished') AS t");
      await gone.end();
      expect((await waiting).rows).toEqual([{ t: null }]);
    });
  });

  test("can be cancelled while they wait: the query never runs", async () => {
    await withTwo(async (one, other) => {
      await one.query("BEGIN; CREATE TABLE uncancelled (a int)");
      const waiting = other.query("INSERT INTO uncancelled VALUES (1)");
      const refusal = expect(waiting).rejects.toMatchObject({
        code: "57014",
        message: "canceling statement due to user request",
      });
      const { processID, secretKey } = other as unknown as Record<string, number>;
      const { socket, closed } = await dial(postgres.url);
      socket.write(int32(16, 80877102, processID ?? 0, secretKey ?? 0));
      await closed;
      await refusal;
      await one.query("COMMIT");
      expect((await other.query("SELECT count(*)::int AS n FROM uncancelled")).rows).toEqual([{ n: 0 }]);
    });
  });

  test("cannot be cancelled without the key", async () => {
    await withTwo(async (one, other) => {
      await one.query("BEGIN");
      const waiting = other.query("SELECT 1 AS n");
      const { processID } = other as unknown as Record<string, number>;
      const { socket, closed } = await dial(postgres.url);
      socket.write(int32(16, 80877102, processID ?? 0, 0));
      await closed;
      await one.query("COMMIT");
      expect((await waiting).rows).toEqual([{ n: 1 }]);
    });
  });
});
