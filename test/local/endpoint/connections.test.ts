import { createServer } from "node:net";
import { neon } from "@neondatabase/serverless";
import { expect, onTestFinished, test } from "vitest";
import { openEndpoint } from "../../../local/endpoint/server.ts";
import { openRelay, portOf } from "./relay.ts";
import * as support from "./support.ts";

const { changeOwnerUrl, direct, endpoint, hangUpDuring, holdAdvisoryLocks, newName, newTable, ownerUrl } =
  support;
const { post, rowsIn, running, schema, sql, statement, waitUntil } = support;

const one = statement("SELECT 1 AS n");

test.each([
  ["nonsense", "invalid connection string"],
  ["mysql://u:p@127.0.0.1/db", "invalid connection string"],
  ["postgres://127.0.0.1/db", "invalid connection string"],
  ["postgres://u%:p@127.0.0.1/db", "URI malformed"],
])("the connection string %s returns 400", async (header, words) => {
  const message = expect.stringContaining(words);
  expect(await post(one, { "Neon-Connection-String": header })).toMatchObject({
    status: 400,
    body: { message },
  });
});

test.each([
  ["A wrong password, also for a server that asks for none,", { password: "wrong" }, "28P01"],
  ["An unknown user", { username: "nobody", password: "wrong" }, expect.stringMatching(/^28/)],
  ["An unknown database", { pathname: "/nowhere" }, "3D000"],
  ["Another host", { hostname: "db.example" }, "28P01"],
  ["Another port", { port: "9" }, "28P01"],
])("%s is refused", async (_, parts, code) => {
  await expect(neon(changeOwnerUrl(parts))`SELECT 1`).rejects.toMatchObject({ name: "NeonDbError", code });
});

test.each(["localhost", "[::1]", "127.0.0.1"])(
  "%s names this machine, with and without a port",
  async (hostname) => {
    expect(await neon(changeOwnerUrl({ hostname }))`SELECT 1 AS n`).toEqual([{ n: 1 }]);
    expect(await neon(changeOwnerUrl({ hostname, port: "" }))`SELECT 1 AS n`).toEqual([{ n: 1 }]);
  },
);

test("the options of the connection string are settings of the session", async () => {
  const options = encodeURIComponent("-c work_mem=5MB --datestyle=SQL,\\ DMY");
  const withOptions = neon(changeOwnerUrl({ search: `?options=${options}` }));
  const readSettings = () =>
    withOptions`SELECT current_setting('work_mem') || current_setting('datestyle') AS settings`;
  expect([await readSettings(), await readSettings()]).toEqual(Array(2).fill([{ settings: "5MBSQL, DMY" }]));
});

test("60 requests at once are all answered, by 40 connections", async () => {
  const marker = newName();
  const numbers = Array.from({ length: 60 }, (_, index) => index);
  const release = await holdAdvisoryLocks(marker);
  const answers = Promise.all(
    numbers.map((n) =>
      sql.query(
        `SELECT $1::int AS n, pg_backend_pid() AS pid, pg_advisory_lock_shared(hashtext('${marker}'))`,
        [n],
      ),
    ),
  );
  await running(40, marker); // all wait for the lock
  await release(marker);
  const rows = (await answers).map(([row]) => row);
  expect(rows.map((row) => row?.["n"])).toEqual(numbers);
  expect(new Set(rows.map((row) => row?.["pid"])).size).toBe(40);
});

test("a request succeeds after the server has closed the idle connections", async () => {
  const idle = neon(changeOwnerUrl({ search: `?application_name=${newName()}` }));
  for (let round = 0; round < 3; round += 1) {
    const [row] = await idle`SELECT pg_backend_pid() AS pid`;
    const { rows } = await direct.query("SELECT pg_terminate_backend($1) AS done", [row?.["pid"]]);
    expect(rows).toEqual([{ done: true }]);
  }
});

test("a request succeeds on an idle connection that was closed while nobody read from it", async () => {
  const { url, sockets } = await openRelay();
  const send = await createSender(url);
  expect(await send()).toMatchObject({ status: 200 });
  for (const socket of sockets) {
    socket.unpipe().on("data", () => socket.destroy());
    socket.resume();
  }
  expect(await send()).toMatchObject({ status: 200 });
});

test("a statement is not run again when its connection breaks while it runs", async () => {
  const { url, sockets } = await openRelay();
  const send = await createSender(url);
  expect(await send()).toMatchObject({ status: 200 });
  const sequence = `${schema}.${newName()}`;
  await direct.query(`CREATE SEQUENCE ${sequence}`);
  const release = await holdAdvisoryLocks(sequence);
  const query = `SELECT nextval('${sequence}'), pg_advisory_lock_shared(hashtext('${sequence}'))`;
  const answer = send(statement(query));
  await running(1, sequence); // waits for the lock
  for (const socket of sockets) socket.destroy();
  expect(await answer).toMatchObject({ status: 500 });
  await release(sequence);
  await running(0, sequence);
  const { rows } = await direct.query(`SELECT last_value::int AS value FROM ${sequence}`);
  expect(rows).toEqual([{ value: 1 }]);
});

test("a request that ends its own connection returns PostgreSQL's error", async () => {
  await expect(sql`SELECT pg_terminate_backend(pg_backend_pid())`).rejects.toMatchObject({ code: "57P01" });
});

test("a statement ends and changes nothing when its client hangs up", async () => {
  const table = await newTable();
  await hangUpDuring(table, statement(`INSERT INTO ${table} SELECT 1 FROM pg_sleep(3600)`));
  expect(await rowsIn(table)).toBe(0);
});

/** Opens an endpoint for another database. @returns a function that sends it a request */
async function createSender(databaseUrl: string) {
  const { url, front, stop } = await openEndpoint(0);
  onTestFinished(stop);
  front(databaseUrl);
  return (body = one) => post(body, { "Neon-Connection-String": databaseUrl }, { url });
}

test("a database that cannot be reached returns 500", async () => {
  const message = "could not connect to the database: connect ECONNREFUSED 127.0.0.1:1";
  const send = await createSender("postgres://u:p@127.0.0.1:1/db");
  expect(await send()).toMatchObject({ status: 500, body: { message } });
});

test("a database without room for another connection returns 500", async () => {
  const username = newName();
  await direct.query(`CREATE ROLE ${username} LOGIN PASSWORD 'secret' CONNECTION LIMIT 0`);
  const header = { "Neon-Connection-String": changeOwnerUrl({ username, password: "secret" }) };
  const answer = await post(one, header);
  await direct.query(`DROP ROLE ${username}`);
  const message = expect.stringContaining("too many connections");
  expect(answer).toMatchObject({ status: 500, body: { message } });
});

test("sslmode=require and a server without TLS return 500", async () => {
  const plain = createServer((socket) => void socket.once("data", () => socket.end("N")));
  const send = await createSender(`postgres://u:p@127.0.0.1:${await portOf(plain)}/db?sslmode=require`);
  const message = "could not connect to the database: The server does not support SSL connections";
  expect(await send()).toMatchObject({ status: 500, body: { message } });
});

test("requests wait until the endpoint has a database", async () => {
  const early = await openEndpoint(0);
  onTestFinished(early.stop);
  const answer = post(one, {}, { url: early.url });
  const channel = early.url.replace("/sql", "/channels/default");
  await waitUntil(async () => (await (await fetch(channel)).text()) === '{"requests":1}');
  early.front(ownerUrl);
  expect(await answer).toMatchObject({ status: 200 });
});

test("an endpoint without a database can be stopped", async () => {
  await (await openEndpoint(0)).stop();
});

test("a port that is in use is an error with the code EADDRINUSE and the port in its message", async () => {
  const port = Number(new URL(endpoint.url).port);
  const message = `Port ${port} of 127.0.0.1, wanted for the SQL endpoint, is in use by another program`;
  await expect(openEndpoint(port)).rejects.toMatchObject({ code: "EADDRINUSE", message });
});

test("stop() ends the statements that still run, and does not wait for them", async () => {
  const busy = await openEndpoint(0);
  busy.front(ownerUrl);
  const marker = newName();
  const request = post(statement(`SELECT pg_sleep(3600) /* ${marker} */`), {}, { url: busy.url });
  const failure = expect(request).rejects.toThrow("fetch failed");
  await running(1, marker);
  await busy.stop();
  await failure;
  await running(0, marker);
});
