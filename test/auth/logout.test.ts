import { expect, test } from "vitest";
import { insertRefreshToken, logIn, mintToken, newAccount, signUp, uniqueName } from "../support/accounts.ts";
import { type Api, connectApi } from "../support/api.ts";
import { actorColumns, auditEventsOf, emptyAuditEvent } from "../support/audit-events.ts";
import { asOwner, owner } from "../support/owner.ts";
import { fieldProblem, problem } from "../support/problems.ts";

interface Pair {
  access: string;
  refresh: string;
}

/** The statuses that the access token and the refresh token of a session get. */
const tryTokens = async (api: Api, { access, refresh }: Pair) => [
  (await api.get("/api/auth/me/", { token: access })).status,
  (await api.post("/api/auth/refresh/", { refresh })).status,
];

const logOut = (api: Api, refresh: string, Authorization?: string) =>
  api.post("/api/auth/logout/", { refresh }, { headers: Authorization ? { Authorization } : {} });

test("logout revokes both tokens of the session without an access token, and no other session of the account", async () => {
  const { api, username, token, refresh } = await signUp();
  const other = await logIn(api, username);
  expect(await logOut(api, refresh)).toMatchObject({ status: 204, body: "" });
  expect(await tryTokens(api, { access: token, refresh })).toEqual([401, 401]);
  expect(await tryTokens(api, other)).toEqual([200, 200]);
});

test("logout ignores Authorization: an expired, forged, malformed or another account's access token changes nothing", async () => {
  const stranger = await newAccount();
  const past = Math.floor(Date.now() / 1000) - 1000;
  const tokens = [
    await mintToken({ sub: String(stranger.id), sid: stranger.sid, iat: past, exp: past + 900 }),
    await mintToken({}, "another".padEnd(32, "x")),
    "garbage",
    stranger.token,
  ];
  for (const token of tokens) {
    const { api, ...account } = await signUp();
    expect((await logOut(api, account.refresh, `Bearer ${token}`)).status).toBe(204);
    expect(await tryTokens(api, { access: account.token, refresh: account.refresh })).toEqual([401, 401]);
  }
  expect((await stranger.get("/api/auth/me/")).status).toBe(200);
});

test("logout with a spent refresh token ends its session", async () => {
  const { api, token, refresh } = await signUp();
  const { body: next } = await api.post("/api/auth/refresh/", { refresh });
  expect((await logOut(api, refresh)).status).toBe(204);
  for (const access of [token, next.access])
    expect(await tryTokens(api, { access, refresh: next.refresh })).toEqual([401, 401]);
});

test("logout of a disabled account, or of one that must change its password, ends its session", async () => {
  const account = await newAccount();
  for (const change of ["active = false", "active = true, must_change_password = true"]) {
    const refresh = await insertRefreshToken(account);
    await owner().query(`UPDATE users SET ${change} WHERE id = $1`, [account.id]);
    const answer = await logOut(account.api, refresh);
    expect(answer.status).toBe(204);
    const [event] = await auditEventsOf(answer);
    expect(
      await asOwner`SELECT ended_at IS NOT NULL AS ended FROM sessions WHERE id = ${event?.["session_id"]}`,
    ).toEqual([{ ended: true }]);
  }
});

test("a second logout keeps the time at which the session ended", async () => {
  const account = await newAccount();
  const refresh = await insertRefreshToken(account);
  await logOut(account.api, refresh);
  const [session] = await asOwner`
    UPDATE sessions SET ended_at = ended_at - interval '1 hour' WHERE user_id = ${account.id} AND ended_at IS NOT NULL
    RETURNING id, ended_at`;
  expect((await logOut(account.api, refresh)).status).toBe(204);
  expect(await asOwner`SELECT id, ended_at FROM sessions WHERE id = ${session?.["id"]}`).toEqual([session]);
});

test("logout is audited with the session's account and the address; with an unknown token it is 204 and not audited", async () => {
  const account = await newAccount();
  const refresh = await insertRefreshToken(account);
  const [{ id: session_id } = {}] = await asOwner`
    SELECT id FROM sessions WHERE user_id = ${account.id} AND id <> ${account.sid}`;
  expect(await auditEventsOf(await logOut(account.api, refresh))).toEqual([
    { ...emptyAuditEvent(account.api), ...actorColumns(account), session_id, action: "logout" },
  ]);
  for (const unknown of ["A".repeat(43), "x", uniqueName("refresh-"), account.token]) {
    const answer = await logOut(account.api, unknown);
    expect(answer).toMatchObject({ status: 204, body: "" });
    expect(await auditEventsOf(answer)).toEqual([]);
  }
  expect((await account.get("/api/auth/me/")).status).toBe(200);
});

test("logout without a token, with an empty, too long or non-text one is 400 without a database request", async () => {
  const api = connectApi();
  for (const refresh of [undefined, "", " ", "A".repeat(1025), 7, null])
    expect(await api.post("/api/auth/logout/", { refresh })).toEqual(fieldProblem("refresh"));
  expect((await api.post("/api/auth/logout/", { refresh: "A".repeat(9000) })).status).toBe(413);
  expect(await api.databaseRequests()).toBe(0);
});

test("logouts are counted by session, apart from refreshes, and those with an unknown token by network", async () => {
  const exhausted = new Set<string>();
  const keys: string[] = [];
  const limit = async ({ key }: RateLimitOptions) => {
    keys.push(key);
    return { success: !exhausted.has(key) };
  };
  const api = connectApi({ REFRESH_LIMITER: { limit } });
  const { refresh } = await signUp(api);
  await api.post("/api/auth/refresh/", { refresh });
  exhausted.add(keys[0] ?? "").add(api.address);
  expect((await api.post("/api/auth/refresh/", { refresh })).status).toBe(429);
  expect(await logOut(api, "A".repeat(43))).toEqual(problem(429, "Too many attempts. Try again later."));
  expect((await logOut(api, refresh)).status).toBe(204);
});
