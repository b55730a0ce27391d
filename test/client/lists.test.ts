import { afterAll, beforeEach, expect, test } from "vitest";
import { createClient, type Tokens } from "../../client/index.ts";
import { serveApi } from "../support/serve-api.ts";
import { newPatient, signUp, slowDatabase } from "./support.ts";

const served = await serveApi(slowDatabase);
afterAll(() => served.stop());

const owner = await signUp(served.origin);
const ids: number[] = [];
for (let i = 0; i < 5; i += 1) ids.push((await owner.patients.create(newPatient())).id);

/** The queries that the client has sent in the running test, without the content of their cursors. */
const queries: string[] = [];
beforeEach(() => void queries.splice(0));
const api = createClient({
  url: served.origin,
  tokens: owner.tokens as Tokens,
  onRequest: ({ url }) => queries.push(new URL(url).search.replace(/cursor=[^&]+/, "cursor=…")),
});

test("first returns the first record of the order, and requests one record", async () => {
  expect((await api.patients.list().first())?.id).toBe(ids[0]);
  expect((await api.patients.list({ sort: "-id", limit: 50 }).first())?.id).toBe(ids[4]);
  expect(queries).toEqual(["?limit=1", "?sort=-id&limit=1"]);
});

test("first returns undefined when no record matches, and throws what the API says about the query", async () => {
  expect(await api.patients.list({ search: "nobody" }).first()).toBeUndefined();
  const invalid = { gender: "X" as "F" };
  await expect(api.patients.list(invalid).first()).rejects.toMatchObject({
    status: 400,
    errors: { gender: [expect.any(String)] },
  });
});

test("toArray returns all records, with pages of 200 or of the query's limit", async () => {
  expect((await api.patients.list().toArray()).map(({ id }) => id)).toEqual(ids);
  expect((await api.patients.list({ limit: 2 }).toArray({})).map(({ id }) => id)).toEqual(ids);
  expect(await api.patients.list({ search: "nobody" }).toArray()).toEqual([]);
  expect(queries).toEqual([
    "?limit=200",
    ...["?limit=2", "?limit=2&cursor=…", "?limit=2&cursor=…"],
    "?search=nobody&limit=200",
  ]);
});

test.each([
  [1, undefined, ["?limit=1"]],
  [2, 2, ["?limit=2"]],
  [3, 2, ["?limit=2", "?limit=2&cursor=…"]],
  [4, 2, ["?limit=2", "?limit=2&cursor=…"]],
  [5, 2, ["?limit=2", "?limit=2&cursor=…", "?limit=2&cursor=…"]],
  [3, undefined, ["?limit=3"]],
  [3, 50, ["?limit=3"]],
  [9, undefined, ["?limit=9"]],
  [500, undefined, ["?limit=200"]],
])("toArray({ max: %i }) of 5 records with limit %s sends %j", async (max, limit, expected) => {
  const records = await api.patients.list({ limit }).toArray({ max });
  expect(records.map(({ id }) => id)).toEqual(ids.slice(0, max));
  expect(queries).toEqual(expected);
});

test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "2", null])(
  "toArray({ max: %j }) throws a TypeError and sends nothing",
  async (max) => {
    await expect(api.patients.list().toArray({ max: max as number })).rejects.toThrow(
      new TypeError("max must be a positive integer."),
    );
    expect(queries).toEqual([]);
  },
);

test("every list of the client has first and toArray", async () => {
  const [id = 0] = ids;
  for (const list of [api.doctors.list(), api.assignments.list(), api.emergencyAccesses.list()])
    expect((await list.toArray({ max: 1 })).length).toBeLessThanOrEqual(1);
  expect(await api.patients.history(id).first()).toMatchObject({ action: "create" });
  expect(await api.patients.accesses(id).toArray({ max: 2 })).toHaveLength(2);
  for (const list of [api.accounts.list(), api.invitations.list(), api.record(), api.auditDigests()])
    await expect(list.first()).rejects.toMatchObject({ status: 403 });
});

test("an abort ends first and toArray", async () => {
  const reason = new Error("the page was left");
  const list = api.patients.list({}, { signal: AbortSignal.abort(reason) });
  await expect(list.first()).rejects.toBe(reason);
  await expect(list.toArray()).rejects.toBe(reason);
});
