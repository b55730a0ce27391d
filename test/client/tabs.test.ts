import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { build } from "esbuild";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createClient, type Tokens } from "../../client/index.ts";
import { executable, launch } from "../support/browser.ts";
import { type ServedApi, serveApi } from "../support/serve-api.ts";
import { openGateway } from "./gateway.ts";
import { PASSWORD, signUp, slowDatabase } from "./support.ts";

// The client in real tabs: two pages of one origin with the same localStorage and the browser's own locks.

const isRefresh = ({ line }: { line: string }) => line === "POST /api/auth/refresh/";

/** The program of a page. The gateway of the test is in the page's query. */
const program = `
  import { createClient } from "./client/index.ts";
  globalThis.api = createClient({
    url: new URL(location.href).searchParams.get("url"),
    retry: { delay: 1 },
    loadTokens: async () => JSON.parse(localStorage.getItem("session")),
    onTokens: async (tokens) =>
      tokens ? localStorage.setItem("session", JSON.stringify(tokens)) : localStorage.removeItem("session"),
  });
  globalThis.messageOf = (call) => call.then(() => "done", ({ status, message }) => status + " " + message);`;

/** Serves an empty page with the program. */
async function servePages() {
  const { outputFiles } = await build({
    stdin: { contents: program, resolveDir: join(import.meta.dirname, "..", "..") },
    ...{ bundle: true, format: "esm", write: false },
  });
  const html = `<!doctype html><title>A tab</title><script type="module">${outputFiles[0]?.text}</script>`;
  const server = createServer((_, response) => response.setHeader("Content-Type", "text/html").end(html));
  await once(server.listen(0, "127.0.0.1"), "listening");
  return { server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

describe.skipIf(!executable)("two tabs of a browser with one session", () => {
  let browser: Browser;
  let pages: Awaited<ReturnType<typeof servePages>>;
  let served: ServedApi;
  beforeAll(async () => {
    [browser, pages] = await Promise.all([launch(), servePages()]);
    served = await serveApi({ ...slowDatabase, CORS_ORIGINS: pages.origin });
  });
  afterAll(async () => {
    await Promise.all([browser?.close(), served?.stop()]);
    pages?.server.close();
  });

  /** A new session whose access token has expired, in the localStorage of tabs that are opened. */
  async function openTabs(count: number) {
    const owner = await signUp(served.origin);
    const gateway = await openGateway(served.origin);
    const context = await browser.newContext();
    const tokens = { ...(owner.tokens as Tokens), expiresAt: 0 };
    await storeTokens(context, tokens);
    const tabs: Page[] = [];
    for (let i = 0; i < count; i += 1) tabs.push(await openTab(context, gateway.origin));
    const [one, other] = tabs as [Page, Page];
    return { owner, gateway, context, one, other, tokens };
  }

  async function storeTokens(context: BrowserContext, tokens: Tokens) {
    const page = await context.newPage();
    await page.goto(`${pages.origin}/?url=${served.origin}`);
    await page.evaluate(`localStorage.setItem("session", ${JSON.stringify(JSON.stringify(tokens))})`);
    await page.close();
  }

  async function openTab(context: BrowserContext, url: string): Promise<Page> {
    const page = await context.newPage();
    await page.goto(`${pages.origin}/?url=${url}`);
    await page.waitForFunction("globalThis.api");
    return page;
  }

  const callMe = (page: Page): Promise<string> => page.evaluate("messageOf(api.me())");
  const tokensIn = (page: Page): Promise<Tokens> => page.evaluate("api.tokens");
  const storedTokens = (page: Page): Promise<Tokens | null> =>
    page.evaluate('JSON.parse(localStorage.getItem("session"))');

  // Each tab exchanges at most once. The second one usually finds the pair of the first, but Chromium passes a change of
  // localStorage to the process of another tab with a delay: then it exchanges too, and gets the same successor.
  test("concurrent calls in both tabs succeed, and both tabs have the same next refresh token", async () => {
    const { gateway, one, other, tokens } = await openTabs(2);
    expect(await Promise.all([one, other, one, other].map(callMe))).toEqual(Array(4).fill("done"));
    expect(gateway.requests.filter(isRefresh).length).toBeLessThanOrEqual(2);
    const { refresh } = await tokensIn(one);
    expect(refresh).not.toBe(tokens.refresh);
    expect((await tokensIn(other)).refresh).toBe(refresh);
    expect((await storedTokens(one))?.refresh).toBe(refresh);
  });

  test("while one tab waits for its refresh, the other one waits for the lock and exchanges nothing", async () => {
    const { gateway, one, other } = await openTabs(2);
    gateway.failNext(isRefresh, { status: 503 });
    const received = gateway.reached("received", isRefresh);
    const first = callMe(one);
    await received;
    expect(await Promise.all([first, callMe(other)])).toEqual(["done", "done"]);
    expect(gateway.requests.filter(isRefresh)).toHaveLength(2); // both of the first tab: 503, then its retry
    expect(await tokensIn(one)).toEqual(await tokensIn(other));
  });

  test("when a tab is closed during its refresh, the other tab gets the lock and the successor of the spent token", async () => {
    const { gateway, one, other, tokens } = await openTabs(2);
    gateway.failNext(isRefresh, "hang-after");
    const processed = gateway.reached("processed", isRefresh);
    const closed = callMe(one).catch(() => "closed");
    await processed;
    const waiting = callMe(other);
    await one.close();
    expect(await closed).toBe("closed");
    expect(await waiting).toBe("done");
    const exchanged = gateway.requests.filter(isRefresh).map(({ body }) => JSON.parse(body).refresh);
    expect(exchanged).toEqual([tokens.refresh, tokens.refresh]);
    expect(await storedTokens(other)).toEqual(await tokensIn(other));
  });

  test("after a logout in one tab, a call of the other throws 401, sends nothing, and stores nothing", async () => {
    const { gateway, one, other } = await openTabs(2);
    expect(await callMe(one)).toBe("done");
    expect(await callMe(other)).toBe("done");
    await one.evaluate("api.logout()");
    const sent = gateway.requests.length;
    const refused = "401 The session has ended: another tab has logged out. Log in again.";
    expect(await other.evaluate("messageOf(api.refresh())")).toBe(refused);
    expect(gateway.requests).toHaveLength(sent);
    expect(await storedTokens(other)).toBeNull();
  });

  test("after a change of the password in one tab, the other one continues in the new session", async () => {
    const { owner, one, other } = await openTabs(2);
    const { username } = await owner.me();
    expect(await Promise.all([one, other].map(callMe))).toEqual(["done", "done"]);
    const change = JSON.stringify({ current: PASSWORD, new: "another horse entirely" });
    await one.evaluate(`api.changePassword(${change})`);
    expect(await other.evaluate("api.me().then((account) => account.username)")).toBe(username);
    const outside = createClient({ url: served.origin, tokens: owner.tokens });
    await expect(outside.me()).rejects.toMatchObject({ status: 401 });
  });
});
