import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import {
  insertRefreshToken,
  logIn,
  mintToken,
  newAccount,
  PASSWORD,
  signUp,
  uniqueName,
} from "../support/accounts.ts";
import { type Api, type ApiResponse, connectApi, limiters } from "../support/api.ts";
import { asOwner } from "../support/owner.ts";
import { problem } from "../support/problems.ts";
import { atOnce } from "../support/races.ts";

/** The window that a limiter of wrangler.toml counts in: the clock's minute (Miniflare's rate limits). */
const windowOf = (time: number) => Math.floor(time / 60_000);

/** Uses up a limiter for a key. @returns how many requests it let through. */
async function exhaust(limiter: RateLimit, key: string): Promise<number> {
  for (let passed = 0; ; ) {
    const results = await atOnce(100, () => limiter.limit({ key }));
    const accepted = results.filter(({ success }) => success).length;
    passed += accepted;
    if (accepted < results.length) return passed;
  }
}

/**
 * Does `work` within one window of the limiters: again when a window ended meanwhile, for then its result says
 * nothing.
 */
async function withinWindow<Result>(work: () => Promise<Result>): Promise<Result> {
  for (;;) {
    const start = Date.now();
    const result = await work();
    if (windowOf(Date.now()) === windowOf(start)) return result;
  }
}

const from = (address: string) => ({ headers: { "CF-Connecting-IP": address } });
const login = (api: Api, address = api.address) =>
  api.post("/api/auth/login/", { username: uniqueName("nobody-"), password: PASSWORD }, from(address));
const register = (api: Api) =>
  api.post("/api/auth/register/", {
    username: uniqueName("new-"),
    email: "new@example.org",
    password: PASSWORD,
  });

function expectRefused(answer: ApiResponse) {
  expect(answer).toEqual(problem(429, "Too many attempts. Try again later."));
  expect(answer.headers.get("Retry-After")).toBe("60");
}

test("a network registers 300 accounts in a minute; the next attempt gets 429 without a database request", async () => {
  const { api, passed, refused } = await withinWindow(async () => {
    const api = connectApi();
    expect((await register(api)).status).toBe(201);
    const passed = await exhaust(limiters.REGISTER_LIMITER, api.address);
    await api.databaseRequests();
    return { api, passed, refused: await register(api) };
  });
  expect(passed).toBe(299);
  expectRefused(refused);
  expect(await api.databaseRequests()).toBe(0);
  expect((await register(connectApi())).status).toBe(201);
});

test("register, login, /readyz and calendars have limiters of their own, counted by the network in CF-Connecting-IP", async () => {
  const counted: string[] = [];
  const counting = (name: string) => ({
    [name]: {
      limit: async ({ key }: RateLimitOptions) => ({ success: counted.push(`${name} ${key}`) < 0 }),
    },
  });
  const names = ["REGISTER_LIMITER", "LOGIN_LIMITER", "READY_LIMITER", "CALENDAR_LIMITER"];
  const api = connectApi(Object.assign({}, ...names.map(counting)));
  const headers = { "X-Forwarded-For": "10.0.0.1", "X-Real-IP": "10.0.0.1" };
  const answers = [
    await register(api),
    await login(api),
    await api.get("/readyz", { headers }),
    await api.get("/calendar/unknown.ics", { headers }),
  ];
  for (const answer of answers) expectRefused(answer);
  expect(counted).toEqual(names.map((name) => `${name} ${api.address}`));
});

test.each([
  ["2001:db8:1:2::1", ["2001:db8:1:2::/64", "2001:db8:1::/48"]],
  ["2001:DB8:0001:2:ffff:ffff:ffff:ffff", ["2001:db8:1:2::/64", "2001:db8:1::/48"]],
  ["2001:db8:1:3::1", ["2001:db8:1:3::/64", "2001:db8:1::/48"]],
  ["2001:db8:2::1", ["2001:db8:2:0::/64", "2001:db8:2::/48"]],
  ["::1", ["0:0:0:0::/64", "0:0:0::/48"]],
  ["192.0.2.7", ["192.0.2.7"]],
  ["::ffff:192.0.2.7", ["192.0.2.7"]],
])("requests from %s are counted by %j", async (address, networks) => {
  const keys: string[] = [];
  const limit = async ({ key }: RateLimitOptions) => ({ success: keys.push(key) > 0 });
  await login(connectApi({ LOGIN_LIMITER: { limit } }), address);
  expect(keys).toEqual(networks);
});

test("a /48 that has used up its limit gets 429 in each of its /64 networks, without a database request", async () => {
  const limit = async ({ key }: RateLimitOptions) => ({ success: key !== "2001:db8:1::/48" });
  const api = connectApi({ LOGIN_LIMITER: { limit } });
  for (const address of ["2001:db8:1:2::1", "2001:db8:1:3::1"]) expectRefused(await login(api, address));
  expect(await api.databaseRequests()).toBe(0);
  expect((await login(api, "2001:db8:2::1")).status).toBe(401);
});

test("a refresh token of ours is exchanged when its network has used up its limit for other tokens", async () => {
  const exhausted = new Set<string>();
  const limit = async ({ key }: RateLimitOptions) => ({ success: !exhausted.has(key) });
  const api = connectApi({ REFRESH_LIMITER: { limit } });
  const { refresh } = await signUp(api);
  const refreshWith = (token: string) => api.post("/api/auth/refresh/", { refresh: token });
  exhausted.add(api.address);
  expectRefused(await refreshWith("A".repeat(43)));
  expectRefused(await refreshWith(await insertRefreshToken(await newAccount(api))));
  const { status, body } = await refreshWith(refresh);
  expect(status).toBe(200);
  expect((await refreshWith(body.refresh)).status).toBe(200);
});

test("refresh tokens are counted by their session, and a body over 8 KiB gets 413 without being counted", async () => {
  const keys: string[] = [];
  const limit = async ({ key }: RateLimitOptions) => ({ success: keys.push(key) < 9 });
  const api = connectApi({ REFRESH_LIMITER: { limit } });
  const account = await signUp(api);
  const refreshWith = (token: string) => api.post("/api/auth/refresh/", { refresh: token });
  const { body: next } = await refreshWith(account.refresh);
  await refreshWith(next.refresh);
  await refreshWith((await logIn(api, account.username)).refresh);
  const [first, second, other] = keys;
  expect([second, other === first]).toEqual([first, false]);
  expect((await refreshWith("A".repeat(9000))).status).toBe(413);
  expect(keys).toHaveLength(3);
});

test("ACCOUNT_LIMITER counts all authenticated requests of an account; one too many gets 429 without a database request", async () => {
  const keys: string[] = [];
  const limit = async ({ key }: RateLimitOptions) => ({ success: keys.push(key) < 3 });
  const account = await newAccount(connectApi({ ACCOUNT_LIMITER: { limit } }));
  for (const path of ["/api/patients/", "/api/doctors/"]) expect((await account.get(path)).status).toBe(200);
  await account.api.databaseRequests();
  expectRefused(await account.get("/api/auth/me/"));
  expect(await account.api.databaseRequests()).toBe(0);
  expect(keys).toEqual(Array(3).fill(String(account.id)));
  // A request without a token is not counted.
  expect((await account.api.get("/api/auth/me/")).status).toBe(401);
  expect(keys).toHaveLength(3);
});

test("an ended session gets 429 after 600 requests in a minute, without a database request, and another session of its account gets 200", async () => {
  const { first, passed, ended, open } = await withinWindow(async () => {
    const account = await newAccount();
    const [session] = await asOwner`
      INSERT INTO sessions (user_id, token_version, expires_at) VALUES (${account.id}, 1, now() + interval '1 day') RETURNING id`;
    await asOwner`UPDATE sessions SET ended_at = now() WHERE id = ${account.sid}`;
    const token = await mintToken({ sub: String(account.id), sid: String(session?.["id"]) });
    const first = await account.get("/api/auth/me/");
    const passed = await exhaust(limiters.SESSION_LIMITER, account.sid);
    await account.api.databaseRequests();
    const ended = await account.get("/api/auth/me/");
    expect(await account.api.databaseRequests()).toBe(0);
    return { first, passed, ended, open: await account.api.get("/api/auth/me/", { token }) };
  });
  expect([first.status, passed]).toEqual([401, 599]);
  expectRefused(ended);
  expect(open.status).toBe(200);
});

test("a request is counted by session first; one too many of a session is not counted for its account", async () => {
  const counted: string[] = [];
  const limiterOf = (kind: string, most: number) => {
    let requests = 0;
    const limit = async ({ key }: RateLimitOptions) => {
      counted.push(`${kind} ${key}`);
      requests += 1;
      return { success: requests <= most };
    };
    return { limit };
  };
  const api = connectApi({
    SESSION_LIMITER: limiterOf("session", 2),
    ACCOUNT_LIMITER: limiterOf("account", 9),
  });
  const account = await newAccount(api);
  for (const path of ["/api/patients/", "/api/doctors/"]) expect((await account.get(path)).status).toBe(200);
  expectRefused(await account.get("/api/auth/me/"));
  const [session, ofAccount] = [`session ${account.sid}`, `account ${account.id}`];
  expect(counted).toEqual([session, ofAccount, session, ofAccount, session]);
});

test("imports and exports have a limiter of their own, counted by account", async () => {
  const keys: string[] = [];
  const limit = async ({ key }: RateLimitOptions) => ({ success: keys.push(key) < 3 });
  const account = await newAccount(connectApi({ IMPORT_EXPORT_LIMITER: { limit } }));
  const importFile = (raw: string) =>
    account.post("/api/patients/import/", undefined, { raw, headers: { "Content-Type": "text/csv" } });
  expect((await importFile(",\n")).status).toBe(400);
  expect((await account.get("/api/patients/export/")).status).toBe(200);
  await account.api.databaseRequests();
  for (const refused of [await importFile(",\n"), await account.get("/api/patients/export/")])
    expectRefused(refused);
  expect(await account.api.databaseRequests()).toBe(0);
  expect((await account.get("/api/patients/")).status).toBe(200);
  expect(keys).toEqual(Array(4).fill(String(account.id)));
});

test.each([
  ["ACCOUNT_LIMITER" as const, 1200],
  ["IMPORT_EXPORT_LIMITER" as const, 30],
])("%s of wrangler.toml lets %i requests of an account through in a minute", async (name, requests) => {
  const limiter = env[name] as RateLimit;
  expect(await withinWindow(() => exhaust(limiter, uniqueName("account-")))).toBe(requests);
});

test("register and login check the limit before they validate the body", async () => {
  const limit = async () => ({ success: false });
  const api = connectApi({ LOGIN_LIMITER: { limit }, REGISTER_LIMITER: { limit } });
  for (const route of ["register", "login"])
    expectRefused(await api.post(`/api/auth/${route}/`, { username: "x", unknown: true }));
});
