import { expect, test } from "vitest";
import { Session } from "../../src/auth/answers.ts";
import { logIn, newAccount, newRefreshToken, PASSWORD, signUp } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { asOwner } from "../support/owner.ts";
import { moment, problem } from "../support/problems.ts";

const sessions = (account: Pick<Awaited<ReturnType<typeof newAccount>>, "get">) =>
  account.get("/api/auth/sessions/");

test("an account sees its sessions, newest first, what opened them and when they end, and nobody else's", async () => {
  const api = connectApi();
  const account = await signUp(api);
  const headers = { "User-Agent": `ward/2.1 ${"x".repeat(300)}` };
  await api.post("/api/auth/login/", { username: account.username, password: PASSWORD }, { headers });
  await newRefreshToken(await newAccount(api));
  const { body } = await sessions(account);
  expect(body).toEqual([
    expect.objectContaining({ user_agent: headers["User-Agent"].slice(0, 256), current: false }),
    expect.objectContaining({ user_agent: null, current: true }),
  ]);
  for (const session of body) {
    expect(Session.parse(session)).toEqual(session);
    expect(session).toMatchObject({ created_at: moment, last_used_at: session.created_at });
    const days = (Date.parse(session.expires_at) - Date.parse(session.created_at)) / 86_400_000;
    expect(days).toBe(7);
  }
});

test("refreshing moves the end of a session, but not beyond SESSION_DAYS; what is over is not listed", async () => {
  const api = connectApi({ SESSION_DAYS: 8 });
  const account = await signUp(api);
  const ends = async () => Date.parse((await sessions(account)).body[0].expires_at);
  const opened = await ends();
  await asOwner`
    UPDATE sessions SET created_at = created_at - interval '2 days', last_used_at = last_used_at - interval '2 days',
      expires_at = expires_at - interval '2 days' WHERE user_id = ${account.id}`;
  expect(await ends()).toBe(opened - 2 * 86_400_000);
  await api.post("/api/auth/refresh/", { refresh: account.refresh });
  expect(await ends()).toBe(opened - 86_400_000);
  const other = await newAccount();
  await newRefreshToken(other);
  await newRefreshToken(other);
  await asOwner`UPDATE sessions SET last_used_at = now() - interval '8 days' WHERE user_id = ${other.id} AND id <> ${other.sid}`;
  expect((await sessions(other)).body).toMatchObject([{ id: other.sid }]);
});

test("ending one of one's sessions ends both its tokens, and no other session", async () => {
  const account = await signUp();
  const other = await logIn(account.api, account.username);
  const [{ id }] = (await sessions(account)).body;
  expect(await account.delete(`/api/auth/sessions/${id}/`)).toMatchObject({ status: 204, body: "" });
  expect((await account.api.get("/api/auth/me/", { token: other.access })).status).toBe(401);
  expect((await account.api.post("/api/auth/refresh/", { refresh: other.refresh })).status).toBe(401);
  expect((await sessions(account)).body).toHaveLength(1);
  expect(await account.delete(`/api/auth/sessions/${id}/`)).toEqual(
    problem(404, "There is no such session."),
  );
});

test("somebody else's session is not there, and goes on; nor is what is no session's id", async () => {
  const [account, stranger] = [await newAccount(), await newAccount()];
  for (const id of [stranger.sid, crypto.randomUUID(), "1", `${stranger.sid}'--`])
    expect((await account.delete(`/api/auth/sessions/${id}/`)).status).toBe(404);
  expect((await stranger.get("/api/auth/me/")).status).toBe(200);
});

test("ending all of one's sessions ends the one that asks too", async () => {
  const account = await signUp();
  const other = await logIn(account.api, account.username);
  expect((await account.delete("/api/auth/sessions/")).status).toBe(204);
  for (const token of [account.token, other.access])
    expect((await account.api.get("/api/auth/me/", { token })).status).toBe(401);
});
