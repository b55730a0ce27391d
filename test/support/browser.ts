import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";

/** Where to look for a browser, unless `CHROMIUM` has its path. */
const paths = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const configured = process.env["CHROMIUM"];

/** The path of the browser on this machine, if there is one. */
export const executable = (configured === undefined ? paths : [configured]).find((path) => existsSync(path));

/** Without updates, reports and other requests that the browser would make by itself. */
const args = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"],
  ...["--disable-background-networking", "--disable-component-update"],
];

/** Starts the browser. @throws when there is none */
export const launch = (): Promise<Browser> =>
  executable
    ? chromium.launch({ executablePath: executable, args })
    : Promise.reject(new Error("There is no browser."));

export interface Screen {
  width: number;
  colorScheme?: "light" | "dark";
}

/** Opens a page and collects its errors, violations of its security policy, and requests to other origins. */
export async function openPage(browser: Browser, { width, colorScheme = "light" }: Screen, origin: string) {
  const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme });
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("requestfailed", (request) => {
    // A page that is left or reloaded aborts what it is still loading.
    if (request.failure()?.errorText !== "net::ERR_ABORTED") complaints.push(`failed: ${request.url()}`);
  });
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol !== "data:" && url.origin !== origin) complaints.push(`other origin: ${request.url()}`);
  });
  await page.addInitScript({
    content: `addEventListener("securitypolicyviolation", (event) =>
      console.error("refused:", event.violatedDirective, event.blockedURI));`,
  });
  return { page, complaints };
}

/** By how many pixels the content of a page is wider than the page. */
export const overhang = (page: Page): Promise<number> =>
  page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
