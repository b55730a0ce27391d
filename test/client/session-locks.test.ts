import { afterAll, expect, inject, test, vi } from "vitest";
import { createClient, type Tokens } from "../../client/index.ts";
import { query } from "../ops/support.ts";
import { serveApi } from "../support/serve-api.ts";
import { isRefresh, openTabs } from "./shared-session.ts";
import { PASSWORD, slowDatabase } from "./support.ts";

// What differs with and without `navigator.locks`.

const served = await serveApi(slowDatabase);
afterAll(() => served.stop());

test("with navigator.locks, concurrent calls of 3 clients exchange the refresh token once", async () => {
  const { tabs, refreshes, store } = await openTabs(served.origin, 3);
  await Promise.all([...tabs, ...tabs].map((api) => api.me()));
  expect(refreshes()).toBe(1);
  expect(new Set(tabs.map(({ tokens }) => tokens?.access)).size).toBe(1);
  expect(store.saved).toHaveLength(1);
});

test("a refresh whose lock another script steals still ends with the new pair, and its call succeeds", async () => {
  const { open, store, gateway } = await openTabs(served.origin, 0);
  const processed = gateway.reached("processed", isRefresh);
  const saving = Promise.withResolvers<void>();
  const onTokens = async (next: Tokens | undefined) => {
    await saving.promise;
    await store.onTokens(next);
  };
  const api = open({ lockName: "stolen", onTokens });
  const call = api.me();
  await processed;
  await Object(navigator).locks.request("stolen", { steal: true }, async () => {});
  saving.resolve();
  await expect(call).resolves.toMatchObject({ role: "clinician" });
  expect(store.tokens).toEqual(api.tokens);
});

test("without navigator.locks, 2 clients that exchange the same refresh token both continue, within the grace period", async () => {
  vi.stubGlobal("navigator", {});
  const { tabs, refreshes, tokens } = await openTabs(served.origin, 2);
  const accounts = await Promise.all(tabs.map((api) => api.me()));
  vi.unstubAllGlobals();
  expect(new Set(accounts.map(({ id }) => id)).size).toBe(1);
  expect(refreshes()).toBe(2);
  expect(tabs[0]?.tokens?.refresh).toBe(tabs[1]?.tokens?.refresh);
  expect(await sessionEnd(tokens)).toBeNull();
});

test("without navigator.locks, a refused refresh does not end the session that another client has stored meanwhile", async () => {
  vi.stubGlobal("navigator", {});
  const { tabs, store, owner, gateway } = await openTabs(served.origin, 1);
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
  const { open, gateway } = await openTabs(served.origin, 0);
  const saving = Promise.withResolvers<void>();
  const hook = Promise.withResolvers<void>();
  const onTokens = () => {
    hook.resolve();
    return saving.promise;
  };
  const blocking = open({ lockName: "one", onTokens }).me();
  await hook.promise;
  const { tabs } = await openTabs(served.origin, 1);
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
