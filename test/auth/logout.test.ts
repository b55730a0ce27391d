import { expect, test } from "vitest";
import { type Api, connectApi } from "../support/api.ts";
import { logIn, signUp } from "../support/fixtures.ts";

interface Pair {
  access: string;
  refresh: string;
}

const logOut = (api: Api, { access, refresh }: Pair) =>
  api.post("/api/auth/logout/", { refresh }, { token: access });
const refreshWith = (api: Api, { refresh }: Pair) => api.post("/api/auth/refresh/", { refresh });

/** Whether the access token and the refresh token still work. */
const works = async (api: Api, pair: Pair) => [
  (await api.get("/api/auth/me/", { token: pair.access })).status,
  (await refreshWith(api, pair)).status,
];

test("logging out answers 204 without a body, in one database request", async () => {
  const api = connectApi();
  const account = await signUp(api);
  await api.databaseRequests();
  const answer = await logOut(api, account);
  expect(answer.status).toBe(204);
  expect(answer.body).toBe("");
  expect(await api.databaseRequests()).toBe(1);
});

test("logging out ends the session: its refresh token and its access token", async () => {
  const api = connectApi();
  const account = await signUp(api);
  await logOut(api, account);
  expect(await works(api, account)).toEqual([401, 401]);
});

test("a session that is over cannot be logged out again", async () => {
  const api = connectApi();
  const account = await signUp(api);
  await logOut(api, account);
  expect((await logOut(api, account)).status).toBe(401);
});

test("the other sessions of the account go on", async () => {
  const api = connectApi();
  const account = await signUp(api);
  const other = await logIn(api, account.username);
  await logOut(api, account);
  expect(await works(api, other)).toEqual([200, 200]);
});

test("another session of one's own can be ended, and one's own goes on", async () => {
  const api = connectApi();
  const account = await signUp(api);
  const other = await logIn(api, account.username);
  expect((await logOut(api, { access: account.access, refresh: other.refresh })).status).toBe(204);
  expect(await works(api, other)).toEqual([401, 401]);
  expect(await works(api, account)).toEqual([200, 200]);
});

test("a spent refresh token of an own session ends it too", async () => {
  const api = connectApi();
  const account = await signUp(api);
  const next = (await refreshWith(api, account)).body;
  expect((await logOut(api, { access: next.access, refresh: account.refresh })).status).toBe(204);
  expect(await works(api, next)).toEqual([401, 401]);
});

test("somebody else's refresh token answers 400 naming refresh, and both sessions go on", async () => {
  const api = connectApi();
  const [account, stranger] = [await signUp(api), await signUp(api)];
  const answer = await logOut(api, { access: account.access, refresh: stranger.refresh });
  expect(answer.status).toBe(400);
  expect(Object.keys(answer.body.errors)).toEqual(["refresh"]);
  expect(await works(api, stranger)).toEqual([200, 200]);
  expect(await works(api, account)).toEqual([200, 200]);
});

test("a refresh token that never was answers the same as somebody else's", async () => {
  const api = connectApi();
  const [account, stranger] = [await signUp(api), await signUp(api)];
  const unknown = await logOut(api, { access: account.access, refresh: "A".repeat(43) });
  const foreign = await logOut(api, { access: account.access, refresh: stranger.refresh });
  expect(unknown.status).toBe(400);
  expect({ ...unknown.body, request_id: "" }).toEqual({ ...foreign.body, request_id: "" });
});

test.each([
  ["refresh", undefined],
  ["refresh", null],
  ["refresh", 7],
  ["refresh", " "],
  ["refresh", "a\0b"],
  ["refresh", "a\ud800b"],
  ["everywhere", true],
])("a logout whose %s is %j is refused by that name, without a database request", async (field, value) => {
  const api = connectApi();
  const account = await signUp(api);
  await api.databaseRequests();
  const answer = await account.post("/api/auth/logout/", { refresh: account.refresh, [field]: value });
  expect(answer.status).toBe(400);
  expect(Object.keys(answer.body.errors)).toEqual([field]);
  expect(await api.databaseRequests()).toBe(0);
});
