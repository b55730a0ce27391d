import { expect, test } from "vitest";
import { endpoint, newName, newTable, post, rowsIn, sql, statement } from "./support.ts";

const one = statement("SELECT 1");

/** A channel that nobody else uses, unless its name is given. */
function channelOf(name = newName()) {
  const url = endpoint.url.replace("/sql", `/channels/${name}`);
  return {
    disturb: (disturbance: unknown) => post(disturbance, {}, { url, method: "PUT" }),
    forget: () => fetch(url, { method: "DELETE" }),
    requests: async () => (await fetch(url)).json(),
    post: (body: unknown, init: RequestInit = {}) => post(body, {}, { url: `${url}/sql`, ...init }),
  };
}

test("A channel counts its own requests, a transaction as one", async () => {
  const channel = channelOf();
  expect(await channel.requests()).toEqual({ requests: 0 });
  await channel.post(one);
  await channel.post({ queries: [one, one] });
  await channel.post(statement("SELECT nonsense"));
  await channelOf().post(one);
  expect(await channel.requests()).toEqual({ requests: 3 });
});

test("A request without a channel is in the one called default", async () => {
  await channelOf("default").forget();
  await sql`SELECT 1`;
  expect(await channelOf("default").requests()).toEqual({ requests: 1 });
});

test("A channel delays its requests as long as it is told", async () => {
  const channel = channelOf();
  await channel.disturb({ delay_ms: 150 });
  const start = performance.now();
  expect(await channel.post(one)).toMatchObject({ status: 200 });
  expect(performance.now() - start).toBeGreaterThan(145);
});

test("A channel disturbs as many requests as it is told", async () => {
  const channel = channelOf();
  await channel.disturb({ fault: "error-500", times: 2 });
  const statuses: number[] = [];
  for (let round = 0; round < 3; round += 1) statuses.push((await channel.post(one)).status);
  expect(statuses).toEqual([500, 500, 200]);
});

test("A channel disturbs a share of its requests, at random", async () => {
  const channel = channelOf();
  await channel.disturb({ fault: "error-500", share: 0.5 });
  const statuses = await Promise.all(
    Array.from({ length: 50 }, async () => (await channel.post(one)).status),
  );
  expect(new Set(statuses)).toEqual(new Set([200, 500]));
});

test("A channel disturbs all requests until it is deleted, which forgets the count too", async () => {
  const channel = channelOf();
  await channel.disturb({ fault: "error-500" });
  await channel.post(one);
  expect(await channel.post(one)).toMatchObject({ status: 500 });
  await channel.forget();
  expect(await channel.requests()).toEqual({ requests: 0 });
  expect(await channel.post(one)).toMatchObject({ status: 200 });
});

test.each([
  ["refuse", "fetch failed", 0],
  ["hang", "aborted due to timeout", 0],
  ["drop-before", "fetch failed", 0],
  ["drop-after", "fetch failed", 1],
  ["truncate", "terminated", 1],
])("With the fault %s the client's fetch says %j after %i statements", async (fault, message, count) => {
  const channel = channelOf();
  const table = await newTable();
  await channel.disturb({ fault });
  const insert = statement(`INSERT INTO ${table} VALUES (1)`);
  await expect(channel.post(insert, { signal: AbortSignal.timeout(1000) })).rejects.toThrow(message);
  expect(await rowsIn(table)).toBe(count);
});

test.each([
  [{ fault: "error-500" }, 500, "a fault made on purpose"],
  [{ fault: "sqlstate", code: "40001" }, 400, expect.objectContaining({ code: "40001", severity: "ERROR" })],
])("The fault %j answers instead of the statement", async (disturbance, status, body) => {
  const channel = channelOf();
  const table = await newTable();
  await channel.disturb(disturbance);
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
  [{ fault: "hang", code: "40001" }, /no other has one/],
  [{ delay: 1 }, /"delay"/],
])("A channel refuses to be told %j", async (disturbance, sentence) => {
  const message = expect.stringMatching(sentence);
  expect(await channelOf().disturb(disturbance)).toMatchObject({ status: 400, body: { message } });
});

test("A channel knows GET, PUT and DELETE only", async () => {
  const url = endpoint.url.replace("/sql", "/channels/any");
  expect(await post({}, {}, { url })).toMatchObject({ status: 400 });
});
