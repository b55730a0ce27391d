import { afterAll, expect, inject, test } from "vitest";
import { createClient, type Tokens } from "../../client/index.ts";
import { query } from "../ops/support.ts";
import { serveApi } from "../support/serve-api.ts";
import { openFront } from "./front.ts";
import { newPatient, signUp } from "./support.ts";

const served = await serveApi();
afterAll(() => served.stop());

const REFRESH = "POST /api/auth/refresh/";
const soon = { delay: 20, deadline: 1000 };

/** The tokens of a new session, changed as the test wants them. */
const tokensWith = async (changes: Partial<Tokens>): Promise<Tokens> => {
  const { tokens } = await signUp(served.origin);
  if (!tokens) throw new Error("There is no session after logging in.");
  return { ...tokens, ...changes };
};

test.each([
  ["has run out by the clock", { expiresAt: Date.now() }, 0],
  ["is refused by the API", { access: "no.such.token" }, 20],
])(
  "When the access token %s, 20 calls at once refresh it once and all succeed",
  async (_, changes, refused) => {
    const front = await openFront(served.origin);
    const api = createClient({ url: front.origin, tokens: await tokensWith(changes) });
    const accounts = await Promise.all(Array.from({ length: 20 }, () => api.me()));
    expect(new Set(accounts.map(({ id }) => id)).size).toBe(1);
    const lines = front.seen.map(({ line }) => line);
    expect(lines.filter((line) => line === REFRESH)).toHaveLength(1);
    expect(lines.filter((line) => line !== REFRESH)).toHaveLength(20 + refused);
  },
);

test("What makes something is sent with the same key and body after the token was refused", async () => {
  const front = await openFront(served.origin);
  const api = createClient({ url: front.origin, tokens: await tokensWith({ access: "no.such.token" }) });
  await api.patients.create(newPatient());
  const [first, refresh, second] = front.seen;
  expect(refresh?.line).toBe(REFRESH);
  expect(second).toMatchObject({ line: first?.line, body: first?.body });
  expect(second?.headers["idempotency-key"]).toBe(first?.headers["idempotency-key"]);
});

test("Who keeps the tokens is told of each pair, and another client goes on with the last", async () => {
  const told: (Tokens | undefined)[] = [];
  const api = await signUp(served.origin, { onTokens: (tokens) => told.push(tokens) });
  await api.refresh();
  expect(told).toHaveLength(2);
  expect(told[1]).toEqual(api.tokens);
  expect(told[1]?.expiresAt).toBeGreaterThan(Date.now() + 800_000);
  const kept: Tokens = JSON.parse(JSON.stringify(told[1]));
  const later = createClient({ url: served.origin, tokens: kept });
  expect(await later.me()).toEqual(await api.me());
  await api.logout();
  expect(told.slice(2)).toEqual([undefined]);
});

test("A refresh that is refused signs out, and all who waited for it get the problem", async () => {
  const told: (Tokens | undefined)[] = [];
  const tokens = await tokensWith({ refresh: "spent", expiresAt: 0 });
  const api = createClient({ url: served.origin, tokens, onTokens: (next) => told.push(next) });
  const calls = await Promise.allSettled([api.me(), api.patients.get(1), api.doctors.get(1)]);
  for (const call of calls) expect(call).toMatchObject({ status: "rejected", reason: { status: 401 } });
  expect(told).toEqual([undefined]);
  await expect(api.me()).rejects.toMatchObject({
    detail: expect.stringContaining("This needs Authorization"),
  });
});

test("A refresh without an answer throws, and leaves the session for later", async () => {
  const front = await openFront(served.origin, "drop-before", "drop-before");
  const tokens = await tokensWith({ expiresAt: 0 });
  const api = createClient({ url: front.origin, tokens, retry: { ...soon, attempts: 2 } });
  await expect(api.me()).rejects.toMatchObject({ status: 0 });
  expect(api.tokens).toEqual(tokens);
  expect(await api.me()).toMatchObject({ role: "clinician" });
});

test("A refresh that did not get to the API is sent again, and goes through", async () => {
  const front = await openFront(served.origin, "drop-before", { status: 502 });
  const api = createClient({ url: front.origin, tokens: await tokensWith({ expiresAt: 0 }), retry: soon });
  expect(await api.me()).toMatchObject({ role: "clinician" });
  expect(front.seen.map(({ line }) => line)).toEqual([REFRESH, REFRESH, REFRESH, "GET /api/auth/me/"]);
});

test("A refresh whose answer was lost is tried again in time to be answered once more, and the session goes on", async () => {
  const front = await openFront(served.origin, "drop-after");
  const api = createClient({ url: front.origin, tokens: await tokensWith({ expiresAt: 0 }), retry: soon });
  expect(await api.me()).toMatchObject({ role: "clinician" });
  expect(front.seen.map(({ line }) => line)).toEqual([REFRESH, REFRESH, "GET /api/auth/me/"]);
  const [session] = await query(
    inject("cloud").ownerUrl,
    "SELECT ended_at FROM sessions s JOIN refresh_tokens t ON t.session_id = s.id WHERE token_hash = encode(sha256($1::text::bytea), 'hex')",
    [JSON.parse(front.seen[0]?.body ?? "").refresh],
  );
  expect(session).toEqual({ ended_at: null });
});

test("One that gives up waiting for the refresh does not stop it for the others", async () => {
  const api = createClient({ url: served.origin, tokens: await tokensWith({ expiresAt: 0 }) });
  const impatient = new AbortController();
  const given = api.me({ signal: impatient.signal });
  const other = api.me();
  impatient.abort(new Error("enough"));
  await expect(given).rejects.toThrow("enough");
  expect(await other).toMatchObject({ role: "clinician" });
});

test("Logging in is sent once, whatever happens to it", async () => {
  const front = await openFront(served.origin, "drop-before", { status: 503 });
  const api = createClient({ url: front.origin, retry: soon });
  const credentials = { username: "ada", password: "x" };
  await expect(api.login(credentials)).rejects.toMatchObject({ status: 0 });
  await expect(api.login(credentials)).rejects.toMatchObject({ status: 503 });
  expect(front.seen).toHaveLength(2);
});

test("Logging out ends the session here even when the API cannot be reached", async () => {
  const front = await openFront(served.origin, ...Array.from({ length: 5 }, () => "drop-before" as const));
  const api = createClient({ url: front.origin, tokens: await tokensWith({}), retry: soon });
  await expect(api.logout()).rejects.toMatchObject({ status: 0 });
  expect(api.tokens).toBeUndefined();
});

test("Logging out of a session that is over already is no problem", async () => {
  const tokens = await tokensWith({});
  await createClient({ url: served.origin, tokens }).logout();
  const api = createClient({ url: served.origin, tokens });
  await api.logout();
  expect(api.tokens).toBeUndefined();
});
