import { afterAll, beforeAll, describe, expect, inject, test, vi } from "vitest";
import { type ClientOptions, createClient, type Tokens } from "../../client/index.ts";
import { query } from "../ops/support.ts";
import { serveApi } from "../support/serve-api.ts";
import { openGateway } from "./gateway.ts";
import { PASSWORD, signUp, slowDatabase, unique } from "./support.ts";

// Several clients that store the tokens of one session in one place, as the tabs of a browser do.

const served = await serveApi(slowDatabase);
afterAll(() => served.stop());

const REFRESH = "POST /api/auth/refresh/";
const isRefresh = ({ line }: { line: string }) => line === REFRESH;

/** The stored tokens, and functions for the options of clients that share them. */
function openStore(tokens: Tokens | undefined) {
  const store = {
    tokens,
    saved: [] as (Tokens | undefined)[],
    loadTokens: async () => store.tokens && structuredClone(store.tokens),
    onTokens: async (next: Tokens | undefined) => {
      store.saved.push(next);
      store.tokens = next;
    },
  };
  return store;
}

/** A new session whose access token has expired, clients that share it, and what they send. */
async function openTabs(count: number, changes: Partial<Tokens> = { expiresAt: 0 }) {
  const owner = await signUp(served.origin);
  const tokens = { ...(owner.tokens as Tokens), ...changes };
  const store = openStore(tokens);
  const gateway = await openGateway(served.origin);
  const { loadTokens, onTokens } = store;
  const open = (options: Partial<ClientOptions> = {}) =>
    createClient({ url: gateway.origin, retry: { delay: 1 }, tokens, loadTokens, onTokens, ...options });
  const tabs = Array.from({ length: count }, () => open());
  const refreshes = () => gateway.requests.filter(isRefresh).length;
  return { owner, tokens, store, gateway, open, tabs, refreshes };
}

describe.each(["with navigator.locks", "without navigator.locks"])("%s", (platform) => {
  beforeAll(() => {
    if (platform === "without navigator.locks") vi.stubGlobal("navigator", {});
    else expect(navigator).toHaveProperty("locks");
    return () => vi.unstubAllGlobals();
  });

  test("a client takes over the pair that another one has stored, and exchanges nothing", async () => {
    const { tabs, store, refreshes } = await openTabs(2);
    const [one, other] = tabs;
    await one?.me();
    expect(refreshes()).toBe(1);
    expect(await other?.me()).toMatchObject({ role: "clinician" });
    expect(refreshes()).toBe(1);
    expect(other?.tokens).toEqual(one?.tokens);
    expect(store.saved).toEqual([one?.tokens]);
  });

  test("a client whose access token the API refuses takes over the stored pair and repeats the call", async () => {
    const { tabs, gateway } = await openTabs(2, { access: "no.such.token" });
    await tabs[0]?.refresh();
    await tabs[1]?.me();
    expect(gateway.requests.map(({ line }) => line)).toEqual([
      REFRESH,
      "GET /api/auth/me/",
      "GET /api/auth/me/",
    ]);
  });

  test("a stored pair that has expired as well is exchanged, not the older one of the client", async () => {
    const { tabs, store, gateway } = await openTabs(2);
    await tabs[0]?.refresh();
    const newer = { ...(store.tokens as Tokens), expiresAt: 0 };
    store.tokens = newer;
    await tabs[1]?.me();
    const exchanged = gateway.requests.filter(isRefresh).map(({ body }) => JSON.parse(body).refresh);
    expect(exchanged[1]).toBe(newer.refresh);
    expect(store.tokens).not.toEqual(newer);
  });

  test("after another client's logout a call throws 401, sends nothing, and the client has no session", async () => {
    const { tabs, gateway, store } = await openTabs(2);
    await tabs[0]?.logout();
    const sent = gateway.requests.length;
    await expect(tabs[1]?.me()).rejects.toMatchObject({
      name: "ProblemError",
      status: 401,
      detail: "The session has ended: another tab has logged out. Log in again.",
    });
    expect(gateway.requests).toHaveLength(sent);
    expect(tabs[1]?.tokens).toBeUndefined();
    expect(store.saved).toEqual([undefined, undefined]);
    await tabs[1]?.logout();
    expect(gateway.requests).toHaveLength(sent);
  });

  test("after another account's login a call throws 401 once, is not sent as that account, and its tokens stay stored", async () => {
    const { tabs, gateway, store } = await openTabs(2);
    const username = unique("user-");
    await tabs[0]?.register({ username, email: `${username}@example.org`, password: PASSWORD });
    await tabs[0]?.login({ username, password: PASSWORD });
    const sent = gateway.requests.length;
    await expect(tabs[1]?.me()).rejects.toMatchObject({
      status: 401,
      detail: expect.stringContaining("Another account has logged in"),
    });
    await tabs[1]?.logout();
    expect(gateway.requests).toHaveLength(sent);
    expect(store.tokens).toEqual(tabs[0]?.tokens);
    await expect(tabs[1]?.me()).rejects.toMatchObject({ status: 401 });
    expect(await tabs[0]?.me()).toMatchObject({ username });
  });

  test("after another client's change of the password, a client continues in the new session", async () => {
    const { tabs, owner } = await openTabs(2, {});
    await tabs[0]?.changePassword({ current: PASSWORD, new: "another horse entirely" });
    expect(await tabs[1]?.me()).toEqual(await tabs[0]?.me());
    await expect(owner.me()).rejects.toMatchObject({ status: 401 });
  });

  test("a logout ends the session of the stored tokens, also when the client's own are older", async () => {
    const { tabs, store, open } = await openTabs(2);
    await tabs[0]?.refresh();
    const stored = store.tokens as Tokens;
    await tabs[1]?.logout();
    expect(store.tokens).toBeUndefined();
    const stolen = open({ tokens: stored, loadTokens: undefined, onTokens: undefined });
    await expect(stolen.me()).rejects.toMatchObject({ status: 401 });
  });

  test("a loadTokens that throws fails the call with its error; nothing is exchanged, and the session stays", async () => {
    const failure = new Error("The storage is locked.");
    const { open, tokens, refreshes, store } = await openTabs(0);
    for (const loadTokens of [
      () => Promise.reject(failure),
      () => {
        throw failure;
      },
    ]) {
      const api = open({ loadTokens });
      await expect(api.me()).rejects.toBe(failure);
      expect(api.tokens).toEqual(tokens);
    }
    expect(refreshes()).toBe(0);
    expect(store.saved).toEqual([]);
  });

  test("an onTokens that throws fails the calls that wait; the client keeps the new pair and ignores the older stored one", async () => {
    const failure = new Error("The storage is full.");
    const { open, tokens, store, gateway, refreshes } = await openTabs(0);
    const onTokens = vi.fn<(tokens: Tokens | undefined) => Promise<void>>(store.onTokens);
    onTokens.mockRejectedValueOnce(failure);
    const api = open({ onTokens });
    await expect(Promise.allSettled([api.me(), api.me()])).resolves.toMatchObject([
      { reason: failure },
      { reason: failure },
    ]);
    const kept = api.tokens as Tokens;
    expect(kept.refresh).not.toBe(tokens.refresh);
    expect(store.tokens).toEqual(tokens);
    await api.me();
    await api.refresh();
    const exchanged = gateway.requests.filter(isRefresh).map(({ body }) => JSON.parse(body).refresh);
    expect(exchanged).toEqual([tokens.refresh, kept.refresh]);
    expect(store.tokens).toEqual(api.tokens);
    expect(refreshes()).toBe(2);
  });

  test("saves of an asynchronous onTokens do not overtake each other, and a login waits for its save", async () => {
    const { open, store } = await openTabs(0, {});
    const first = Promise.withResolvers<void>();
    const onTokens = vi.fn(async (next: Tokens | undefined) => {
      if (onTokens.mock.calls.length === 1) await first.promise;
      await store.onTokens(next);
    });
    const api = open({ onTokens });
    const { username } = await api.me();
    const refresh = api.refresh();
    await vi.waitFor(() => expect(onTokens).toHaveBeenCalledTimes(1));
    const login = api.login({ username, password: PASSWORD });
    await vi.waitFor(() => expect(api.tokens).not.toEqual(onTokens.mock.calls[0]?.[0]));
    expect(onTokens).toHaveBeenCalledTimes(1);
    first.resolve();
    await Promise.all([refresh, login]);
    expect(store.saved).toHaveLength(2);
    expect(store.tokens).toEqual(api.tokens);
  });

  test("without tokens, the first call reads the stored ones", async () => {
    const { open, owner, refreshes } = await openTabs(0, {});
    const api = open({ tokens: undefined });
    expect(api.tokens).toBeUndefined();
    expect(await api.me()).toEqual(await owner.me());
    expect(refreshes()).toBe(0);
    const loggedOut = open({ tokens: undefined, loadTokens: () => null });
    await expect(loggedOut.me()).rejects.toMatchObject({
      detail: expect.stringContaining("An access token is required"),
    });
  });
});

test("with navigator.locks, concurrent calls of 3 clients exchange the refresh token once", async () => {
  const { tabs, refreshes, store } = await openTabs(3);
  await Promise.all([...tabs, ...tabs].map((api) => api.me()));
  expect(refreshes()).toBe(1);
  expect(new Set(tabs.map(({ tokens }) => tokens?.access)).size).toBe(1);
  expect(store.saved).toHaveLength(1);
});

test("without navigator.locks, 2 clients that exchange the same refresh token both continue, within the grace period", async () => {
  vi.stubGlobal("navigator", {});
  const { tabs, refreshes, tokens } = await openTabs(2);
  const accounts = await Promise.all(tabs.map((api) => api.me()));
  vi.unstubAllGlobals();
  expect(new Set(accounts.map(({ id }) => id)).size).toBe(1);
  expect(refreshes()).toBe(2);
  expect(tabs[0]?.tokens?.refresh).toBe(tabs[1]?.tokens?.refresh);
  expect(await sessionEnd(tokens)).toBeNull();
});

test("without navigator.locks, a refused refresh does not end the session that another client has stored meanwhile", async () => {
  vi.stubGlobal("navigator", {});
  const { tabs, store, owner, gateway } = await openTabs(1);
  const other = createClient({ url: served.origin });
  await other.login({ username: (await owner.me()).username, password: PASSWORD });
  gateway.failNext(isRefresh, {
    status: 401,
    headers: { "Content-Type": "application/problem+json" },
    body: JSON.stringify({ code: "refresh_token_invalid" }),
  });
  const refused = gateway.reached("received", isRefresh);
  const call = tabs[0]?.me();
  await refused;
  store.tokens = other.tokens;
  await expect(call).resolves.toMatchObject({ role: "clinician" });
  vi.unstubAllGlobals();
  expect(store.saved).toEqual([]);
  expect(tabs[0]?.tokens).toEqual(other.tokens);
});

test("a client waits for another one with the same lockName, and not for one with another name", async () => {
  const { open, gateway } = await openTabs(0);
  const saving = Promise.withResolvers<void>();
  const hook = Promise.withResolvers<void>();
  const onTokens = () => {
    hook.resolve();
    return saving.promise;
  };
  const blocking = open({ lockName: "one", onTokens }).me();
  await hook.promise;
  const { tabs } = await openTabs(1);
  const sameTokens = { ...(tabs[0]?.tokens as Tokens) };
  const own = { tokens: sameTokens, loadTokens: () => sameTokens };
  expect(await open({ ...own, lockName: "other" }).me()).toMatchObject({ role: "clinician" });
  const waiting = open({ ...own, lockName: "one" });
  const call = waiting.me();
  const sent = gateway.requests.length;
  await expect(
    Promise.race([
      call,
      open({ ...own, lockName: "third" })
        .me()
        .then(() => "the other client"),
    ]),
  ).resolves.toBe("the other client");
  expect(gateway.requests.slice(sent).filter(isRefresh)).toHaveLength(1);
  saving.resolve();
  await Promise.all([blocking, call]);
});

/** When the session of these tokens has ended. */
async function sessionEnd({ refresh }: Tokens): Promise<unknown> {
  const [session] = await query(
    inject("database").ownerUrl,
    "SELECT ended_at FROM sessions s JOIN refresh_tokens t ON t.session_id = s.id WHERE token_hash = encode(sha256($1::text::bytea), 'hex')",
    [refresh],
  );
  return session?.["ended_at"];
}
