import { expect, test } from "vitest";
import {
  insertRefreshToken,
  logIn,
  newAccount,
  PASSWORD,
  setPassword,
  signUp,
  tokenPair,
} from "../support/accounts.ts";
import { type Api, connectApi } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { asOwner } from "../support/owner.ts";
import { fieldProblem, problem } from "../support/problems.ts";
import { changePassword, hashOf, NEW_PASSWORD, tryLogin } from "./account-passwords.ts";

/** The statuses that the access token and the refresh token of a session get. */
const tryTokens = async (api: Api, { access, refresh }: { access: string; refresh: string }) => [
  (await api.get("/api/auth/me/", { token: access })).status,
  (await api.post("/api/auth/refresh/", { refresh })).status,
];

test("POST password returns the tokens of a new session and ends all others, also the request's", async () => {
  const account = await signUp();
  const { api, username } = account;
  const own = { access: account.token, refresh: account.refresh };
  // The tokens from before and after a refresh: all of them may have been copied.
  const { body: refreshed } = await api.post("/api/auth/refresh/", { refresh: own.refresh });
  const other = await logIn(api, username);
  const headers = { "User-Agent": "ward/2.1" };
  const answer = await account.post(
    "/api/auth/password/",
    { current: PASSWORD, new: NEW_PASSWORD },
    { headers },
  );
  expect([answer.status, answer.body]).toEqual([200, tokenPair]);
  expect(await auditEventsOf(answer)).toMatchObject([
    { action: "change_password", outcome: "done", changes: null },
  ]);
  for (const tokens of [own, refreshed, other]) expect(await tryTokens(api, tokens)).toEqual([401, 401]);
  const { body: sessions } = await api.get("/api/auth/sessions/", { token: answer.body.access });
  expect(sessions).toMatchObject([{ current: true, user_agent: "ward/2.1" }]);
  expect(await openSessions(account.id)).toEqual([{ id: sessions[0].id }]);
  expect(await tryTokens(api, answer.body)).toEqual([200, 200]);
  expect(await tryLogin(api, username, PASSWORD)).toBe(401);
  expect(await tryLogin(api, username, NEW_PASSWORD)).toBe(200);
});

test("the session of a password change lasts SESSION_DAYS, and its refresh tokens share a limit with no older session", async () => {
  const keys: string[] = [];
  const limit = async ({ key }: RateLimitOptions) => ({ success: keys.push(key) < 9 });
  const account = await signUp(connectApi({ SESSION_DAYS: 3, REFRESH_LIMITER: { limit } }));
  const { body: pair } = await changePassword(account, PASSWORD);
  const [session] = await asOwner`
    SELECT extract(epoch FROM expires_at - created_at)::int AS seconds FROM sessions
    WHERE user_id = ${account.id} AND ended_at IS NULL`;
  expect(session).toEqual({ seconds: 3 * 86_400 });
  for (const refresh of [account.refresh, pair.refresh])
    await account.api.post("/api/auth/refresh/", { refresh });
  expect(new Set(keys).size).toBe(2);
});

test("a wrong current or an invalid new password gets 400 with its field, is audited, and changes nothing", async () => {
  const account = await newAccount();
  await setPassword(account.id, PASSWORD);
  await insertRefreshToken(account);
  const [before, sessions] = [await hashOf(account.id), await openSessions(account.id)];
  const wrong = await changePassword(account, "not the password");
  expect(wrong).toEqual(fieldProblem("current"));
  expect(await auditEventsOf(wrong)).toMatchObject([{ action: "change_password", outcome: "refused" }]);
  expect(await changePassword(account, PASSWORD, "password")).toEqual(fieldProblem("new"));
  // That a password equals the account's own is found after the current one was checked: audited, and not counted as
  // a failure.
  for (const bad of [PASSWORD, account.username.toUpperCase(), `${account.username}@example.org`]) {
    const answer = await changePassword(account, PASSWORD, bad);
    expect(answer).toEqual(fieldProblem("new"));
    expect(await auditEventsOf(answer)).toMatchObject([{ action: "change_password", outcome: "refused" }]);
  }
  const counters =
    await asOwner`SELECT failures FROM login_attempts WHERE username = ${account.username} AND network = ''`;
  expect(counters).toEqual([{ failures: 1 }]);
  expect([await hashOf(account.id), await openSessions(account.id)]).toEqual([before, sessions]);
});

const openSessions = (id: number) =>
  asOwner`SELECT id FROM sessions WHERE user_id = ${id} AND ended_at IS NULL ORDER BY id`;

test("an account whose password an operator set gets 403 for all but changing it, and full access afterwards", async () => {
  const { api, username, id } = await signUp();
  await asOwner`UPDATE users SET must_change_password = true WHERE id = ${id}`;
  const { body: pair } = await api.post("/api/auth/login/", { username, password: PASSWORD });
  expect(pair).toMatchObject({ must_change_password: true });
  const mustChange = problem(403, "Change the password of this account first: POST /api/auth/password/.");
  const { body: next } = await api.post("/api/auth/refresh/", { refresh: pair.refresh });
  for (const token of [pair.access, next.access]) {
    expect(await api.get("/api/patients/", { token })).toEqual(mustChange);
    expect(await api.delete("/api/auth/sessions/", { token })).toEqual(mustChange);
  }
  const bodies = { current: PASSWORD, new: NEW_PASSWORD };
  const changed = await api.post("/api/auth/password/", bodies, { token: next.access });
  expect([changed.status, changed.body]).toEqual([200, tokenPair]);
  expect((await api.get("/api/patients/", { token: changed.body.access })).status).toBe(200);
  expect((await api.post("/api/auth/password/", bodies, { token: next.access })).status).toBe(401);
  const { body: last } = await api.post("/api/auth/login/", { username, password: NEW_PASSWORD });
  expect(last).not.toHaveProperty("must_change_password");
});

/** An account whose password an operator has set, with the seconds until it expires. */
async function accountToChange(seconds: number | null) {
  const account = await newAccount();
  await setPassword(account.id, PASSWORD);
  await asOwner`
    UPDATE users SET must_change_password = true, password_expires_at = now() + make_interval(secs => ${seconds})
    WHERE id = ${account.id}`;
  return account;
}

test("an expired password of an operator gets the 401 of a wrong one at login, and the audit event says why", async () => {
  const account = await accountToChange(-1);
  const login = (password: string) =>
    account.api.post("/api/auth/login/", { username: account.username, password });
  const [expired, wrong] = [await login(PASSWORD), await login(NEW_PASSWORD)];
  expect(expired).toEqual(problem(401, "There is no active account with this username and password."));
  expect(wrong).toEqual(problem(401, "There is no active account with this username and password."));
  expect(await auditEventsOf(expired)).toMatchObject([
    { action: "login", outcome: "refused", reason: "password expired", account_id: account.id },
  ]);
  expect(await auditEventsOf(wrong)).toMatchObject([{ outcome: "refused", reason: null }]);
  const counters =
    await asOwner`SELECT failures FROM login_attempts WHERE username = ${account.username} AND network = ''`;
  expect(counters).toEqual([{ failures: 2 }]);
});

test("an expired password of an operator gets 400 when it is changed, and stays", async () => {
  const account = await accountToChange(-1);
  const before = await hashOf(account.id);
  const answer = await changePassword(account, PASSWORD);
  expect(answer).toEqual(fieldProblem("current"));
  expect(answer.body.errors).toEqual({ current: ["Expired: ask an operator for a new one"] });
  expect(await auditEventsOf(answer)).toMatchObject([{ action: "change_password", outcome: "refused" }]);
  expect((await changePassword(account, NEW_PASSWORD)).body.errors).toEqual({
    current: ["Not the current password"],
  });
  expect(await hashOf(account.id)).toBe(before);
});

test.each([60 * 60, null])(
  "a password of an operator that expires in %s s logs in and is changed; the new one does not expire",
  async (seconds) => {
    const { api, username, id } = await accountToChange(seconds);
    const { body: pair } = await api.post("/api/auth/login/", { username, password: PASSWORD });
    expect(pair).toMatchObject({ must_change_password: true });
    const change = { current: PASSWORD, new: NEW_PASSWORD };
    const { status } = await api.post("/api/auth/password/", change, { token: pair.access });
    expect(status).toBeLessThan(300);
    await asOwner`UPDATE users SET password_expires_at = now() - interval '1 hour' WHERE id = ${id}`;
    expect(await tryLogin(api, username, NEW_PASSWORD)).toBe(200);
  },
);

test("tokens issued before an operator set the password get 401", async () => {
  const account = await newAccount();
  await asOwner`UPDATE users SET must_change_password = true WHERE id = ${account.id}`;
  expect(await account.get("/api/patients/")).toEqual(problem(401, "The access token has been revoked."));
});
