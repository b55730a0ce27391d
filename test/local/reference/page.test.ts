import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { executable, launch, openPage, overhang } from "../../support/browser.ts";
import { type ServedPage, servePage } from "../../support/serve-page.ts";

let api: ServedPage;
beforeAll(async () => {
  api = await servePage();
}, 60_000);
afterAll(() => api?.stop());

test.each([
  ["/", "/docs/"],
  ["/docs", "/docs/"],
])("%s leads to the reference", async (path, target) => {
  const answer = await fetch(`${api.origin}${path}`, { redirect: "manual" });
  expect([answer.status >= 300 && answer.status < 400, answer.headers.get("Location")]).toEqual([
    true,
    target,
  ]);
});

test("the page may run what comes with it, and nothing else", async () => {
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

test("the document is there for pages of any origin", async () => {
  const answer = await fetch(`${api.origin}/openapi.json`);
  expect(answer.headers.get("Access-Control-Allow-Origin")).toBe("*");
  expect(await answer.json()).toMatchObject({ openapi: "3.1.1", servers: [{ url: "/" }] });
});

test.each(["/docs/nothing", "/nothing", "/api/nothing/"])("%s is still the API's to answer", async (path) => {
  const answer = await fetch(`${api.origin}${path}`);
  expect([answer.status, answer.headers.get("Content-Type")]).toEqual([404, "application/problem+json"]);
});

if (!executable)
  process.stderr.write("\nLEFT OUT: the reference in a browser, for this machine has none.\n\n");

// A browser beside all other tests takes its time; and a key that is pressed while the page draws a button anew is lost.
describe.skipIf(!executable)("the reference in a browser", { timeout: 60_000, retry: 1 }, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());

  /** The reference, opened from the root. */
  async function open(width: number) {
    const opened = await openPage(browser, width, api.origin);
    await opened.page.goto(`${api.origin}/`);
    await opened.page.locator(".opblock").first().waitFor();
    return opened;
  }

  /** The answer of the API that an operation shows, once it does. */
  async function answerOf(operation: Locator): Promise<string> {
    await operation.locator(".live-responses-table .response-col_status").last().waitFor();
    return (await operation.locator(".live-responses-table").textContent()) ?? "";
  }

  /** Opens an operation, sends its request, and gives back the answer that it shows. */
  async function send(page: Page, id: string, body?: unknown): Promise<string> {
    const operation = page.locator(`#operations-${id}`);
    const summary = operation.locator(".opblock-summary-control");
    if ((await summary.getAttribute("aria-expanded")) !== "true") await summary.click();
    if (body) await operation.locator("textarea").first().fill(JSON.stringify(body));
    await operation.locator(".execute").click();
    return answerOf(operation);
  }

  test("one registers, logs in, sends a request and sees the answer", async () => {
    const { page, complaints } = await open(1200);
    expect(page.url()).toBe(`${api.origin}/docs/`);
    const password = "correct horse battery";
    const username = `page-${crypto.randomUUID()}`;
    const registered = await send(page, "Accounts-register", {
      username,
      password,
      email: "ada@example.org",
    });
    expect(registered).toContain("201");
    await page.getByRole("status").getByRole("link").click();
    await page.locator("#operations-Accounts-login .execute").waitFor();
    expect(await send(page, "Accounts-login", { username, password })).toContain("200");
    await page.getByRole("status").getByText("Logged in").waitFor();
    const created = await send(page, "Patients-createPatient");
    expect(created).toContain("201");
    expect(created).toContain('"lastname": "Hopper"');
    expect(await send(page, "Patients-listPatients")).toContain('"email": "grace@example.org"');
    expect(complaints).toEqual([]);
    // For the README: SCREENSHOT=reference/screenshot.png npx vitest run test/local/reference
    const path = process.env["SCREENSHOT"];
    if (path) await show(page, path);
    await page.close();
  });

  test("it is usable at the width of a phone", async () => {
    const { page, complaints } = await open(375);
    expect(await overhang(page)).toBe(0);
    expect(await send(page, "Service-health")).toContain("200");
    await page.locator("#operations-Patients-createPatient .opblock-summary-control").click();
    const execute = page.locator("#operations-Patients-createPatient .execute");
    await execute.scrollIntoViewIfNeeded();
    const box = await execute.boundingBox();
    expect(box && box.x >= 0 && box.x + box.width <= 375 && box.height >= 24).toBe(true);
    expect(await overhang(page)).toBe(0);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test("by keyboard alone one reaches an operation, opens it and sends its request", async () => {
    const { page, complaints } = await open(1200);
    const operation = page.locator("#operations-Service-health");
    await tabTo(page, "#operations-Service-health .opblock-summary-control");
    await page.keyboard.press("Enter");
    await operation.locator(".execute").waitFor(); // Tab would pass by what is not there yet
    await tabTo(page, "#operations-Service-health .execute");
    await page.keyboard.press("Enter");
    expect(await answerOf(operation)).toContain('"status": "ok"');
    expect(complaints).toEqual([]);
    await page.close();
  });
});

/** What one sees when a list has been answered. */
async function show(page: Page, path: string): Promise<void> {
  await page.setViewportSize({ width: 1200, height: 1000 });
  await page
    .locator("#operations-Patients-listPatients")
    .evaluate("(operation) => operation.scrollIntoView()");
  await page.screenshot({ path });
}

/** Presses Tab until what `selector` finds has the focus, and shows that it has. @throws after as many as there could be */
async function tabTo(page: Page, selector: string): Promise<void> {
  for (let presses = 0; presses < 200; presses += 1) {
    await page.keyboard.press("Tab");
    const focused = page.locator(`${selector}:focus`);
    if ((await focused.count()) === 0) continue;
    expect(await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")).not.toBe("none");
    return;
  }
  throw new Error(`${selector} is out of reach.`);
}
