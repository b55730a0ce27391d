import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { executable, launch, overhang } from "../../support/browser.ts";
import {
  BROWSER_TIMEOUT,
  desktop,
  logIn,
  openOperation,
  openReference,
  phone,
  register,
  responseIn,
  sendButton,
  sendRequest,
} from "../../support/reference-page.ts";
import { type ServedPage, servePage } from "../../support/serve-page.ts";

if (!executable)
  process.stderr.write("\nSKIPPED: the API reference in a browser. This machine has no browser.\n\n");

let api: ServedPage;
let browser: Browser | undefined;
beforeAll(async () => {
  [api, browser] = await Promise.all([servePage(), executable ? launch() : undefined]);
}, BROWSER_TIMEOUT);
afterAll(() => Promise.all([api?.stop(), browser?.close()]));

const open = (screen = desktop) => openReference(browser, api.origin, screen);
const sessionText = (page: Page) => page.getByRole("status").textContent();

describe.skipIf(!executable)("the API reference in a browser", { timeout: BROWSER_TIMEOUT }, () => {
  test("a visitor registers, logs in, creates a patient, lists it, sees an error and logs out", async () => {
    const { page, complaints } = await open();
    expect(await sessionText(page)).toBe("Not logged in");
    const username = `page-${crypto.randomUUID()}`;
    const account = { username, password: "correct horse battery" };
    const registration = { ...account, email: "ada@example.org" };
    expect(await sendRequest(page, "accounts", "register", registration)).toMatchObject({
      status: "201 Created",
    });
    await logIn(page, account);
    expect(await sessionText(page)).toMatch(/^Logged in as page-\S+ until \d\d:\d\d/);

    // The request is the document's example.
    const created = await sendRequest(page, "patients", "createPatient");
    expect(created.status).toBe("201 Created");
    expect(created.body).toContain('"lastname": "Hopper"');
    expect((await sendRequest(page, "patients", "listPatients")).body).toContain('"grace@example.org"');
    expect(complaints).toEqual([]);

    const refused = await sendRequest(page, "patients", "createPatient", { firstname: "Grace" });
    expect(refused.status).toBe("400 Bad Request");
    expect(refused.body).toContain('"gender": [');

    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByRole("status").getByText("Not logged in").waitFor();
    expect(await sendRequest(page, "patients", "listPatients")).toMatchObject({
      status: "401 Unauthorized",
      body: expect.stringContaining("An access token is required"),
    });
    // Nothing is left behind on the computer.
    expect(await page.evaluate("JSON.stringify([localStorage, sessionStorage])")).not.toMatch(
      /eyJ|page-|Hopper/,
    );
    expect(await page.evaluate("indexedDB.databases()")).toEqual([]);
    await page.close();
  });

  test("a wrong password is reported in the form", async () => {
    const { page } = await open();
    await page.getByRole("button", { name: "Log in", exact: true }).click();
    const dialog = page.getByRole("dialog", { name: "Log in" });
    await dialog.getByLabel("Username").fill("nobody");
    await dialog.getByLabel("Password").fill("correct horse battery");
    await page.keyboard.press("Enter");
    await dialog.getByText("There is no active account with this username and password.").waitFor();
    expect(await sessionText(page)).toBe("Not logged in");
    await page.close();
  });

  test("the login, refresh and logout operations of the reference change the page's session", async () => {
    const { page, complaints } = await open();
    const account = await register(api.origin);
    const loggedIn = await sendRequest(page, "accounts", "login", account);
    expect(loggedIn.status).toBe("200 OK");
    expect(await sessionText(page)).toContain(`Logged in as ${account.username} until`);
    const { refresh } = JSON.parse(loggedIn.body);
    const refreshed = await sendRequest(page, "accounts", "refresh", { refresh });
    expect(refreshed.status).toBe("200 OK");
    expect((await sendRequest(page, "patients", "listPatients")).status).toBe("200 OK");
    const next = JSON.parse(refreshed.body).refresh;
    expect((await sendRequest(page, "accounts", "logout", { refresh: next })).status).toBe("204 No Content");
    expect(await sessionText(page)).toBe("Logged out");
    expect(complaints).toEqual([]);
    await page.close();
  });

  test("a request after the access token has expired renews it first", async () => {
    const { page, complaints } = await open();
    await logIn(page, await register(api.origin));
    const before = await sessionText(page);
    await page.clock.setSystemTime(Date.now() + 15 * 60_000);
    const refreshed = page.waitForResponse(`${api.origin}/api/auth/refresh/`);
    expect((await sendRequest(page, "patients", "listPatients")).status).toBe("200 OK");
    expect((await refreshed).status()).toBe(200);
    expect(await sessionText(page)).not.toBe(before);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test("a session that was ended elsewhere is not shown as open any more", async () => {
    const { page } = await open();
    const account = await register(api.origin);
    await logIn(page, account);
    await endSessions(account);
    expect((await sendRequest(page, "patients", "listPatients")).status).toBe("401 Unauthorized");
    expect(await sessionText(page)).toBe("Your session has ended");
    await page.close();
  });

  test("the keyboard alone is enough to log in and to send a request", async () => {
    const account = await register(api.origin);
    const { page, complaints } = await open();
    await pressTabUntil(page, ".skip");
    await page.keyboard.press("Enter");
    expect(await page.evaluate("document.activeElement.id")).toBe("reference");
    await page.reload();
    await pressTabUntil(page, "#log-in");
    await page.keyboard.press("Enter");
    await page.keyboard.type(account.username);
    await page.keyboard.press("Tab");
    await page.keyboard.type(account.password);
    await page.keyboard.press("Enter");
    await page.getByRole("status").getByText("Logged in as").waitFor();
    await openOperation(page, "accounts", "getOwnAccount"); // Tab would pass by what is not there yet
    await pressTabUntil(page, 'section[id$="/getOwnAccount"] .show-api-client-button');
    await page.keyboard.press("Enter");
    const client = page.getByRole("dialog", { name: "API Client" });
    await sendButton(client).waitFor();
    await pressTabUntil(page, "[data-addressbar-action=send]");
    await page.keyboard.press("Enter");
    expect((await responseIn(client, 200)).body).toContain(account.username);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test("optional parameters with an example are not sent before the reader chooses them", async () => {
    const { page } = await open();
    const operation = await openOperation(page, "administration", "listAccounts");
    const example = await operation.locator("pre").first().textContent();
    expect(example).toContain("/api/accounts/");
    expect(example).not.toContain("role=");
    await page.close();
  });

  test("the page fits a phone's width and sends requests there", async () => {
    const { page, complaints } = await open(phone);
    expect(await overhang(page)).toBe(0);
    expect(await sendRequest(page, "service", "health")).toMatchObject({ status: "200 OK" });
    await openOperation(page, "patients", "createPatient");
    expect(await overhang(page)).toBe(0);
    expect(complaints).toEqual([]);
    await page.close();
  });
});

/** Ends all sessions of an account, as on another device. */
async function endSessions(account: { username: string; password: string }): Promise<void> {
  const login = await fetch(`${api.origin}/api/auth/login/`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(account),
  });
  const { access } = (await login.json()) as { access: string };
  const response = await fetch(`${api.origin}/api/auth/sessions/`, {
    method: "DELETE",
    headers: { Authorization: `Bearer ${access}` },
  });
  expect(response.status).toBe(204);
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
