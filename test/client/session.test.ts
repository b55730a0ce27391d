import { afterAll, expect, inject, test } from "vitest";
import { createClient, type Tokens } from "../../client/index.ts";
import { query } from "../ops/support.ts";
import { serveApi } from "../support/serve-api.ts";
import { openGateway } from "./gateway.ts";
import { newPatient, PASSWORD, signUp, slowDatabase } from "./support.ts";

const served = await serveApi(slowDatabase);
afterAll(() => served.stop());

const REFRESH = "POST /api/auth/refresh/";
/** Almost no pauses, and the usual deadline: no outcome depends on how fast the machine is. */
const retry = { delay: 1 };

/** The tokens of a new session, with some of them replaced. */
const tokensWith = async (changes: Partial<Tokens>): Promise<Tokens> => {
  const { tokens } = await signUp(served.origin);
  if (!tokens) throw new Error("There is no session after logging in.");
  return { ...tokens, ...changes };
};

test.each([
  ["has expired by the clock", { expiresAt: Date.now() }, 0],
  ["is refused by the API", { access: "no.such.token" }, 20],
])(
  "when the access token %s, 20 concurrent calls refresh it once and all succeed",
  async (_, changes, refused) => {
    const gateway = await openGateway(served.origin);
    const api = createClient({ url: gateway.origin, tokens: await tokensWith(changes) });
    const accounts = await Promise.all(Array.from({ length: 20 }, () => api.me()));
    expect(new Set(accounts.map(({ id }) => id)).size).toBe(1);
    const lines = gateway.requests.map(({ line }) => line);
    expect(lines.filter((line) => line === REFRESH)).toHaveLength(1);
    expect(lines.filter((line) => line !== REFRESH)).toHaveLength(20 + refused);
  },
);

test("a create whose access token is refused is sent again with the same idempotency key and body", async () => {
  const gateway = await openGateway(served.origin);
  const api = createClient({ url: gateway.origin, tokens: await tokensWith({ access: "no.such.token" }) });
  await api.patients.create(newPatient());
  const [first, refresh, second] = gateway.requests;
  expect(refresh?.line).toBe(REFRESH);
  expect(second).toMatchObject({ line: first?.line, body: first?.body });
  expect(second?.headers["idempotency-key"]).toBe(first?.headers["idempotency-key"]);
});

test("onTokens gets each new pair, and another client can continue with the last one", async () => {
  const received: (Tokens | undefined)[] = [];
  const api = await signUp(served.origin, { onTokens: (tokens) => received.push(tokens) });
  await api.refresh();
  expect(received).toHaveLength(2);
  expect(received[1]).toEqual(api.tokens);
  expect(received[1]?.expiresAt).toBeGreaterThan(Date.now() + 800_000);
  const stored: Tokens = JSON.parse(JSON.stringify(received[1]));
  const later = createClient({ url: served.origin, tokens: stored });
  expect(await later.me()).toEqual(await api.me());
  await api.logout();
  expect(received.slice(2)).toEqual([undefined]);
});

test("a refused refresh ends the session: every waiting call throws 401, and onTokens gets undefined", async () => {
  const received: (Tokens | undefined)[] = [];
  const tokens = await tokensWith({ refresh: "spent", expiresAt: 0 });
  const api = createClient({ url: served.origin, tokens, onTokens: (next) => received.push(next) });
  const calls = await Promise.allSettled([api.me(), api.patients.get(1), api.doctors.get(1)]);
  for (const call of calls)
    expect(call).toMatchObject({ status: "rejected", reason: { code: "refresh_token_invalid" } });
  expect(received).toEqual([undefined]);
  await expect(api.me()).rejects.toMatchObject({
    code: "token_missing",
  });
});

test("a refresh that gets 401 from a proxy throws it and keeps the session", async () => {
  const gateway = await openGateway(served.origin, { status: 401, body: "<h1>Log in to the Wi-Fi</h1>" });
  const tokens = await tokensWith({ expiresAt: 0 });
  const api = createClient({ url: gateway.origin, tokens, retry });
  await expect(api.me()).rejects.toMatchObject({ status: 401, code: undefined });
  expect(api.tokens).toEqual(tokens);
  expect(await api.me()).toMatchObject({ role: "clinician" });
});

test("a refresh without an answer throws status 0 and keeps the session", async () => {
  const gateway = await openGateway(served.origin, "drop-before", "drop-before");
  const tokens = await tokensWith({ expiresAt: 0 });
  const api = createClient({ url: gateway.origin, tokens, retry: { ...retry, attempts: 2 } });
  await expect(api.me()).rejects.toMatchObject({ status: 0 });
  expect(api.tokens).toEqual(tokens);
  expect(await api.me()).toMatchObject({ role: "clinician" });
});

test("a refresh that did not reach the API is sent again and succeeds", async () => {
  const gateway = await openGateway(served.origin, "drop-before", { status: 502 });
  const api = createClient({ url: gateway.origin, tokens: await tokensWith({ expiresAt: 0 }), retry });
  expect(await api.me()).toMatchObject({ role: "clinician" });
  expect(gateway.requests.map(({ line }) => line)).toEqual([REFRESH, REFRESH, REFRESH, "GET /api/auth/me/"]);
});

test("a refresh whose answer is lost is sent again with the same token, and the session continues", async () => {
  const gateway = await openGateway(served.origin, "drop-after");
  const api = createClient({ url: gateway.origin, tokens: await tokensWith({ expiresAt: 0 }), retry });
  expect(await api.me()).toMatchObject({ role: "clinician" });
  expect(gateway.requests.map(({ line }) => line)).toEqual([REFRESH, REFRESH, "GET /api/auth/me/"]);
  const [session] = await query(
    inject("database").ownerUrl,
    "SELECT ended_at FROM sessions s JOIN refresh_tokens t ON t.session_id = s.id WHERE token_hash = encode(sha256($1::text::bytea), 'hex')",
    [JSON.parse(gateway.requests[0]?.body ?? "").refresh],
  );
  expect(session).toEqual({ ended_at: null });
});

test("a call aborted while it waits for a refresh does not stop the refresh for other calls", async () => {
  const api = createClient({ url: served.origin, tokens: await tokensWith({ expiresAt: 0 }) });
  const page = new AbortController();
  const aborted = api.me({ signal: page.signal });
  const other = api.me();
  page.abort(new Error("the page was left"));
  await expect(aborted).rejects.toThrow("the page was left");
  expect(await other).toMatchObject({ role: "clinician" });
});

test("a call that was under way while the password was changed is sent again with the new session's token", async () => {
  const gateway = await openGateway(served.origin);
  const changed = Promise.withResolvers<void>();
  const api = createClient({
    url: gateway.origin,
    tokens: await tokensWith({}),
    fetch: async (input, init) => {
      if (String(input).endsWith("/me/")) await changed.promise;
      return fetch(input, init);
    },
  });
  const underWay = api.me();
  await api.changePassword({ current: PASSWORD, new: "another horse entirely" });
  changed.resolve();
  expect(await underWay).toMatchObject({ role: "clinician" });
  expect(gateway.requests.map(({ line }) => line)).toEqual([
    "POST /api/auth/password/",
    "GET /api/auth/me/",
    "GET /api/auth/me/",
  ]);
});

test("a login is sent once, without an answer and after 503", async () => {
  const gateway = await openGateway(served.origin, "drop-before", { status: 503 });
  const api = createClient({ url: gateway.origin, retry });
  const credentials = { username: "ada", password: "x" };
  await expect(api.login(credentials)).rejects.toMatchObject({ status: 0 });
  await expect(api.login(credentials)).rejects.toMatchObject({ status: 503 });
  expect(gateway.requests).toHaveLength(2);
});

test("a logout that cannot reach the API throws status 0 and drops the tokens", async () => {
  const gateway = await openGateway(
    served.origin,
    ...Array.from({ length: 5 }, () => "drop-before" as const),
  );
  const api = createClient({ url: gateway.origin, tokens: await tokensWith({}), retry });
  await expect(api.logout()).rejects.toMatchObject({ status: 0 });
  expect(api.tokens).toBeUndefined();
});

test("a logout whose access token has expired ends the session by one request", async () => {
  const gateway = await openGateway(served.origin);
  const tokens = await tokensWith({ expiresAt: 0, access: "no.such.token" });
  await createClient({ url: gateway.origin, tokens }).logout();
  expect(gateway.requests.map(({ line }) => line)).toEqual(["POST /api/auth/logout/"]);
  const again = createClient({ url: served.origin, tokens });
  await expect(again.refresh()).rejects.toMatchObject({ status: 401 });
});

test("a logout of a session that has already ended succeeds", async () => {
  const tokens = await tokensWith({});
  await createClient({ url: served.origin, tokens }).logout();
  const api = createClient({ url: served.origin, tokens });
  await api.logout();
  expect(api.tokens).toBeUndefined();
});
