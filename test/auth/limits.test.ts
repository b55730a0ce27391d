import { env } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import { newRefreshToken, PASSWORD, signUp, unique } from "../support/accounts.ts";
import { type Api, connectApi } from "../support/api.ts";
import { problem } from "../support/problems.ts";

const byAddress = env.ADDRESS_LIMITER as RateLimit;
const byUsername = env.USERNAME_LIMITER as RateLimit;

/** The same limiter, whose `limit` can be watched. */
const watched = (limiter: RateLimit) => ({ limit: vi.fn<RateLimit["limit"]>((key) => limiter.limit(key)) });

/** Spends all attempts of this minute; the answer is how many there were. */
async function exhaust(limiter: RateLimit, key: string): Promise<number> {
  let attempts = 0;
  while ((await limiter.limit({ key })).success) attempts += 1;
  return attempts;
}

const login = (api: Api, username: string) => api.post("/api/auth/login/", { username, password: PASSWORD });
const refresh = (api: Api, token: string, headers = {}) =>
  api.post("/api/auth/refresh/", { refresh: token }, { headers });

const refused = problem(429, "Too many attempts. Try again later.");

// Again, for a minute may end between the last attempt that is let through and the one that is to be refused.
describe("attempts in a minute:", { retry: 1 }, () => {
  test("registering, logging in and refreshing share an address's 600, and then ask no database", async () => {
    const limiter = watched(byAddress);
    const api = connectApi({ ADDRESS_LIMITER: limiter });
    const account = await signUp(api); // registers and logs in
    const token = await newRefreshToken(account);
    expect((await refresh(api, token)).status).toBe(200);
    expect(limiter.limit.mock.calls).toEqual(Array(3).fill([{ key: api.address }]));
    expect(await exhaust(byAddress, api.address)).toBe(597);
    await api.databaseRequests();
    const registration = { username: unique("new-"), email: "new@example.org", password: PASSWORD };
    for (const answer of [
      await api.post("/api/auth/register/", registration),
      await login(api, account.username),
      await refresh(api, token, { "X-Forwarded-For": "10.0.0.1", "X-Real-IP": "10.0.0.1" }),
    ]) {
      expect(answer).toEqual(refused);
      expect(answer.headers.get("Retry-After")).toBe("60");
    }
    expect(await api.databaseRequests()).toBe(0);
    // Its sessions go on, and so does who comes from elsewhere.
    expect((await account.get("/api/auth/me/")).status).toBe(200);
    expect((await account.post("/api/auth/logout/", { refresh: account.refresh })).status).toBe(204);
    expect((await login(connectApi(), account.username)).status).toBe(200);
  });

  test("a username has 60, in whatever case and from wherever, and then asks no database", async () => {
    const { username } = await signUp();
    for (const spelling of [username.toUpperCase(), ` ${username} `])
      expect((await login(connectApi(), spelling)).status).toBe(200);
    expect(await exhaust(byUsername, username)).toBe(57); // `signUp` logged in too
    const api = connectApi();
    const answer = await login(api, username.toUpperCase());
    expect(answer).toEqual(refused);
    expect(answer.headers.get("Retry-After")).toBe("60");
    expect(await api.databaseRequests()).toBe(0);
    expect((await login(api, (await signUp()).username)).status).toBe(200);
  });

  test("a username has no more with İ or the Kelvin sign, whose lower case has a letter of it", async () => {
    const { username } = await signUp(connectApi(), unique("kim-"));
    await exhaust(byUsername, username);
    for (const lookalike of [username.replace("i", "İ"), username.replace("k", "\u212a")])
      expect([401, 429]).toContain((await login(connectApi(), lookalike)).status);
  });
});

test("a body that is not valid is no attempt", async () => {
  const [address, username] = [watched(byAddress), watched(byUsername)];
  const api = connectApi({ ADDRESS_LIMITER: address, USERNAME_LIMITER: username });
  for (const route of ["register", "login", "refresh"])
    await api.post(`/api/auth/${route}/`, { username: "x" });
  expect([...address.limit.mock.calls, ...username.limit.mock.calls]).toEqual([]);
});
