import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { type Answer, type Api, connectApi } from "../support/api.ts";
import { PASSWORD, signUp, unique } from "../support/fixtures.ts";

/** What wrangler.toml allows in a minute. */
const BY_ADDRESS = 600;
const BY_USERNAME = 60;

/**
 * Repeats an attempt until it is refused, for two minutes' worth of attempts at most: a new minute may begin meanwhile.
 *
 * @returns how many got through, and the refusal.
 */
async function exhaust(limit: number, attempt: (n: number) => Promise<Answer>) {
  for (let passed = 0; passed <= 2 * limit; passed += 1) {
    const answer = await attempt(passed);
    if (answer.status === 429) return { passed, refusal: answer };
  }
  throw new Error(`${2 * limit + 1} attempts got through`);
}

const tryRefresh = (api: Api, headers = {}) =>
  api.post("/api/auth/refresh/", { refresh: "not a refresh token" }, { headers });

/** Spends all attempts of an address: at the binding itself, which is sooner done than by requests. */
async function exhaustAddress({ address }: Api): Promise<void> {
  const limiter = env.ADDRESS_LIMITER as RateLimit;
  for (let passed = 0; passed <= 2 * BY_ADDRESS; passed += 1) {
    const { success } = await limiter.limit({ key: address });
    if (!success) return;
  }
  throw new Error("the address has attempts without end");
}

const logIn = (api: Api, username: string, password = "not the password") =>
  api.post("/api/auth/login/", { username, password });

function expectRefusal({ status, headers, body }: Answer): void {
  expect(status).toBe(429);
  expect(headers.get("Content-Type")).toBe("application/problem+json");
  expect(headers.get("Retry-After")).toBe("60");
  expect(body).toEqual({
    type: "about:blank",
    title: "Too Many Requests",
    status: 429,
    detail: "Too many attempts. Try again later.",
    request_id: headers.get("X-Request-Id"),
  });
}

test("an address may make 600 attempts a minute, and is then told 429", async () => {
  const api = connectApi();
  const { passed, refusal } = await exhaust(BY_ADDRESS, () => tryRefresh(api));
  expect(passed).toBeGreaterThanOrEqual(BY_ADDRESS);
  expectRefusal(refusal);
}, 60_000);

test("registering, logging in and refreshing share an address's attempts; refused, they ask no database", async () => {
  const api = connectApi();
  const account = await signUp(api);
  await exhaustAddress(api);
  await api.databaseRequests();
  const username = unique("late-");
  expectRefusal(
    await api.post("/api/auth/register/", { username, email: "late@example.org", password: PASSWORD }),
  );
  expectRefusal(await logIn(api, account.username, PASSWORD));
  expectRefusal(await api.post("/api/auth/refresh/", { refresh: account.refresh }));
  expect(await api.databaseRequests()).toBe(0);
});

test("a body that is not valid is no attempt", async () => {
  const api = connectApi();
  for (let n = 0; n <= BY_ADDRESS; n += 1) await api.post("/api/auth/refresh/", {});
  expect((await tryRefresh(api)).status).toBe(401);
}, 60_000);

test("an address without attempts left still uses the sessions it has, and ends them", async () => {
  const api = connectApi();
  const account = await signUp(api);
  await exhaustAddress(api);
  expect((await account.get("/api/auth/me/")).status).toBe(200);
  expect((await account.post("/api/auth/logout/", { refresh: account.refresh })).status).toBe(204);
});

test("one address's attempts are not another's", async () => {
  await exhaustAddress(connectApi());
  expect((await tryRefresh(connectApi())).status).toBe(401);
});

test("a client cannot name an address of its own", async () => {
  const api = connectApi();
  await exhaustAddress(api);
  expectRefusal(await tryRefresh(api, { "X-Forwarded-For": "10.0.0.1", "X-Real-IP": "10.0.0.1" }));
});

test("a username may be tried 60 times a minute, in whatever case and from wherever, and is then told 429", async () => {
  const name = unique("victim-");
  const spellings = [name, name.toUpperCase(), ` ${name} `];
  const { passed, refusal } = await exhaust(BY_USERNAME, (n) =>
    logIn(connectApi(), spellings[n % 3] ?? name),
  );
  expect(passed).toBeGreaterThanOrEqual(BY_USERNAME);
  expectRefusal(refusal);
});

test("a username without attempts left is refused even with its password, and the database is not asked", async () => {
  const api = connectApi();
  const { username } = await signUp(api);
  await exhaust(BY_USERNAME, () => logIn(api, username));
  await api.databaseRequests();
  expectRefusal(await logIn(api, username, PASSWORD));
  expect(await api.databaseRequests()).toBe(0);
});

test("one username's attempts are not another's", async () => {
  const api = connectApi();
  const { username } = await signUp(api);
  const victim = unique("victim-");
  await exhaust(BY_USERNAME, () => logIn(connectApi(), victim));
  expect((await logIn(api, username, PASSWORD)).status).toBe(200);
});

test.each(["İ", "K"])(
  "a username is not tried further by writing %s, whose lower case is a letter of it",
  async (letter) => {
    const api = connectApi();
    const { username } = await signUp(api, unique("kim-"));
    await exhaust(BY_USERNAME, () => logIn(connectApi(), username));
    const lookalike = username.replace(letter === "İ" ? "i" : "k", letter);
    expect([401, 429]).toContain((await logIn(api, lookalike, PASSWORD)).status);
  },
);
