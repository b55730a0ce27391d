import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { executable, launch, overhang, type Screen } from "../../support/browser.ts";
import {
  BROWSER_TIMEOUT,
  desktop,
  logIn,
  openOperation,
  openReference,
  openRequest,
  phone,
  register,
  responseIn,
  sendButton,
} from "../../support/reference-page.ts";
import { type ServedPage, servePage } from "../../support/serve-page.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface Violation {
  id: string;
  impact: string;
  nodes: { html: string; failureSummary: string }[];
}

let api: ServedPage;
let browser: Browser | undefined;
beforeAll(async () => {
  [api, browser] = await Promise.all([servePage(), executable ? launch() : undefined]);
}, BROWSER_TIMEOUT);
afterAll(() => Promise.all([api?.stop(), browser?.close()]));

/** What axe-core finds on the page as it is now, and by how many pixels the page is wider than the screen. */
async function check(page: Page): Promise<unknown[]> {
  await page.evaluate("Promise.all(document.getAnimations().map((animation) => animation.finished))");
  await page.evaluate(axe);
  const { violations } = await page.evaluate<{ violations: Violation[] }>("axe.run()");
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  const faults = serious.map(({ id, nodes }) => ({
    id,
    nodes: nodes.map((node) => [node.html, node.failureSummary]),
  }));
  const width = await overhang(page);
  return width === 0 ? faults : [...faults, { overhang: width }];
}

/** Colors do not depend on the width. */
const screens: Screen[] = [
  { ...desktop, colorScheme: "light" },
  { ...desktop, colorScheme: "dark" },
  { ...phone, colorScheme: "light" },
];

describe.skipIf(!executable)("axe-core finds nothing serious", { timeout: BROWSER_TIMEOUT }, () => {
  test.each(screens)("$colorScheme, $width pixels wide", async (screen) => {
    const { page, complaints } = await openReference(browser, api.origin, screen);
    expect(await check(page)).toEqual([]);
    await page.getByRole("button", { name: "Log in", exact: true }).click();
    expect(await check(page)).toEqual([]);
    await page.getByRole("button", { name: "Cancel" }).click();
    await logIn(page, await register(api.origin));
    await openOperation(page, "patients", "createPatient");
    expect(await check(page)).toEqual([]);
    const client = await openRequest(page, "patients", "createPatient");
    await sendButton(client).click();
    await responseIn(client, 201);
    expect(await check(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await page.close();
  });
});
