import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Tokens } from "../../client/index.ts";
import { serveApi } from "../support/serve-api.ts";
import { isRefresh, openTabs, REFRESH } from "./shared-session.ts";
import { PASSWORD, slowDatabase, unique } from "./support.ts";

const served = await serveApi(slowDatabase);
afterAll(() => served.stop());

describe.each(["with navigator.locks", "without navigator.locks"])("%s", (platform) => {
  beforeAll(() => {
    if (platform === "without navigator.locks") vi.stubGlobal("navigator", {});
    else expect(navigator).toHaveProperty("locks");
    return () => vi.unstubAllGlobals();
  });

  test("a client takes over the pair that another one has stored, and exchanges nothing", async () => {
    const { tabs, store, refreshes } = await openTabs(served.origin, 2);
    const [one, other] = tabs;
    await one?.me();
    expect(refreshes()).toBe(1);
    expect(await other?.me()).toMatchObject({ role: "clinician" });
    expect(refreshes()).toBe(1);
    expect(other?.tokens).toEqual(one?.tokens);
    expect(store.saved).toEqual([one?.tokens]);
  });

  test("a client whose access token the API refuses takes over the stored pair and repeats the call", async () => {
    const { tabs, gateway } = await openTabs(served.origin, 2, { access: "no.such.token" });
    await tabs[0]?.refresh();
    await tabs[1]?.me();
    expect(gateway.requests.map(({ line }) => line)).toEqual([
      REFRESH,
      "GET /api/auth/me/",
      "GET /api/auth/me/",
    ]);
  });

  test("a stored pair that has expired as well is exchanged, not the older one of the client", async () => {
    const { tabs, store, gateway } = await openTabs(served.origin, 2);
    await tabs[0]?.refresh();
    const newer = { ...(store.tokens as Tokens), expiresAt: 0 };
    store.tokens = newer;
    await tabs[1]?.me();
    const exchanged = gateway.requests.filter(isRefresh).map(({ body }) => JSON.parse(body).refresh);
    expect(exchanged[1]).toBe(newer.refresh);
    expect(store.tokens).not.toEqual(newer);
  });

  test("after another client's logout a call throws 401, sends nothing, and the client has no session", async () => {
    const { tabs, gateway, store } = await openTabs(served.origin, 2);
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
    const { tabs, gateway, store } = await openTabs(served.origin, 2);
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
    const { tabs, owner } = await openTabs(served.origin, 2, {});
    await tabs[0]?.changePassword({ current: PASSWORD, new: "another horse entirely" });
    expect(await tabs[1]?.me()).toEqual(await tabs[0]?.me());
    await expect(owner.me()).rejects.toMatchObject({ status: 401 });
  });

  test("a logout ends the session of the stored tokens, also when the client's own are older", async () => {
    const { tabs, store, open } = await openTabs(served.origin, 2);
    await tabs[0]?.refresh();
    const stored = store.tokens as Tokens;
    await tabs[1]?.logout();
    expect(store.tokens).toBeUndefined();
    const stolen = open({ tokens: stored, loadTokens: undefined, onTokens: undefined });
    await expect(stolen.me()).rejects.toMatchObject({ status: 401 });
  });

  test("a loadTokens that throws fails the call with its error; nothing is exchanged, and the session stays", async () => {
    const failure = new Error("The storage is locked.");
    const { open, tokens, refreshes, store } = await openTabs(served.origin, 0);
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
    const { open, tokens, store, gateway, refreshes } = await openTabs(served.origin, 0);
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
    const { open, store } = await openTabs(served.origin, 0, {});
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
    const { open, owner, refreshes } = await openTabs(served.origin, 0, {});
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
