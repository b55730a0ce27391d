import { fork } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { takeDirectory } from "../../local/embedded/directory.ts";
import { startEmbeddedPostgres } from "../../local/embedded/postgres.ts";
import { startTime, withClient } from "./support.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "data-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const writer = new URL("./writer.ts", import.meta.url);

describe("A data directory", () => {
  test("is made when it is not there", () => {
    const path = join(directory, "a", "b");
    takeDirectory(path).release();
    expect(readdirSync(path)).toEqual(["unfinished"]);
  });

  test.skipIf(process.platform === "win32")("is for its owner alone to read, also one made before", () => {
    chmodSync(directory, 0o755);
    takeDirectory(directory).release();
    expect(statSync(directory).mode & 0o777).toBe(0o700);
  });

  test("is had by one only", () => {
    const taken = takeDirectory(directory);
    expect(() => takeDirectory(directory)).toThrow(
      `Process ${process.pid} uses the data directory ${directory}: stop it, or choose another directory`,
    );
    taken.release();
    takeDirectory(directory).release();
  });

  test("that another process has is refused with that process's pid", { timeout: startTime }, async () => {
    const child = fork(writer, [directory], { stdio: "ignore", execArgv: [] });
    await once(child, "message");
    expect(() => takeDirectory(directory)).toThrow(`Process ${child.pid} uses the data directory`);
    child.kill("SIGKILL");
    await once(child, "exit");
    takeDirectory(directory).release();
  });

  test("is taken over when its owner's pid belongs to another process by now", () => {
    writeFileSync(join(directory, "owner.json"), JSON.stringify({ pid: 1, started: "long ago" }));
    takeDirectory(directory).release();
  });

  test("that holds something else is refused", () => {
    writeFileSync(join(directory, "letter.txt"), "dear");
    expect(() => takeDirectory(directory)).toThrow(
      `${directory} holds files but no PostgreSQL data: choose another data directory, or empty this one`,
    );
    expect(readdirSync(directory)).toEqual(["letter.txt"]);
  });

  test("of another major version is refused", () => {
    writeFileSync(join(directory, "PG_VERSION"), "15\n");
    expect(() => takeDirectory(directory)).toThrow(
      `${directory} was written by PostgreSQL 15, and the embedded one is 18: delete the directory`,
    );
    expect(readdirSync(directory)).toEqual(["PG_VERSION"]);
  });

  test("whose making was interrupted is made anew", () => {
    takeDirectory(directory).release();
    mkdirSync(join(directory, "base"));
    writeFileSync(join(directory, "PG_VERSION"), "1");
    takeDirectory(directory).release();
    expect(readdirSync(directory)).toEqual(["unfinished"]);
  });

  test("keeps its data from one start to the next", { timeout: 2 * startTime }, async () => {
    for (const expected of [1, 2]) {
      const postgres = await startEmbeddedPostgres({ dataDir: directory, port: 0 });
      const { rows } = await withClient(postgres.url, async (client) => {
        await client.query("CREATE TABLE IF NOT EXISTS starts (at timestamptz)");
        await client.query("INSERT INTO starts VALUES (now())");
        return client.query("SELECT count(*)::int AS n FROM starts");
      });
      await postgres.stop();
      expect(rows).toEqual([{ n: expected }]);
    }
  });

  test("keeps what was committed when PGlite crashes, which starts again", {
    timeout: startTime,
  }, async () => {
    const postgres = await startEmbeddedPostgres({ dataDir: directory, port: 0 });
    await withClient(postgres.url, async (client) => {
      await client.query("CREATE TABLE survivors AS SELECT 1 AS n");
      // Without processes PGlite cannot even refuse this.
      await expect(client.query("COPY (SELECT 1) TO PROGRAM 'true'")).rejects.toMatchObject({
        code: "57P02",
      });
    });
    const { rows } = await withClient(postgres.url, (client) => client.query("SELECT n FROM survivors"));
    await postgres.stop();
    expect(rows).toEqual([{ n: 1 }]);
  });

  test("keeps what was committed when the process is killed", { timeout: 5 * startTime }, async () => {
    let acknowledged = 0;
    for (let round = 0; round < 4; round += 1) {
      const child = fork(writer, [directory, String(acknowledged)], { stdio: "inherit", execArgv: [] });
      const [found] = (await once(child, "message")) as [number];
      expect(found).toBeGreaterThanOrEqual(acknowledged);
      acknowledged = found;
      child.on("message", (number: number) => {
        acknowledged = number;
        if (number >= found + 25) child.kill("SIGKILL");
      });
      await once(child, "exit");
    }
    expect(acknowledged).toBeGreaterThanOrEqual(100);
  });
});
