import { neon } from "@neondatabase/serverless";
import { expect, onTestFinished, test } from "vitest";
import { changeOwnerUrl, direct, holdAdvisoryLocks, newName, running, schema, waitUntil } from "./support.ts";

/** A driver with connections of its own. One connection serves all its requests that are sent one after another. */
const openSession = () => neon(changeOwnerUrl({ search: `?application_name=${newName()}` }));

test.each([
  ["setting", "SET work_mem = '7MB'", "current_setting('work_mem') = '7MB'"],
  ["temporary table", "CREATE TEMP TABLE leak (a int)", "to_regclass('pg_temp.leak') IS NOT NULL"],
  ["prepared statement", "PREPARE leak AS SELECT 1", "EXISTS (SELECT FROM pg_prepared_statements)"],
  ["advisory lock", "SELECT pg_advisory_lock(4711)", "pg_advisory_unlock(4711)"],
  ["open transaction", "BEGIN READ ONLY", "current_setting('transaction_read_only') = 'on'"],
  ["LISTEN", "LISTEN leak", "EXISTS (SELECT FROM pg_listening_channels())"],
  ["SET ROLE", "SET ROLE pg_monitor", "current_user = 'pg_monitor'"],
  ["SET SESSION AUTHORIZATION", "SET SESSION AUTHORIZATION pg_monitor", "session_user = 'pg_monitor'"],
  [
    "cursor",
    "DO 'BEGIN EXECUTE $$DECLARE leak CURSOR WITH HOLD FOR SELECT 1$$; END'",
    "EXISTS (SELECT FROM pg_cursors WHERE name = 'leak')",
  ],
])("a %s does not last until the next request on the same connection", async (_, query, isThere) => {
  const session = openSession();
  const [before] = await session`SELECT pg_backend_pid() AS pid`;
  await session.query(query);
  const [after] = await session.query(`SELECT pg_backend_pid() AS pid, ${isThere} AS "isThere"`);
  expect(after).toEqual({ ...before, isThere: false });
});

test("the last value of a sequence does not last until the next request on the same connection", async () => {
  const session = openSession();
  const sequence = `${schema}.${newName()}`;
  await direct.query(`CREATE SEQUENCE ${sequence}`);
  const [before] = await session.query(`SELECT pg_backend_pid() AS pid, nextval('${sequence}')`);
  await expect(session`SELECT lastval()`).rejects.toMatchObject({ code: "55000" });
  await expect(session.query(`SELECT currval('${sequence}')`)).rejects.toMatchObject({ code: "55000" });
  expect(await session`SELECT pg_backend_pid() AS pid`).toEqual([{ pid: before?.["pid"] }]);
});

test("a SET of one request gives way to the setting of the role in the next", async () => {
  const username = newName();
  await direct.query(`CREATE ROLE ${username} LOGIN PASSWORD 'secret'`);
  onTestFinished(async () => void (await direct.query(`DROP ROLE ${username}`)));
  await direct.query(`ALTER ROLE ${username} SET work_mem = '6MB'`);
  const session = neon(changeOwnerUrl({ username, password: "secret" }));
  await session`SET work_mem = '7MB'`;
  expect(await session`SHOW work_mem`).toEqual([{ work_mem: "6MB" }]);
});

test("the plan of a statement in a PL/pgSQL function is kept for later requests, as at Neon", async () => {
  const [planned, call] = [`${schema}.${newName()}`, `${schema}.${newName()}`];
  // PostgreSQL calls an immutable function when it makes the plan, which then contains the result.
  await direct.query(`
    CREATE FUNCTION ${planned}() RETURNS uuid IMMUTABLE LANGUAGE plpgsql AS
      'BEGIN RETURN gen_random_uuid(); END';
    CREATE FUNCTION ${call}() RETURNS uuid LANGUAGE plpgsql AS
      'DECLARE plan uuid; BEGIN SELECT ${planned}() INTO plan; RETURN plan; END'`);
  const session = openSession();
  const callFunction = async () => session.query(`SELECT pg_backend_pid() AS pid, ${call}() AS plan`);
  // Other tests create schemas at the same time, and that invalidates all plans: it may take several calls.
  let [last] = await callFunction();
  await waitUntil(async () => {
    const previous = last;
    [last] = await callFunction();
    return last?.["pid"] === previous?.["pid"] && last?.["plan"] === previous?.["plan"];
  });
  await session.query("DISCARD PLANS");
  const [discarded] = await callFunction();
  expect(discarded?.["plan"]).not.toBe(last?.["plan"]);
});

test("of several idle connections, the one that was used last serves the next requests", async () => {
  const session = openSession();
  const waitFor = async (name: string) =>
    session.query(`SELECT pg_backend_pid() AS pid, pg_advisory_xact_lock_shared(hashtext('${name}'))`);
  const names = Array.from({ length: 3 }, newName);
  const release = await holdAdvisoryLocks(...names);
  const requests = names.map(waitFor);
  for (const name of names) await running(1, name);
  const pids: unknown[] = [];
  for (const [index, name] of names.entries()) {
    await release(name);
    pids.push((await requests[index])?.[0]?.["pid"]);
  }
  expect(new Set(pids).size).toBe(3);
  for (let round = 0; round < 3; round += 1)
    expect(await session`SELECT pg_backend_pid() AS pid`).toEqual([{ pid: pids.at(-1) }]);
});
