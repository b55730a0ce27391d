import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { runAsCommand } from "../ops/command.ts";
import { startDatabase } from "./database.ts";
import { lockCheckout } from "./lock.ts";
import { findFreePort, isFree } from "./ports.ts";
import { createVars, saveApiUrl, writeWorkerVars } from "./vars.ts";
import { startWrangler } from "./wrangler.ts";

/** The API's port, unless `PORT` says otherwise; another one is taken when this is in use. */
const API_PORT = 8787;
/** Where debuggers look for the Worker; another port is taken when this is in use. */
const INSPECTOR_PORT = 9229;

const flag = { type: "boolean", default: false } as const;
const { values: flags } = parseArgs({ options: { "database-only": flag, migrate: flag } });

await runAsCommand(async () => {
  const stopped = waitForStop();
  using _lock = lockCheckout();
  const wantedPort = flags["database-only"] ? undefined : await portFromEnvironment();
  if (createVars()) console.log("Wrote .dev.vars, with a random JWT_SECRET.");
  await using database = await startDatabase(flags.migrate);
  const settings = writeWorkerVars(database.url, database.endpoint);
  const notes = ["", ...database.notes, `endpoint  ${database.endpoint}`].join("\n  ");
  const databaseEnded = database.ended.then(() =>
    Promise.reject(new Error("PostgreSQL has ended unexpectedly.")),
  );
  const ended = Promise.race([stopped, databaseEnded]);
  // Awaited here: a promise that is returned is waited for only after the database has been stopped.
  if (!flags["database-only"]) return await runApi(wantedPort, settings, notes, ended);
  console.log(
    `${notes}\n\nNow start the API in another terminal: npx wrangler dev ${settings.join(" ")}\nCtrl-C stops the database.\n`,
  );
  return await ended;
});

/** `PORT`, or undefined when it is not set. @throws when it is not a port, or in use */
async function portFromEnvironment(): Promise<number | undefined> {
  const text = process.env["PORT"];
  if (!text) return undefined;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Error("PORT must be a port: a whole number from 1 to 65535.");
  if (!(await isFree(port)))
    throw new Error(`Port ${port} is in use. Without PORT, \`npm run dev\` takes a free one.`);
  return port;
}

/**
 * Runs the API until `ended` is settled, and prints its URL.
 *
 * @param wantedPort undefined for 8787 or the next free one. Another checkout may take a port while Wrangler starts,
 *   which takes seconds; then Wrangler is started again on other ports.
 */
async function runApi(
  wantedPort: number | undefined,
  settings: string[],
  notes: string,
  ended: Promise<void>,
): Promise<void> {
  for (;;) {
    const port = wantedPort ?? (await findFreePort(API_PORT));
    const inspectorPort = await findFreePort(INSPECTOR_PORT);
    const args = ["--inspector-port", String(inspectorPort), ...settings];
    await using wrangler = startWrangler(port, args, "inherit");
    const up = wrangler.ready.then(() => "up" as const);
    const failed = wrangler.ended.catch(() => "failed" as const);
    const outcome = await Promise.race([ended, up, failed]);
    if (outcome === "up") {
      announce(port, wantedPort ?? API_PORT, notes);
      return await Promise.race([ended, wrangler.ended]);
    }
    if (outcome !== "failed") return;
    const [isPortFree, isInspectorPortFree] = [await isFree(port), await isFree(inspectorPort)];
    const canRetry = wantedPort ? isPortFree && !isInspectorPortFree : !(isPortFree && isInspectorPortFree);
    if (!canRetry) return await wrangler.ended;
    console.log("Another program has taken a port meanwhile. Starting again on other ports.");
  }
}

function announce(port: number, preferred: number, notes: string): void {
  const url = `http://localhost:${port}`;
  saveApiUrl(url);
  const why = port === preferred ? "" : `  (port ${preferred} is in use)`;
  console.log(`\n  API       ${url}${why}\n  reference ${url}/docs/${notes}\n\nCtrl-C stops everything.\n`);
}

/**
 * Resolves when this process should end: on a signal, or when npm is gone. npm passes a signal only to its shell,
 * which ends without passing it on, and npm itself may be killed.
 */
function waitForStop(): Promise<void> {
  // Writing to a terminal that was closed is an error, which must not prevent an orderly end.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  const ancestors = readAncestors();
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => resolve());
    if (!process.env["npm_lifecycle_event"]) return;
    setInterval(() => readAncestors() !== ancestors && resolve(), 500).unref();
  });
}

/** The ids of the parent process and, where there is /proc, its parent: npm's shell, and npm. */
function readAncestors(): string {
  const parent = process.ppid;
  try {
    return `${parent} ${/\) \S (\d+)/.exec(readFileSync(`/proc/${parent}/stat`, "utf8"))?.[1]}`;
  } catch {
    return String(parent);
  }
}
