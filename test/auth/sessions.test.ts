import { expect, test } from "vitest";
import { Session } from "../../src/auth/responses.ts";
import { insertRefreshToken, logIn, newAccount, PASSWORD, signUp } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { asOwner } from "../support/owner.ts";
import { anyTimestamp, problem } from "../support/problems.ts";

const getSessions = (account: Pick<Awaited<ReturnType<typeof newAccount>>, "get">) =>
  account.get("/api/auth/sessions/");

test("GET sessions lists the account's own sessions, newest first, with user agent and expiry", async () => {
  const api = connectApi();
  const account = await signUp(api);
  const headers = { "User-Agent": `ward/2.1 ${"x".repeat(300)}` };
  await api.post("/api/auth/login/", { username: account.username, password: PASSWORD }, { headers });
  await insertRefreshToken(await newAccount(api));
  const { body } = await getSessions(account);
  expect(body).toEqual([
    expect.objectContaining({ user_agent: headers["User-Agent"].slice(0, 256), current: false }),
    expect.objectContaining({ user_agent: null, current: true }),
  ]);
  for (const session of body) {
    expect(Session.parse(session)).toEqual(session);
    expect(session).toMatchObject({ created_at: anyTimestamp, last_used_at: session.created_at });
    const days = (Date.parse(session.expires_at) - Date.parse(session.created_at)) / 86_400_000;
    expect(days).toBe(7);
  }
});

test("GET sessions shows address and user agent of the login, and after a refresh those of the refresh", async () => {
  const [ward, elsewhere] = [connectApi(), connectApi()];
  const { username, ...account } = await signUp(ward);
  const login = { username, password: PASSWORD };
  const headers = { "User-Agent": "ward/2.1" };
  const { body: pair } = await ward.post("/api/auth/login/", login, { headers });
  const newest = async () => (await getSessions(account)).body[0];
  const atLogin = { user_agent: "ward/2.1", last_address: ward.address, last_user_agent: "ward/2.1" };
  expect(await newest()).toMatchObject(atLogin);
  const refresh = (headers: Record<string, string>) =>
    elsewhere.post("/api/auth/refresh/", { refresh: pair.refresh }, { headers });
  await refresh({ "User-Agent": `curl/8 ${"x".repeat(300)}` });
  expect(await newest()).toMatchObject({
    user_agent: "ward/2.1",
    last_address: elsewhere.address,
    last_user_agent: `curl/8 ${"x".repeat(249)}`,
  });
  // The token is sent again, without these headers.
  await refresh({ "CF-Connecting-IP": "" });
  expect(await newest()).toMatchObject({ user_agent: "ward/2.1", last_address: null, last_user_agent: null });
});

test("refresh extends a session, up to SESSION_DAYS in all; an idle session is not listed", async () => {
  const api = connectApi({ SESSION_DAYS: 8 });
  const account = await signUp(api);
  const readExpiry = async () => Date.parse((await getSessions(account)).body[0].expires_at);
  const expiry = await readExpiry();
  await asOwner`
    UPDATE sessions SET created_at = created_at - interval '2 days', last_used_at = last_used_at - interval '2 days',
      expires_at = expires_at - interval '2 days' WHERE user_id = ${account.id}`;
  expect(await readExpiry()).toBe(expiry - 2 * 86_400_000);
  await api.post("/api/auth/refresh/", { refresh: account.refresh });
  expect(await readExpiry()).toBe(expiry - 86_400_000);
  const other = await newAccount();
  await insertRefreshToken(other);
  await insertRefreshToken(other);
  await asOwner`UPDATE sessions SET last_used_at = now() - interval '8 days' WHERE user_id = ${other.id} AND id <> ${other.sid}`;
  expect((await getSessions(other)).body).toMatchObject([{ id: other.sid }]);
});

test("with SESSION_IDLE_MINUTES, a session is listed with its expiry until that many minutes after its last refresh", async () => {
  const account = await newAccount(connectApi({ SESSION_IDLE_MINUTES: 90 }));
  const [session, ...others] = (await getSessions(account)).body;
  expect(Date.parse(session.expires_at) - Date.parse(session.last_used_at)).toBe(90 * 60_000);
  expect(others).toEqual([]);
  await asOwner`UPDATE sessions SET last_used_at = now() - interval '91 minutes' WHERE user_id = ${account.id}`;
  expect((await getSessions(account)).body).toEqual([]);
});

test("DELETE of one session revokes its access and refresh token, and no other session; again it gets 404", async () => {
  const account = await signUp();
  const other = await logIn(account.api, account.username);
  const [{ id }] = (await getSessions(account)).body;
  expect(await account.delete(`/api/auth/sessions/${id}/`)).toMatchObject({ status: 204, body: "" });
  expect((await account.api.get("/api/auth/me/", { token: other.access })).status).toBe(401);
  expect((await account.api.post("/api/auth/refresh/", { refresh: other.refresh })).status).toBe(401);
  expect((await getSessions(account)).body).toHaveLength(1);
  expect(await account.delete(`/api/auth/sessions/${id}/`)).toEqual(
    problem(404, "There is no such session."),
  );
});

test("DELETE of another account's session or of an invalid id gets 404, and the session stays open", async () => {
  const [account, stranger] = [await newAccount(), await newAccount()];
  for (const id of [stranger.sid, crypto.randomUUID(), "1", `${stranger.sid}'--`])
    expect((await account.delete(`/api/auth/sessions/${id}/`)).status).toBe(404);
  expect((await stranger.get("/api/auth/me/")).status).toBe(200);
});

test("DELETE of all sessions also ends the session of the request", async () => {
  const account = await signUp();
  const other = await logIn(account.api, account.username);
  expect((await account.delete("/api/auth/sessions/")).status).toBe(204);
  for (const token of [account.token, other.access])
    expect((await account.api.get("/api/auth/me/", { token })).status).toBe(401);
});
