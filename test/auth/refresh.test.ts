import { expect, test } from "vitest";
import { type Api, connectApi } from "../support/api.ts";
import { asOwner, logIn, signUp } from "../support/fixtures.ts";

const refreshWith = (api: Api, refresh: unknown) => api.post("/api/auth/refresh/", { refresh });
const me = async (api: Api, token: string) => (await api.get("/api/auth/me/", { token })).status;

/** Moves the moment at which a token was spent into the past. */
const spentAgo = (refresh: string, seconds: number) => asOwner`
  UPDATE refresh_tokens SET spent_at = now() - make_interval(secs => ${seconds})
  WHERE token_hash = encode(sha256(convert_to(${refresh}, 'UTF8')), 'hex') AND spent_at IS NOT NULL`;

test("refreshing answers 200 with a new pair of tokens and nothing else, in one database request", async () => {
  const api = connectApi();
  const { refresh } = await signUp(api);
  await api.databaseRequests();
  const answer = await refreshWith(api, refresh);
  expect(answer.status).toBe(200);
  expect(answer.body).toEqual({
    access: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
    refresh: expect.stringMatching(/^[\w-]{43}$/),
    token_type: "Bearer",
    expires_in: 900,
  });
  expect(answer.body.refresh).not.toBe(refresh);
  expect(await api.databaseRequests()).toBe(1);
});

test("the new pair works: its access token calls, its refresh token refreshes", async () => {
  const api = connectApi();
  const next = (await refreshWith(api, (await signUp(api)).refresh)).body;
  expect(await me(api, next.access)).toBe(200);
  expect((await refreshWith(api, next.refresh)).status).toBe(200);
});

test("an access token stays good when its session is refreshed", async () => {
  const api = connectApi();
  const { access, refresh } = await signUp(api);
  await refreshWith(api, refresh);
  expect(await me(api, access)).toBe(200);
});

test("refreshing does not make a session last longer", async () => {
  const api = connectApi();
  const { id, refresh } = await signUp(api);
  const before = await asOwner`SELECT id, expires_at FROM sessions WHERE user_id = ${id}`;
  await refreshWith(api, refresh);
  expect(await asOwner`SELECT id, expires_at FROM sessions WHERE user_id = ${id}`).toEqual(before);
});

test("a token spent within the last ten seconds is merely refused: the session goes on", async () => {
  const api = connectApi();
  const { refresh } = await signUp(api);
  const next = (await refreshWith(api, refresh)).body;
  await spentAgo(refresh, 5);
  const answer = await refreshWith(api, refresh);
  expect(answer.status).toBe(401);
  expect(answer.headers.get("WWW-Authenticate")).toMatch(/^Bearer /);
  expect(await me(api, next.access)).toBe(200);
  expect((await refreshWith(api, next.refresh)).status).toBe(200);
});

test("a token spent longer ago ends its whole session: all its refresh and access tokens", async () => {
  const api = connectApi();
  const { access, refresh } = await signUp(api);
  const next = (await refreshWith(api, refresh)).body;
  await spentAgo(refresh, 11);
  expect((await refreshWith(api, refresh)).status).toBe(401);
  expect((await refreshWith(api, next.refresh)).status).toBe(401);
  expect(await me(api, access)).toBe(401);
  expect(await me(api, next.access)).toBe(401);
});

test("a token spent long ago ends no other session of its account", async () => {
  const api = connectApi();
  const { username, refresh } = await signUp(api);
  const other = await logIn(api, username);
  await refreshWith(api, refresh);
  await spentAgo(refresh, 60);
  expect((await refreshWith(api, refresh)).status).toBe(401);
  expect(await me(api, other.access)).toBe(200);
  expect((await refreshWith(api, other.refresh)).status).toBe(200);
});

test.each([
  [
    "of an expired session",
    (id: number) =>
      asOwner`UPDATE sessions SET expires_at = now() - interval '1 second' WHERE user_id = ${id}`,
  ],
  [
    "of an ended session",
    (id: number) => asOwner`UPDATE sessions SET ended_at = now() WHERE user_id = ${id}`,
  ],
  ["of a disabled account", (id: number) => asOwner`UPDATE users SET active = false WHERE id = ${id}`],
  [
    "from before the version was raised",
    (id: number) => asOwner`UPDATE users SET token_version = 2 WHERE id = ${id}`,
  ],
])("a refresh token %s is refused and stays unspent, in one database request", async (_, revoke) => {
  const api = connectApi();
  const { id, refresh } = await signUp(api);
  await revoke(id);
  await api.databaseRequests();
  const answer = await refreshWith(api, refresh);
  expect(answer.status).toBe(401);
  expect(answer.headers.get("WWW-Authenticate")).toMatch(/^Bearer /);
  expect(await api.databaseRequests()).toBe(1);
  const tokens = await asOwner`
    SELECT spent_at FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id WHERE s.user_id = ${id}`;
  expect(tokens).toEqual([{ spent_at: null }]);
});

test.each([
  ["one that was never issued", () => "A".repeat(43)],
  ["an access token", ({ access }: { access: string }) => access],
  ["a token in upper case", ({ refresh }: { refresh: string }) => refresh.toUpperCase()],
])("as a refresh token, %s is refused", async (_, presented) => {
  const api = connectApi();
  const answer = await refreshWith(api, presented(await signUp(api)));
  expect(answer.status).toBe(401);
  expect(answer.headers.get("WWW-Authenticate")).toMatch(/^Bearer /);
});

test("a refresh token is no access token", async () => {
  const api = connectApi();
  const { refresh } = await signUp(api);
  expect(await me(api, refresh)).toBe(401);
});

test.each([
  ["refresh", undefined],
  ["refresh", null],
  ["refresh", 7],
  ["refresh", " "],
  ["refresh", "a\0b"],
  ["refresh", "a\ud800b"],
  ["access", "a token"],
])("a refresh whose %s is %j is refused by that name, without a database request", async (field, value) => {
  const api = connectApi();
  const answer = await api.post("/api/auth/refresh/", { refresh: "A".repeat(43), [field]: value });
  expect(answer.status).toBe(400);
  expect(Object.keys(answer.body.errors)).toEqual([field]);
  expect(await api.databaseRequests()).toBe(0);
});
