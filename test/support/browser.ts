import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";

/** Where a browser may be, unless `CHROMIUM` says where it is. */
const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const wanted = process.env["CHROMIUM"];

/** The browser of this machine, if it has one. */
export const executable = (wanted === undefined ? places : [wanted]).find((path) => existsSync(path));

/** Nothing that it would do by itself: no updates, no reports, no first steps. */
const args = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"],
  ...["--disable-background-networking", "--disable-component-update"],
];

/** Starts it. @throws when there is none */
export const launch = (): Promise<Browser> =>
  executable
    ? chromium.launch({ executablePath: executable, args })
    : Promise.reject(new Error("There is no browser."));

/** A page, and what is wrong with it so far: errors, refusals of its policy, requests to elsewhere. */
export async function openPage(browser: Browser, width: number, origin: string) {
  const page = await browser.newPage({ viewport: { width, height: 800 } });
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("requestfailed", (request) => complaints.push(`failed: ${request.url()}`));
  page.on("request", (request) => {
    const { protocol, origin: of } = new URL(request.url());
    if (protocol !== "data:" && of !== origin) complaints.push(`elsewhere: ${request.url()}`);
  });
  await page.addInitScript({
    content: `addEventListener("securitypolicyviolation", (event) =>
      console.error("refused:", event.violatedDirective, event.blockedURI));`,
  });
  return { page, complaints };
}

/** How many pixels of a page stand out beyond its width. */
export const overhang = (page: Page): Promise<number> =>
  page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
