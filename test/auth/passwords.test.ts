import { compareSync, hashSync } from "bcryptjs";
import { expect, test } from "vitest";
import { matchPassword } from "../../src/auth/passwords.ts";
import {
  insertRefreshToken,
  logIn,
  newAccount,
  PASSWORD,
  setPassword,
  signUp,
  tokenPair,
  uniqueName,
} from "../support/accounts.ts";
import { type Api, connectApi } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { asOwner } from "../support/owner.ts";
import { fieldProblem, problem } from "../support/problems.ts";

const tryLogin = async (api: Api, username: string, password: string) =>
  (await api.post("/api/auth/login/", { username, password })).status;
const storedPasswordOf = async (id: number) => {
  const [row] =
    await asOwner`SELECT password_hash, password_trimmed, password_prehashed FROM users WHERE id = ${id}`;
  return row as { password_hash: string; password_trimmed: boolean; password_prehashed: boolean };
};
const hashOf = async (id: number) => (await storedPasswordOf(id)).password_hash;

/**
 * An account with a hash of version 1.0, which trimmed passwords, did not normalise them, and gave them to bcrypt
 * without SHA-512.
 */
async function newOlderAccount(password: string, cost = 4) {
  const account = await newAccount();
  const hash = hashSync(password, cost);
  await asOwner`
    UPDATE users SET password_hash = ${hash}, password_trimmed = true, password_prehashed = false
    WHERE id = ${account.id}`;
  return account;
}

test("a password matches in every Unicode normal form, and only with its leading and trailing space", async () => {
  const api = connectApi();
  const [username, password] = [uniqueName("new-"), "  re\u0301sume\u0301 of mine "];
  await api.post("/api/auth/register/", { username, email: "new@example.org", password });
  expect(await tryLogin(api, username, "  r\u00e9sum\u00e9 of mine ")).toBe(200);
  expect(await tryLogin(api, username, password)).toBe(200);
  for (const other of [password.trim(), ` ${password}`])
    expect(await tryLogin(api, username, other)).toBe(401);
});

test("an older account logs in with its password as typed, with or without the space around it", async () => {
  const decomposed = await newOlderAccount("re\u0301sume\u0301 of mine");
  expect(await tryLogin(decomposed.api, decomposed.username, "re\u0301sume\u0301 of mine")).toBe(200);
  const trimmed = await newOlderAccount("correct horse");
  for (const typed of ["correct horse", " correct horse\n"])
    expect(await tryLogin(trimmed.api, trimmed.username, typed)).toBe(200);
  expect(await tryLogin(trimmed.api, trimmed.username, "correct  horse")).toBe(401);
});

test("the example of the original API, admin with strongpassword, registers and logs in", async () => {
  const api = connectApi();
  const [username, password] = [uniqueName("admin-"), "strongpassword"];
  const { status } = await api.post("/api/auth/register/", {
    username,
    email: "admin@example.com",
    password,
  });
  expect([status, await tryLogin(api, username, password)]).toEqual([201, 200]);
});

test("common passwords, also with digits or replaced letters, get 400 at registration and at a password change", async () => {
  const account = await newAccount();
  await setPassword(account.id, PASSWORD);
  const message = "Too common: choose a password that fewer people use";
  for (const password of ["P@ssw0rd", "Summer2026", "welcome123", "Hospita1!"]) {
    const body = { username: uniqueName("new-"), email: "new@example.org", password };
    const registered = await account.api.post("/api/auth/register/", body);
    expect([registered.status, registered.body.errors]).toEqual([400, { password: [message] }]);
    const changed = await changePassword(account, PASSWORD, password);
    expect([changed.status, changed.body.errors]).toEqual([400, { new: [message] }]);
  }
});

test("login replaces a hash of a lower cost in the same two database requests, and keeps one of a higher cost", async () => {
  const account = await newOlderAccount(PASSWORD, 4);
  const api = connectApi({ BCRYPT_COST: 6 });
  expect(await tryLogin(api, account.username, "not the password")).toBe(401);
  expect(await hashOf(account.id)).toMatch(/^\$2[aby]\$04\$/);
  await api.databaseRequests();
  await logIn(api, account.username);
  expect(await api.databaseRequests()).toBe(2);
  const newHash = await hashOf(account.id);
  expect(newHash).toMatch(/^\$2[aby]\$06\$/);
  await logIn(connectApi({ BCRYPT_COST: 5 }), account.username);
  expect(await hashOf(account.id)).toBe(newHash);
  expect(await matchPassword(PASSWORD, await storedPasswordOf(account.id), 4)).toBe(PASSWORD);
});

test("login replaces a hash of the password itself by one of its SHA-512, of the same or a higher cost", async () => {
  for (const [cost, newCost] of [
    [4, "05"],
    [5, "05"],
    [6, "06"],
  ] as const) {
    const account = await newOlderAccount(PASSWORD, cost);
    const api = connectApi({ BCRYPT_COST: 5 });
    const before = await storedPasswordOf(account.id);
    expect(await tryLogin(api, account.username, "not the password")).toBe(401);
    expect(await storedPasswordOf(account.id)).toEqual(before);
    await logIn(api, account.username);
    const after = await storedPasswordOf(account.id);
    expect(after).toMatchObject({ password_prehashed: true });
    expect(after.password_hash.slice(4, 6)).toBe(newCost);
    expect(compareSync(await sha512Of(PASSWORD), after.password_hash)).toBe(true);
    await logIn(api, account.username);
    expect(await storedPasswordOf(account.id)).toEqual(after);
  }
});

/** The first 72 characters of the SHA-512 in base64: what bcrypt gets. */
async function sha512Of(password: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-512", new TextEncoder().encode(password));
  return btoa(String.fromCharCode(...new Uint8Array(digest))).slice(0, 72);
}

test("every one of a password's 256 bytes counts, and the SHA-512 itself is no password", async () => {
  const api = connectApi();
  // 128 characters of 2 bytes each.
  for (const password of ["xy".repeat(128), "éè".repeat(64)]) {
    const username = uniqueName("long-");
    const register = (text: string) =>
      api.post("/api/auth/register/", { username, email: "long@example.org", password: text });
    expect(await register(`${password}x`)).toEqual(fieldProblem("password"));
    expect((await register(password)).status).toBe(201);
    expect(await tryLogin(api, username, password)).toBe(200);
    for (const wrong of [
      password.slice(0, -1),
      `${password}x`,
      `${password.slice(0, -1)}z`,
      await sha512Of(password),
    ])
      expect(await tryLogin(api, username, wrong)).toBe(401);
  }
});

test("a password of an older account is compared whole, although its bcrypt hash has read 72 bytes", async () => {
  const password = "xy".repeat(36);
  const account = await newOlderAccount(password);
  for (const wrong of [`${password}x`, await sha512Of(password)])
    expect(await tryLogin(account.api, account.username, wrong)).toBe(401);
  expect(await tryLogin(account.api, account.username, password)).toBe(200);
});

test("an older account changes its password: the new one is hashed with SHA-512, in the same statement", async () => {
  const account = await newOlderAccount("an older horse");
  expect((await changePassword(account, "an older horse", "z".repeat(72).concat("?"))).status).toBe(200);
  expect(await storedPasswordOf(account.id)).toMatchObject({
    password_trimmed: false,
    password_prehashed: true,
  });
  expect(await tryLogin(account.api, account.username, "z".repeat(72).concat("?"))).toBe(200);
});

test("PASSWORD_MIN_LENGTH applies to new passwords, with all other errors at once, and not to a login", async () => {
  const strict = connectApi({ PASSWORD_MIN_LENGTH: 15 });
  const username = uniqueName("new-");
  const register = (password: string, email = "new@example.org") =>
    strict.post("/api/auth/register/", { username, email, password });
  // 14 characters, and 15 characters with 14 in NFC.
  for (const short of ["x7 fourteen ch", "x7 fourteen e\u0301h"]) {
    const { status, body } = await register(short, "nobody");
    expect([status, body.errors]).toEqual([
      400,
      {
        email: ["Invalid email address"],
        password: ["Too short: expected at least 15 characters"],
      },
    ]);
  }
  expect((await register("x7 fifteen char")).status).toBe(201);
  const older = await signUp(connectApi(), uniqueName("older-"));
  await setPassword(older.id, "12 character");
  expect(await tryLogin(strict, older.username, "12 character")).toBe(200);
  const change = (newPassword: string) =>
    strict.post("/api/auth/password/", { current: "12 character", new: newPassword }, { token: older.token });
  expect(await change("x7 fourteen ch")).toEqual(fieldProblem("new"));
  expect((await change("x7 fifteen char")).status).toBe(200);
});

const NEW = "another horse entirely";
const changePassword = (account: { post: Api["post"] }, current: string, newPassword = NEW) =>
  account.post("/api/auth/password/", { current, new: newPassword });

/** The statuses that the access token and the refresh token of a session get. */
const tryTokens = async (api: Api, { access, refresh }: { access: string; refresh: string }) => [
  (await api.get("/api/auth/me/", { token: access })).status,
  (await api.post("/api/auth/refresh/", { refresh })).status,
];

test("POST password returns the tokens of a new session and ends all others, also the request's", async () => {
  const account = await signUp();
  const { api, username } = account;
  const own = { access: account.token, refresh: account.refresh };
  // The tokens of before and after a refresh: all of them may have been copied.
  const { body: refreshed } = await api.post("/api/auth/refresh/", { refresh: own.refresh });
  const other = await logIn(api, username);
  const headers = { "User-Agent": "ward/2.1" };
  const answer = await account.post("/api/auth/password/", { current: PASSWORD, new: NEW }, { headers });
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
  expect(await tryLogin(api, username, NEW)).toBe(200);
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
  const bodies = { current: PASSWORD, new: NEW };
  const changed = await api.post("/api/auth/password/", bodies, { token: next.access });
  expect([changed.status, changed.body]).toEqual([200, tokenPair]);
  expect((await api.get("/api/patients/", { token: changed.body.access })).status).toBe(200);
  expect((await api.post("/api/auth/password/", bodies, { token: next.access })).status).toBe(401);
  const { body: last } = await api.post("/api/auth/login/", { username, password: NEW });
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
  const [expired, wrong] = [await login(PASSWORD), await login(NEW)];
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
  expect((await changePassword(account, NEW)).body.errors).toEqual({ current: ["Not the current password"] });
  expect(await hashOf(account.id)).toBe(before);
});

test.each([60 * 60, null])(
  "a password of an operator that expires in %s s logs in and is changed; the new one does not expire",
  async (seconds) => {
    const { api, username, id } = await accountToChange(seconds);
    const { body: pair } = await api.post("/api/auth/login/", { username, password: PASSWORD });
    expect(pair).toMatchObject({ must_change_password: true });
    const change = { current: PASSWORD, new: NEW };
    const { status } = await api.post("/api/auth/password/", change, { token: pair.access });
    expect(status).toBeLessThan(300);
    await asOwner`UPDATE users SET password_expires_at = now() - interval '1 hour' WHERE id = ${id}`;
    expect(await tryLogin(api, username, NEW)).toBe(200);
  },
);

test("tokens issued before an operator set the password get 401", async () => {
  const account = await newAccount();
  await asOwner`UPDATE users SET must_change_password = true WHERE id = ${account.id}`;
  expect(await account.get("/api/patients/")).toEqual(problem(401, "The access token has been revoked."));
});
