import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { executable, launch, openPage, overhang } from "../../support/browser.ts";
import { type ServedPage, servePage } from "../../support/serve-page.ts";

const TIMEOUT = 300_000; // only against hanging: a browser on a busy machine may take a minute

let api: ServedPage;
let browser: Browser | undefined;
beforeAll(async () => {
  [api, browser] = await Promise.all([servePage(), executable ? launch() : undefined]);
}, TIMEOUT);
afterAll(() => Promise.all([api?.stop(), browser?.close()]));

test.each([
  ["/", "/docs/"],
  ["/docs", "/docs/"],
])("GET %s redirects to the API reference", async (path, target) => {
  const response = await fetch(`${api.origin}${path}`, { redirect: "manual" });
  expect([response.status >= 300 && response.status < 400, response.headers.get("Location")]).toEqual([
    true,
    target,
  ]);
});

test.each([
  "/",
  "/docs",
  "/docs/",
  "/docs/index.html",
  "/docs/page.css",
  "/openapi.json",
  "/nothing",
  "/healthz",
])("GET %s requires TLS for a year", async (path) => {
  const { headers } = await fetch(`${api.origin}${path}`, { redirect: "manual" });
  expect(headers.get("Strict-Transport-Security")).toBe("max-age=31536000; includeSubDomains");
});

test("GET /docs/ has a policy that lets the page load its own files only", async () => {
  const { status, headers } = await fetch(`${api.origin}/docs/`);
  expect([status, headers.get("Content-Type")]).toEqual([200, "text/html; charset=utf-8"]);
  const policy = headers.get("Content-Security-Policy")?.split("; ").sort();
  expect(policy).toEqual([
    "base-uri 'none'",
    "connect-src 'self'",
    "default-src 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "img-src 'self' data:",
    "script-src 'self'",
    "style-src 'self'",
  ]);
  expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
});

test("GET /openapi.json can be read by pages of any origin", async () => {
  const response = await fetch(`${api.origin}/openapi.json`);
  expect(response.headers.get("Access-Control-Allow-Origin")).toBe("*");
  expect(await response.json()).toMatchObject({ openapi: "3.1.1", servers: [{ url: "/" }] });
});

test.each(["/docs/nothing", "/nothing", "/api/nothing/"])("GET %s returns the API's 404", async (path) => {
  const response = await fetch(`${api.origin}${path}`);
  expect([response.status, response.headers.get("Content-Type")]).toEqual([404, "application/problem+json"]);
});

if (!executable)
  process.stderr.write("\nSKIPPED: the API reference in a browser. This machine has no browser.\n\n");

/** The API reference, opened from the root and drawn. */
async function openReference(width: number) {
  if (!browser) throw new Error("There is no browser.");
  const opened = await openPage(browser, width, api.origin);
  opened.page.setDefaultTimeout(TIMEOUT);
  await opened.page.goto(`${api.origin}/`);
  await opened.page.locator(".opblock").first().waitFor();
  // Chromium ignores keys until it has drawn a new page for the first time.
  await opened.page.evaluate(
    "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))",
  );
  return opened;
}

/** The API's response in an operation, as soon as it is shown. */
async function responseOf(operation: Locator): Promise<string> {
  await operation.locator(".live-responses-table .response-col_status").last().waitFor();
  return (await operation.locator(".live-responses-table").textContent()) ?? "";
}

/** Opens an operation, sends its request, and returns its response. */
async function sendRequest(page: Page, id: string, body?: unknown): Promise<string> {
  const operation = page.locator(`#operations-${id}`);
  const summary = operation.locator(".opblock-summary-control");
  if ((await summary.getAttribute("aria-expanded")) !== "true") await summary.click();
  if (body) await operation.locator("textarea").first().fill(JSON.stringify(body));
  await operation.locator(".execute").click();
  return responseOf(operation);
}

describe.skipIf(!executable)("the API reference in a desktop browser", { timeout: TIMEOUT }, () => {
  let page: Page;
  let complaints: string[];
  beforeAll(async () => {
    ({ page, complaints } = await openReference(1200));
  }, TIMEOUT);

  test("the keyboard alone is enough to reach an operation, open it and send its request", async () => {
    const operation = page.locator("#operations-Service-health");
    await pressTabUntil(page, "#operations-Service-health .opblock-summary-control");
    await page.keyboard.press("Enter");
    await operation.locator(".execute").waitFor(); // Tab would pass by what is not there yet
    await pressTabUntil(page, "#operations-Service-health .execute");
    await page.keyboard.press("Enter");
    expect(await responseOf(operation)).toContain('"status": "ok"');
    expect(complaints).toEqual([]);
  });

  test("a visitor registers, logs in, sends a request and sees the response", async () => {
    expect(new URL(page.url()).pathname).toBe("/docs/");
    const password = "correct horse battery";
    const username = `page-${crypto.randomUUID()}`;
    const registered = await sendRequest(page, "Accounts-register", {
      username,
      password,
      email: "ada@example.org",
    });
    expect(registered).toContain("201");
    await page.getByRole("status").getByRole("link").click();
    await page.locator("#operations-Accounts-login .execute").waitFor();
    expect(await sendRequest(page, "Accounts-login", { username, password })).toContain("200");
    await page.getByRole("status").getByText("Logged in").waitFor();
    const created = await sendRequest(page, "Patients-createPatient");
    expect(created).toContain("201");
    expect(created).toContain('"lastname": "Hopper"');
    expect(await sendRequest(page, "Patients-listPatients")).toContain('"email": "grace@example.org"');
    expect(complaints).toEqual([]);
    // For the README: SCREENSHOT=openapi/screenshot.png npx vitest run test/local/openapi
    const path = process.env["SCREENSHOT"];
    if (path) await takeScreenshot(page, path);
  });
});

test.skipIf(!executable)(
  "the API reference fits a phone's width and sends requests there",
  { timeout: TIMEOUT },
  async () => {
    const { page, complaints } = await openReference(375);
    expect(await overhang(page)).toBe(0);
    expect(await sendRequest(page, "Service-health")).toContain("200");
    await page.locator("#operations-Patients-createPatient .opblock-summary-control").click();
    const execute = page.locator("#operations-Patients-createPatient .execute");
    await execute.scrollIntoViewIfNeeded();
    const box = await execute.boundingBox();
    expect(box && box.x >= 0 && box.x + box.width <= 375 && box.height >= 24).toBe(true);
    expect(await overhang(page)).toBe(0);
    expect(complaints).toEqual([]);
  },
);

/** Takes a screenshot of the listed patients. */
async function takeScreenshot(page: Page, path: string): Promise<void> {
  await page.setViewportSize({ width: 1200, height: 1000 });
  await page
    .locator("#operations-Patients-listPatients")
    .evaluate("(operation) => operation.scrollIntoView()");
  await page.screenshot({ path });
}

/**
 * Presses Tab until the element that `selector` finds has the focus, and checks that the focus is visible.
 *
 * @throws when the focus has left the page's last element without that
 */
async function pressTabUntil(page: Page, selector: string): Promise<void> {
  const state = `({
    isThere: document.activeElement.matches(${JSON.stringify(selector)}),
    isNowhere: document.activeElement === document.body,
    outline: getComputedStyle(document.activeElement).outlineStyle,
  })`;
  for (let wasSomewhere = false; ; ) {
    await page.keyboard.press("Tab");
    const { isThere, isNowhere, outline } = await page.evaluate<Record<string, unknown>>(state);
    if (isThere) return expect(outline).not.toBe("none");
    if (isNowhere && wasSomewhere) throw new Error(`The Tab key does not reach ${selector}.`);
    wasSomewhere ||= !isNowhere;
  }
}
