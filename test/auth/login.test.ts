import { decode } from "hono/jwt";
import { expect, test } from "vitest";
import { connectApi } from "../support/api.ts";
import { asOwner, PASSWORD, signUp, unique } from "../support/fixtures.ts";

test("logging in answers 200 with a pair of tokens and nothing else, in two database requests", async () => {
  const api = connectApi();
  const { username } = await signUp(api);
  await api.databaseRequests();
  const answer = await api.post("/api/auth/login/", { username, password: PASSWORD });
  expect(answer.status).toBe(200);
  expect(answer.body).toEqual({
    access: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
    refresh: expect.stringMatching(/^[\w-]{43}$/),
    token_type: "Bearer",
    expires_in: 900,
  });
  expect(await api.databaseRequests()).toBe(2);
});

test("the access token expires when `expires_in` says and holds nothing personal", async () => {
  const api = connectApi();
  const { id, access } = await signUp(api);
  const { header, payload } = decode(access);
  expect(header).toEqual({ alg: "HS256", typ: "JWT" });
  expect(Object.keys(payload).sort()).toEqual(["aud", "exp", "iat", "iss", "sid", "sub", "ver"]);
  expect(payload["sub"]).toBe(String(id));
  expect(Number(payload.exp) - Number(payload.iat)).toBe(900);
});

test("the access token opens the account's routes", async () => {
  const { username, get } = await signUp(connectApi());
  expect((await get("/api/auth/me/")).body.username).toBe(username);
});

test.each([
  ["in upper case", (name: string) => name.toUpperCase()],
  ["with spaces around it", (name: string) => `  ${name} `],
])("a username is found %s", async (_, written) => {
  const api = connectApi();
  const { username } = await signUp(api);
  const answer = await api.post("/api/auth/login/", { username: written(username), password: PASSWORD });
  expect(answer.status).toBe(200);
});

test("each login is a session of its own", async () => {
  const api = connectApi();
  const { id, username } = await signUp(api);
  await api.post("/api/auth/login/", { username, password: PASSWORD });
  expect(await asOwner`SELECT DISTINCT id FROM sessions WHERE user_id = ${id}`).toHaveLength(2);
});

test("a session lasts as long as SESSION_DAYS says", async () => {
  const { id } = await signUp(connectApi({ SESSION_DAYS: 3 }));
  const sessions = await asOwner`
    SELECT round(extract(epoch FROM expires_at - created_at) / 86400)::int AS days FROM sessions WHERE user_id = ${id}`;
  expect(sessions).toEqual([{ days: 3 }]);
});

test("the refresh token is stored as its SHA-256 only", async () => {
  const { id, refresh } = await signUp(connectApi());
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(refresh));
  const rows = await asOwner`
    SELECT t.*, s.* FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id WHERE s.user_id = ${id}`;
  expect(rows).toMatchObject([{ token_hash: new Uint8Array(digest).toHex(), spent_at: null }]);
  expect(JSON.stringify(rows)).not.toContain(refresh);
});

test("logging in clears away the account's expired sessions, and only its own", async () => {
  const api = connectApi();
  const [one, other] = [await signUp(api), await signUp(api)];
  await asOwner`UPDATE sessions SET expires_at = now() - interval '1 second' WHERE user_id IN (${one.id}, ${other.id})`;
  await api.post("/api/auth/login/", { username: one.username, password: PASSWORD });
  expect(await asOwner`SELECT expires_at > now() AS open FROM sessions WHERE user_id = ${one.id}`).toEqual([
    { open: true },
  ]);
  expect(await asOwner`SELECT expires_at > now() AS open FROM sessions WHERE user_id = ${other.id}`).toEqual([
    { open: false },
  ]);
});

test("an unknown user, a wrong password and a disabled account are refused with the same answer", async () => {
  const api = connectApi();
  const [known, disabled] = [await signUp(api), await signUp(api)];
  await asOwner`UPDATE users SET active = false WHERE id = ${disabled.id}`;
  const answers = [
    await api.post("/api/auth/login/", { username: unique("nobody-"), password: PASSWORD }),
    await api.post("/api/auth/login/", { username: known.username, password: "not the password" }),
    await api.post("/api/auth/login/", { username: disabled.username, password: PASSWORD }),
  ];
  for (const { status, headers, body } of answers) {
    expect(status).toBe(401);
    expect(headers.get("WWW-Authenticate")).toMatch(/^Bearer /);
    expect({ ...body, request_id: "" }).toEqual({ ...answers[0]?.body, request_id: "" });
  }
});

test.each([
  ["an unknown user", () => unique("nobody-")],
  ["a wrong password", (name: string) => name],
])("%s costs one database request", async (_, username) => {
  const api = connectApi();
  const account = await signUp(api);
  await api.databaseRequests();
  await api.post("/api/auth/login/", { username: username(account.username), password: "not the password" });
  expect(await api.databaseRequests()).toBe(1);
});

test("an account from before the bcrypt cost was raised logs in with its password, and no other", async () => {
  const { username } = await signUp(connectApi({ BCRYPT_COST: 4 }));
  const api = connectApi({ BCRYPT_COST: 6 });
  expect((await api.post("/api/auth/login/", { username, password: "not the password" })).status).toBe(401);
  expect((await api.post("/api/auth/login/", { username, password: PASSWORD })).status).toBe(200);
});

test("a password that only begins like the 72 bytes of the real one is refused", async () => {
  const api = connectApi();
  const username = unique("long-");
  const password = "x".repeat(72);
  await api.post("/api/auth/register/", { username, email: "long@example.org", password });
  expect((await api.post("/api/auth/login/", { username, password: `${password}x` })).status).toBe(401);
  expect((await api.post("/api/auth/login/", { username, password })).status).toBe(200);
});

test("a password too short to be one is a wrong one, not an invalid one", async () => {
  const api = connectApi();
  const { username } = await signUp(api);
  expect((await api.post("/api/auth/login/", { username, password: "x" })).status).toBe(401);
});

test.each([
  ["username", undefined],
  ["username", 7],
  ["username", "  "],
  ["username", "a\0b"],
  ["username", "a\ud800b"],
  ["password", undefined],
  ["password", null],
  ["password", "  "],
  ["password", "a\0b"],
  ["password", "a\udfffb"],
  ["remember_me", true],
])("a login whose %s is %j is refused by that name, without a database request", async (field, value) => {
  const api = connectApi();
  const answer = await api.post("/api/auth/login/", {
    username: "someone",
    password: PASSWORD,
    [field]: value,
  });
  expect(answer.status).toBe(400);
  expect(Object.keys(answer.body.errors)).toEqual([field]);
  expect(await api.databaseRequests()).toBe(0);
});
