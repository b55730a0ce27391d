import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { executable, launch } from "../../support/browser.ts";
import {
  BROWSER_TIMEOUT,
  desktop,
  logIn,
  openOperation,
  openReference,
  phone,
  register,
} from "../../support/reference-page.ts";
import { type ServedPage, servePage } from "../../support/serve-page.ts";

let api: ServedPage;
let browser: Browser | undefined;
beforeAll(async () => {
  [api, browser] = await Promise.all([servePage(), executable ? launch() : undefined]);
}, BROWSER_TIMEOUT);
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
  "/docs/scalar/standalone.esm.js",
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
    "style-src 'self' 'unsafe-inline'",
  ]);
  expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
});

test("GET of a chunk of Scalar can be cached for ever, because its name has a hash", async () => {
  const chunks = join(import.meta.dirname, "../../../dist/public/docs/scalar/chunks");
  const { status, headers } = await fetch(`${api.origin}/docs/scalar/chunks/${readdirSync(chunks)[0]}`);
  expect([status, headers.get("Content-Type")]).toEqual([200, "text/javascript; charset=utf-8"]);
  expect(headers.get("Cache-Control")).toBe("public, max-age=31536000, immutable");
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

/** Waits until the title of an operation is on the screen, with nothing in front of it. */
async function waitForTitle(page: Page, id: string): Promise<void> {
  const title = `section[id$="/${id}"] h3`;
  await page.locator(title).first().waitFor();
  const isUncovered = () => page.evaluate(`(${uncovered})(document.querySelector('${title}'))`);
  await expect.poll(isUncovered, { timeout: BROWSER_TIMEOUT / 2 }).toBe(true);
}

describe.skipIf(!executable)("the API reference as it is drawn", { timeout: BROWSER_TIMEOUT }, () => {
  test.each([
    ["#tag/patients/createPatient", desktop],
    ["#tag/patients/createPatient", phone],
    // Links to the page of version 1.1 and older.
    ["#/Audit%20log/listAuditDigests", desktop],
    ["#/Accounts/login", phone],
  ])("a link to %s shows the title of the operation below the bars", async (hash, screen) => {
    const { page, complaints } = await openReference(browser, api.origin, screen, hash);
    await waitForTitle(page, hash.slice(hash.lastIndexOf("/") + 1));
    expect(complaints).toEqual([]);
    await page.close();
  });

  test("the link to create an account shows that operation", async () => {
    const { page } = await openReference(browser, api.origin, phone);
    await page.getByRole("button", { name: "Log in", exact: true }).click();
    await page.getByRole("link", { name: "Create an account" }).click();
    await waitForTitle(page, "register");
    await page.close();
  });

  test("the page is dark where the system is, and can be switched", async () => {
    const { page } = await openReference(browser, api.origin, { ...desktop, colorScheme: "dark" });
    const background = () =>
      page.evaluate(`(${backgroundBehind})(document.querySelector("#reference main"))`);
    expect(await background()).toBe("rgb(15, 20, 24)");
    await page.getByRole("button", { name: "Set light mode" }).click();
    await expect.poll(background, { timeout: BROWSER_TIMEOUT / 2 }).toBe("rgb(255, 255, 255)");
    await page.close();
  });

  test("a line of text has at most 80 characters on a wide screen", async () => {
    const { page } = await openReference(browser, api.origin, { width: 1920 });
    await openOperation(page, "patients", "listPatients");
    const widths: number[] = await page.evaluate(
      `(${widthsInCharacters})(document.querySelectorAll("#reference main :is(p, li)"))`,
    );
    expect(widths.length).toBeGreaterThan(20);
    expect(Math.max(...widths)).toBeLessThanOrEqual(80);
    await page.close();
  });
});

// For the README: SCREENSHOTS=openapi npx vitest run test/local/openapi/page.test.ts
const screenshots = process.env["SCREENSHOTS"];
test.runIf(executable && screenshots).each(["light", "dark"] as const)(
  "screenshot-%s.png shows how to create a patient",
  async (colorScheme) => {
    const { page } = await openReference(browser, api.origin, { width: 1280, colorScheme });
    await logIn(page, await register(api.origin, "ada"));
    await openOperation(page, "patients", "createPatient");
    await waitForTitle(page, "createPatient");
    await page.screenshot({ path: `${screenshots}/screenshot-${colorScheme}.png` });
    await page.close();
  },
  BROWSER_TIMEOUT,
);

// These run in the page.

/** Whether an element is on the screen, and nothing is in front of it. */
const uncovered = `(element) => {
  const { left, top } = element.getBoundingClientRect();
  return element.contains(document.elementFromPoint(left + 2, top + 8));
}`;

/** The colour that is behind an element: of the first ancestor that is not transparent. */
const backgroundBehind = `(element) => {
  for (let behind = element; behind; behind = behind.parentElement) {
    const { backgroundColor } = getComputedStyle(behind);
    if (backgroundColor !== "rgba(0, 0, 0, 0)") return backgroundColor;
  }
}`;

/** The widths of elements, in characters of an average width: half of the font's size. */
const widthsInCharacters = `(elements) => Array.from(elements, (element) =>
  element.getBoundingClientRect().width / (parseFloat(getComputedStyle(element).fontSize) / 2))`;
