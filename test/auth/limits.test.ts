import { describe, expect, test } from "vitest";
import { logIn, newAccount, newRefreshToken, PASSWORD, signUp, unique } from "../support/accounts.ts";
import { type Answer, type Api, connectApi, limiters } from "../support/api.ts";
import { problem } from "../support/problems.ts";
import { atOnce, CROWD } from "../support/races.ts";

/** Spends all attempts of this minute; the answer is how many there were. */
async function exhaust(limiter: RateLimit, key: string): Promise<number> {
  for (let attempts = 0; ; ) {
    const tried = await atOnce(CROWD, () => limiter.limit({ key }));
    const passed = tried.filter(({ success }) => success).length;
    attempts += passed;
    if (passed < CROWD) return attempts;
  }
}

const from = (address: string) => ({ headers: { "CF-Connecting-IP": address } });
const login = (api: Api, address = api.address) =>
  api.post("/api/auth/login/", { username: unique("nobody-"), password: PASSWORD }, from(address));
const register = (api: Api) =>
  api.post("/api/auth/register/", { username: unique("new-"), email: "new@example.org", password: PASSWORD });

function expectRefused(answer: Answer) {
  expect(answer).toEqual(problem(429, "Too many attempts. Try again later."));
  expect(answer.headers.get("Retry-After")).toBe("60");
}

// Again, for a minute may end between the last attempt that is let through and the one that is to be refused.
describe("in a minute", { retry: 1 }, () => {
  test("a network registers 300 accounts, and then asks no database", async () => {
    const api = connectApi();
    expect((await register(api)).status).toBe(201);
    expect(await exhaust(limiters.REGISTER_LIMITER, api.address)).toBe(299);
    await api.databaseRequests();
    expectRefused(await register(api));
    expect(await api.databaseRequests()).toBe(0);
    expect((await register(connectApi())).status).toBe(201);
  });

  test("registering, logging in and /readyz have budgets of their own, by the network that Cloudflare tells", async () => {
    const counted: string[] = [];
    const counting = (name: string) => ({
      [name]: {
        limit: async ({ key }: RateLimitOptions) => ({ success: counted.push(`${name} ${key}`) < 0 }),
      },
    });
    const names = ["REGISTER_LIMITER", "LOGIN_LIMITER", "READY_LIMITER"];
    const api = connectApi(Object.assign({}, ...names.map(counting)));
    const headers = { "X-Forwarded-For": "10.0.0.1", "X-Real-IP": "10.0.0.1" };
    for (const answer of [await register(api), await login(api), await api.get("/readyz", { headers })])
      expectRefused(answer);
    expect(counted).toEqual(names.map((name) => `${name} ${api.address}`));
  });

  test.each([
    ["2001:db8:1:2::1", "2001:DB8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:3::1"],
    ["192.0.2.7", "::ffff:192.0.2.7", "192.0.2.8"],
  ])("%s is of the same network as %s, and not as %s", async (one, same, other) => {
    const keys: string[] = [];
    const limit = async ({ key }: RateLimitOptions) => ({ success: keys.push(key) < 9 });
    const api = connectApi({ LOGIN_LIMITER: { limit } });
    for (const address of [one, same, other]) await login(api, address);
    const [first, second, third] = keys;
    expect(second).toBe(first);
    expect(third).not.toBe(first);
  });

  test("whoever has a refresh token of ours refreshes, however many others of its network make some up", async () => {
    const api = connectApi();
    const { refresh } = await signUp(api);
    const refreshWith = (token: string) => api.post("/api/auth/refresh/", { refresh: token });
    await exhaust(limiters.REFRESH_LIMITER, api.address);
    expectRefused(await refreshWith("A".repeat(43)));
    expectRefused(await refreshWith(await newRefreshToken(await newAccount(api))));
    const { status, body } = await refreshWith(refresh);
    expect(status).toBe(200);
    expect((await refreshWith(body.refresh)).status).toBe(200);
  });

  test("all tokens of a session are counted together, those of another apart, and what is too large for one is not looked at", async () => {
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

  test("an account has as many requests as ACCOUNT_LIMITER lets through, whatever they are for, and others have theirs", async () => {
    const keys: string[] = [];
    const limit = async ({ key }: RateLimitOptions) => ({ success: keys.push(key) < 3 });
    const account = await newAccount(connectApi({ ACCOUNT_LIMITER: { limit } }));
    for (const path of ["/api/patients/", "/api/doctors/"])
      expect((await account.get(path)).status).toBe(200);
    await account.api.databaseRequests();
    expectRefused(await account.get("/api/auth/me/"));
    expect(await account.api.databaseRequests()).toBe(0);
    expect(keys).toEqual(Array(3).fill(String(account.id)));
    // Who has no token is not counted as anybody.
    expect((await account.api.get("/api/auth/me/")).status).toBe(401);
    expect(keys).toHaveLength(3);
  });
});

test("what is limited by network is limited before it is looked at, however long that would take", async () => {
  const limit = async () => ({ success: false });
  const api = connectApi({ LOGIN_LIMITER: { limit }, REGISTER_LIMITER: { limit } });
  for (const route of ["register", "login"])
    expectRefused(await api.post(`/api/auth/${route}/`, { username: "x", unknown: true }));
});
