import type { Browser, Locator, Page } from "playwright-core";
import { openPage, type Screen } from "./browser.ts";

/** Only against hanging: a test takes up to a minute on a busy machine. */
export const BROWSER_TIMEOUT = 240_000;

export const desktop: Screen = { width: 1280 };
export const phone: Screen = { width: 390 };

/** Opens the API reference at `hash`, and waits until Scalar shows it. */
export async function openReference(browser: Browser | undefined, origin: string, screen: Screen, hash = "") {
  if (!browser) throw new Error("There is no browser.");
  const opened = await openPage(browser, screen, origin);
  opened.page.setDefaultTimeout(BROWSER_TIMEOUT / 3);
  await opened.page.goto(`${origin}/docs/${hash}`);
  const headings = opened.page.locator("#reference main :is(h1, h2, h3)").filter({ visible: true });
  await headings.first().waitFor();
  return opened;
}

/** Goes to an operation by its link. */
export async function openOperation(page: Page, tag: string, id: string): Promise<Locator> {
  await page.evaluate(`location.hash = "tag/${tag}/${id}"`);
  const operation = page.locator(`section[id$="/${id}"]`);
  await operation.getByRole("button", { name: /^Test Request/ }).waitFor();
  return operation;
}

/** Opens the request of an operation in the client. */
export async function openRequest(page: Page, tag: string, id: string): Promise<Locator> {
  const operation = await openOperation(page, tag, id);
  await operation.getByRole("button", { name: /^Test Request/ }).click();
  const client = page.getByRole("dialog", { name: "API Client" });
  await sendButton(client).waitFor();
  return client;
}

/** The button beside the address: there is one for wide and one for narrow screens. */
export const sendButton = (client: Locator): Locator =>
  client.locator("[data-addressbar-action=send]").filter({ visible: true });

/** Sends the request of an operation in the client. @returns the response as the client shows it */
export async function sendRequest(page: Page, tag: string, id: string, body?: unknown) {
  const client = await openRequest(page, tag, id);
  if (body) await client.getByRole("textbox", { name: "Body of the request" }).fill(JSON.stringify(body));
  const answered = page.waitForResponse((response) => /\/(api|healthz)\b/.test(response.url()));
  await sendButton(client).click();
  const response = await responseIn(client, (await answered).status());
  await client.getByRole("button", { name: "Close Client" }).click();
  await client.waitFor({ state: "hidden" });
  return response;
}

/** The status and the body of a response, as soon as the client shows one with this status. */
export async function responseIn(client: Locator, code: number) {
  const response = client.getByRole("region", { name: "Response" });
  const status = await response.getByRole("link", { name: new RegExp(`^${code} `) }).textContent();
  const body = response.getByRole("textbox", { name: "Body of the response" });
  return { status: status?.trim(), body: code === 204 ? "" : await linesOf(body) };
}

/** The text of an editor, which has an element for each line. */
const linesOf = async (editor: Locator): Promise<string> =>
  (await editor.locator(".cm-line").allTextContents()).join("\n");

/** Logs in with the page's own form, and waits until the bar says so. */
export async function logIn(page: Page, { username, password }: { username: string; password: string }) {
  await page.getByRole("button", { name: "Log in", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "Log in" });
  await dialog.getByLabel("Username").fill(username);
  await dialog.getByLabel("Password").fill(password);
  await dialog.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("status").getByText(`Logged in as ${username}`).waitFor();
}

/** Registers an account by the API. */
export async function register(origin: string, name = "page") {
  const account = {
    username: `${name}-${crypto.randomUUID().slice(0, 8)}`,
    password: "correct horse battery",
  };
  const response = await fetch(`${origin}/api/auth/register/`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ...account, email: "ada@example.org" }),
  });
  if (!response.ok) throw new Error(await response.text());
  return account;
}
