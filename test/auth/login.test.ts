import { neonConfig } from "@neondatabase/serverless";
import { hashSync } from "bcryptjs";
import { decode } from "hono/jwt";
import { expect, onTestFinished, test, vi } from "vitest";
import { logIn, PASSWORD, signUp, tokenClaims, tokenPair, uniqueName } from "../support/accounts.ts";
import { type Api, connectApi } from "../support/api.ts";
import { asOwner } from "../support/owner.ts";
import { problem, withoutRequestDetails } from "../support/problems.ts";

const refused = problem(401, "There is no active account with this username and password.");

const tryPassword = (api: Api, username: string, password = PASSWORD) =>
  api.post("/api/auth/login/", { username, password });

const { api, id, username } = await signUp();
const { status, body } = await tryPassword(api, username);
const { header, payload } = decode(body.access);

test("login answers with a pair of tokens and nothing else", () => {
  expect([status, body]).toEqual([200, tokenPair]);
});

test("the access token holds the account's id, the session and its times, and no personal data", async () => {
  const { sid, iat = 0 } = payload;
  expect(header).toEqual({ alg: "HS256", typ: "JWT", kid: expect.stringMatching(/^[0-9a-f]{8}$/) });
  expect(payload).toEqual({
    ...tokenClaims(),
    sub: String(id),
    sid,
    ver: 1,
    clinic: id,
    iat,
    exp: iat + 900,
  });
  expect((await api.get("/api/auth/me/", { token: body.access })).status).toBe(200);
});

test("only the SHA-256 of a refresh token is stored", async () => {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(body.refresh));
  const rows = await asOwner`
    SELECT t.*, s.* FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id WHERE s.id = ${payload["sid"]}`;
  expect(rows).toMatchObject([{ token_hash: new Uint8Array(digest).toHex(), spent_at: null, user_id: id }]);
  expect(JSON.stringify(rows)).not.toContain(body.refresh);
});

test("each login opens a session with the account's current version, which lasts SESSION_DAYS", async () => {
  const { api, id, username } = await signUp(connectApi({ SESSION_DAYS: 3 }));
  await asOwner`UPDATE users SET token_version = 5 WHERE id = ${id}`;
  const { access } = await logIn(api, username);
  expect((await api.get("/api/auth/me/", { token: access })).status).toBe(200);
  const sessions = await asOwner`
    SELECT token_version, round(extract(epoch FROM expires_at - created_at) / 86400)::int AS days, ended_at
    FROM sessions WHERE user_id = ${id} ORDER BY created_at`;
  expect(sessions).toEqual([1, 5].map((token_version) => ({ token_version, days: 3, ended_at: null })));
});

test("login deletes the account's expired sessions, and no other account's", async () => {
  const [account, other] = [await signUp(), await signUp()];
  await asOwner`UPDATE sessions SET expires_at = now() - interval '1 second' WHERE user_id IN (${account.id}, ${other.id})`;
  await logIn(account.api, account.username);
  await logIn(account.api, account.username);
  const openOf = ({ id }: { id: number }) =>
    asOwner`SELECT expires_at > now() AS open FROM sessions WHERE user_id = ${id}`;
  expect(await openOf(account)).toEqual([{ open: true }, { open: true }]);
  expect(await openOf(other)).toEqual([{ open: false }]);
});

test("every refused login gets the same 401 in two database requests, as many as a successful one", async () => {
  const [disabled, long] = [await signUp(api), uniqueName("long-")];
  const password = "xy".repeat(128);
  await api.post("/api/auth/register/", { username: long, email: "long@example.org", password });
  await asOwner`UPDATE users SET active = false WHERE id = ${disabled.id}`;
  await api.databaseRequests();
  const first = await tryPassword(api, uniqueName("nobody-"));
  expect(first).toEqual(refused);
  expect(first.headers.get("WWW-Authenticate")).toBe('Bearer realm="hospital-api"');
  expect(await api.databaseRequests()).toBe(2);
  for (const [name, wrong] of [
    [username, "not the password"],
    [username, "x"],
    [disabled.username, PASSWORD],
    [long, `${password}x`],
  ] as const) {
    expect(withoutRequestDetails(await tryPassword(api, name, wrong))).toEqual(withoutRequestDetails(first));
    expect(await api.databaseRequests()).toBe(2);
  }
  expect((await tryPassword(api, long, password)).status).toBe(200);
});

test("login computes one hash of BCRYPT_COST for an unknown username and for hashes of the same or a lower cost", async () => {
  const api = connectApi({ BCRYPT_COST: 6 });
  const names = [uniqueName("nobody-")];
  for (const cost of [6, 5, 4]) names.push((await signUp(connectApi({ BCRYPT_COST: cost }))).username);
  const older = await signUp();
  await asOwner`UPDATE users SET password_hash = ${hashSync(PASSWORD, 6)}, password_prehashed = false WHERE id = ${older.id}`;
  names.push(older.username);
  // bcryptjs reads the clock after each round; other code reads it a few times. A clock that stands still keeps a
  // slow machine from dividing the work, which would read it more often.
  const clock = vi.spyOn(Date, "now").mockReturnValue(Date.now());
  onTestFinished(() => clock.mockRestore());
  for (const name of names) {
    clock.mockClear();
    await tryPassword(api, name, "not the password");
    const rounds = clock.mock.calls.length;
    expect(rounds).toBeGreaterThanOrEqual(2 ** 6);
    expect(rounds).toBeLessThan(2 ** 6 + 2 ** 4);
  }
  for (const name of names.slice(1)) expect((await tryPassword(api, name)).status).toBe(200);
});

/** Runs `change` between the first and the second statement that the API sends to `endpoint` from now on. */
function changeBetweenStatements(endpoint: string, change: () => Promise<unknown>) {
  let count = 0;
  neonConfig.fetchFunction = async (url: string, init: RequestInit) => {
    if (url === endpoint) count += 1;
    if (url === endpoint && count === 2) await change();
    return fetch(url, init);
  };
  onTestFinished(() => {
    neonConfig.fetchFunction = undefined;
  });
}

test.each<[what: string, change: (id: number) => Promise<unknown>]>([
  ["is disabled", (id) => asOwner`UPDATE users SET active = false WHERE id = ${id}`],
  ["gets a password", (id) => asOwner`UPDATE users SET password_hash = repeat('y', 60) WHERE id = ${id}`],
])("an account that %s while it logs in gets 401 and no session", async (_, change) => {
  const { api, id, username } = await signUp();
  await asOwner`DELETE FROM sessions WHERE user_id = ${id}`;
  await api.databaseRequests();
  changeBetweenStatements(api.bindings.DATABASE_ENDPOINT, () => change(id));
  expect(await tryPassword(api, username)).toEqual(refused);
  expect(await api.databaseRequests()).toBe(2);
  expect(await asOwner`SELECT id FROM sessions WHERE user_id = ${id}`).toEqual([]);
});
