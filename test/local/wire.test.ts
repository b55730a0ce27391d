import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../../local/embedded/postgres.ts";
import { int32, message, messages, query, strings, text } from "../../local/embedded/wire.ts";
import { dial } from "./dial.ts";
import { changed, startTime, withClient } from "./support.ts";

let postgres: EmbeddedPostgres;
beforeAll(async () => {
  postgres = await startEmbeddedPostgres({ dataDir: undefined, port: 0 });
}, startTime);
afterAll(() => postgres.stop());

/** A startup packet of protocol 3.`minor`. */
function startup(minor: number, parameters: string[]): Buffer {
  const body = Buffer.concat([int32((3 << 16) + minor), ...parameters.map(text), Buffer.of(0)]);
  return Buffer.concat([int32(body.length + 4), body]);
}

const login = Buffer.concat([startup(0, ["user", "postgres"]), message("p", text("postgres"))]);

const typesIn = (bytes: Buffer): string => [...messages(bytes)].map(({ type }) => type).join("");

async function untilReceived(received: () => Buffer, types: RegExp): Promise<void> {
  await expect.poll(() => typesIn(received()), { timeout: 5_000 }).toMatch(types);
}

async function stillServes(): Promise<void> {
  await withClient(postgres.url, async (client) => {
    expect((await client.query("SELECT 1 AS n")).rows).toEqual([{ n: 1 }]);
  });
}

describe("Logging in to the embedded PostgreSQL", () => {
  test("works with the URL it gives", stillServes);

  test.each([
    ["password", "wrong", "28P01", 'password authentication failed for user "postgres"'],
    ["username", "eve", "28P01", 'password authentication failed for user "eve"'],
    ["pathname", "/nowhere", "3D000", 'database "nowhere" does not exist'],
    ["search", "?options=-c%20nothing%3D1", "42704", 'unrecognized configuration parameter "nothing"'],
  ] as const)("with a wrong %s is refused as PostgreSQL does it", async (part, wrong, code, sentence) => {
    const attempt = withClient(changed(postgres.url, { [part]: wrong }), (client) =>
      client.query("SELECT 1"),
    );
    await expect(attempt).rejects.toMatchObject({ severity: "FATAL", code, message: sentence });
  });

  test("is done in the clear: encryption is declined", async () => {
    const { socket, received } = await dial(postgres.url);
    socket.write(int32(8, 80877103));
    await expect.poll(() => received().toString()).toBe("N");
    socket.write(int32(8, 80877104));
    await expect.poll(() => received().toString()).toBe("NN");
    socket.write(login);
    await expect.poll(() => typesIn(received().subarray(2))).toMatch(/^RRS+KZ$/);
    socket.destroy();
  });

  test("reports the parameters a server reports", async () => {
    const { socket, received } = await dial(postgres.url);
    socket.write(login);
    await untilReceived(received, /Z$/);
    const reports = [...messages(received())].filter(({ type }) => type === "S");
    const parameters = Object.fromEntries(reports.map(({ bytes }) => strings(bytes.subarray(5))));
    expect(parameters).toMatchObject({
      server_version: expect.stringMatching(/^18\./),
      server_encoding: "UTF8",
      client_encoding: "UTF8",
      standard_conforming_strings: "on",
      integer_datetimes: "on",
      session_authorization: "postgres",
    });
    socket.destroy();
  });

  test("negotiates protocol 3.2 and its extensions down to 3.0", async () => {
    const { socket, received } = await dial(postgres.url);
    socket.write(startup(2, ["user", "postgres", "_pq_.fancy", "1"]));
    await untilReceived(received, /R$/);
    const [negotiation] = messages(received());
    expect(negotiation?.bytes.subarray(5)).toEqual(Buffer.concat([int32(3 << 16, 1), text("_pq_.fancy")]));
    socket.write(message("p", text("postgres")));
    await untilReceived(received, /^vRRS+KZ$/);
    socket.destroy();
  });

  test("by protocol 2 is refused", async () => {
    const { socket, received, closed } = await dial(postgres.url);
    socket.write(int32(8, 2 << 16));
    await closed;
    expect(received().toString()).toContain("unsupported frontend protocol 2.0");
  });
});

describe("A connection to the embedded PostgreSQL", () => {
  test.each([
    ["garbage", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
    ["an oversized startup packet", int32(1_000_000, 3 << 16)],
    ["a startup packet without its end", Buffer.concat([int32(13, 3 << 16), Buffer.from("user\0")])],
    ["a message of an unknown type", Buffer.concat([login, message("~")])],
    ["a message shorter than its length", Buffer.concat([login, Buffer.of(81, 0, 0, 0, 3)])],
    ["a message of an impossible length", Buffer.concat([login, Buffer.of(81, 0x7f, 255, 255, 255)])],
  ])("that sends %s is ended with 08P01", async (_, bytes) => {
    const { socket, received, closed } = await dial(postgres.url);
    socket.write(bytes);
    await closed;
    expect(received().toString()).toMatch(/SFATAL\0VFATAL\0C08P01\0/);
    await stillServes();
  });

  test("may deliver its bytes one by one", async () => {
    const { socket, received } = await dial(postgres.url);
    socket.setNoDelay(true);
    for (const byte of Buffer.concat([login, query("SELECT 1")])) {
      socket.write(Buffer.of(byte));
      await setTimeout(1);
    }
    await untilReceived(received, /KZTDCZ$/);
    socket.destroy();
  });

  test("may break off anywhere", async () => {
    const bytes = Buffer.concat([login, query("BEGIN"), query("CREATE TABLE halves (a int)")]);
    for (const length of [3, 20, login.length - 3, login.length + 3, bytes.length - 5, bytes.length]) {
      const { socket, closed } = await dial(postgres.url);
      socket.end(bytes.subarray(0, length));
      await setTimeout(20);
      socket.destroy();
      await closed;
    }
    await withClient(postgres.url, async (client) => {
      expect((await client.query("SELECT to_regclass('halves') AS t")).rows).toEqual([{ t: null }]);
    });
  });

  test("gets its pipelined exchanges answered one by one, errors included", async () => {
    const { socket, received } = await dial(postgres.url);
    socket.write(Buffer.concat([login, query("SELECT 1/0"), query("SELECT 1; SELECT 2"), query("")]));
    await untilReceived(received, /KZEZTDCTDCZIZ$/);
    socket.destroy();
  });

  test("gets answers up to a Flush, and keeps its turn until Sync", async () => {
    const { socket, received } = await dial(postgres.url);
    const parse = message("P", text(""), text("SELECT 1"), Buffer.of(0, 0));
    const bind = message("B", text(""), text(""), Buffer.alloc(6));
    socket.write(Buffer.concat([login, parse, message("H")]));
    await untilReceived(received, /KZ1$/);
    const other = stillServes();
    socket.write(Buffer.concat([bind, message("E", text(""), int32(0)), message("S")]));
    await untilReceived(received, /KZ12DCZ$/);
    await other;
    socket.destroy();
  });

  test("is told that rows by COPY are not taken, and goes on", async () => {
    await withClient(postgres.url, async (client) => {
      await client.query("CREATE TEMP TABLE copied (a int)");
      await expect(client.query("COPY copied FROM STDIN")).rejects.toMatchObject({
        message: "COPY from stdin failed: the embedded PostgreSQL takes no rows by COPY",
      });
      expect((await client.query("SELECT 1 AS n")).rows).toEqual([{ n: 1 }]);
    });
  });

  test("survives a recursion without end", async () => {
    await withClient(postgres.url, async (client) => {
      await client.query(
        "CREATE FUNCTION endless(n int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN endless(n + 1); END'",
      );
      await expect(client.query("SELECT endless(1)")).rejects.toMatchObject({ code: "54001" });
    });
    await stillServes();
  });
});
