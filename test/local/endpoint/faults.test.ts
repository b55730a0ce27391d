import { expect, test } from "vitest";
import { endpoint, newName, newTable, post, rowsIn, sql, statement, waitUntil } from "./support.ts";

const one = statement("SELECT 1");

/** A channel of the running test, or the one called `name`. */
function channelOf(name = newName()) {
  const url = endpoint.url.replace("/sql", `/channels/${name}`);
  return {
    setFault: (fault: unknown) => post(fault, {}, { url, method: "PUT" }),
    remove: () => fetch(url, { method: "DELETE" }),
    requests: async () => (await (await fetch(url)).json()) as { requests: number },
    post: (body: unknown, init: RequestInit = {}) => post(body, {}, { url: `${url}/sql`, ...init }),
  };
}

test("a channel counts its own requests, and a transaction as one", async () => {
  const channel = channelOf();
  expect(await channel.requests()).toEqual({ requests: 0 });
  await channel.post(one);
  await channel.post({ queries: [one, one] });
  await channel.post(statement("SELECT nonsense"));
  await channelOf().post(one);
  expect(await channel.requests()).toEqual({ requests: 3 });
});

test("POST /sql counts in the channel called default", async () => {
  await channelOf("default").remove();
  await sql`SELECT 1`;
  expect(await channelOf("default").requests()).toEqual({ requests: 1 });
});

test("delay_ms delays the requests of the channel", async () => {
  const channel = channelOf();
  await channel.setFault({ delay_ms: 150 });
  const start = performance.now();
  expect(await channel.post(one)).toMatchObject({ status: 200 });
  expect(performance.now() - start).toBeGreaterThan(145);
});

test("times limits how many requests get the fault", async () => {
  const channel = channelOf();
  await channel.setFault({ fault: "error-500", times: 2 });
  const statuses: number[] = [];
  for (let round = 0; round < 3; round += 1) statuses.push((await channel.post(one)).status);
  expect(statuses).toEqual([500, 500, 200]);
});

test("share gives a part of the requests the fault, at random", async () => {
  const channel = channelOf();
  await channel.setFault({ fault: "error-500", share: 0.5 });
  const statuses = await Promise.all(
    Array.from({ length: 50 }, async () => (await channel.post(one)).status),
  );
  expect(new Set(statuses)).toEqual(new Set([200, 500]));
});

test("a fault without times lasts until the channel is deleted, which also resets the count", async () => {
  const channel = channelOf();
  await channel.setFault({ fault: "error-500" });
  await channel.post(one);
  expect(await channel.post(one)).toMatchObject({ status: 500 });
  await channel.remove();
  expect(await channel.requests()).toEqual({ requests: 0 });
  expect(await channel.post(one)).toMatchObject({ status: 200 });
});

test.each([
  ["refuse", "fetch failed", 0],
  ["drop-before", "fetch failed", 0],
  ["drop-after", "fetch failed", 1],
  ["truncate", "terminated", 1],
])("with the fault %s fetch fails with %j and %i statements have run", async (fault, message, count) => {
  const channel = channelOf();
  const table = await newTable();
  await channel.setFault({ fault });
  const insert = statement(`INSERT INTO ${table} VALUES (1)`);
  await expect(channel.post(insert)).rejects.toThrow(message);
  expect(await rowsIn(table)).toBe(count);
});

test("with the fault hang there is no answer until the client hangs up, and no statement runs", async () => {
  const channel = channelOf();
  const table = await newTable();
  await channel.setFault({ fault: "hang", times: 1 });
  const hangUp = new AbortController();
  const insert = statement(`INSERT INTO ${table} VALUES (1)`);
  const hanging = channel.post(insert, { signal: hangUp.signal });
  const failure = expect(hanging).rejects.toThrow("This operation was aborted");
  await waitUntil(async () => (await channel.requests()).requests === 1);
  // Ten others, one after another, are sent and answered meanwhile.
  for (let count = 0; count < 10; count += 1) expect(await channel.post(one)).toMatchObject({ status: 200 });
  expect(await rowsIn(table)).toBe(0);
  hangUp.abort();
  await failure;
});

test.each([
  [{ fault: "error-500" }, 500, "a fault injected on purpose"],
  [{ fault: "sqlstate", code: "40001" }, 400, expect.objectContaining({ code: "40001", severity: "ERROR" })],
])("the fault %j is answered with %i, and no statement runs", async (fault, status, body) => {
  const channel = channelOf();
  const table = await newTable();
  await channel.setFault(fault);
  expect(await channel.post(statement(`INSERT INTO ${table} VALUES (1)`))).toMatchObject({ status, body });
  expect(await rowsIn(table)).toBe(0);
});

test.each([
  ["not JSON", /JSON/],
  [[], /expected object/],
  [{ delay_ms: -1 }, /delay_ms/],
  [{ times: 0 }, /times/],
  [{ fault: "fire" }, /"refuse"\|"hang"/],
  [{ fault: "sqlstate" }, /needs a code/],
  [{ fault: "sqlstate", code: "4000x" }, /five digits or capital letters/],
  [{ fault: "hang", code: "40001" }, /no other fault has one/],
  [{ delay: 1 }, /"delay"/],
])("PUT of the fault %j returns 400", async (fault, sentence) => {
  const message = expect.stringMatching(sentence);
  expect(await channelOf().setFault(fault)).toMatchObject({ status: 400, body: { message } });
});

test("POST of a channel returns 400: it has GET, PUT and DELETE", async () => {
  const url = endpoint.url.replace("/sql", "/channels/any");
  expect(await post({}, {}, { url })).toMatchObject({ status: 400 });
});
