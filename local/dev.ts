import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { parseArgs } from "node:util";
import { runAsCommand } from "../ops/command.ts";
import { bringUpDatabase } from "./database.ts";
import { createVars, settleVars } from "./vars.ts";
import { startWrangler } from "./wrangler.ts";

// Without the Worker, which somebody else starts; and whether a `DATABASE_URL` on another machine is migrated too.
const flag = { type: "boolean", default: false } as const;
const { values: flags } = parseArgs({ options: { "database-only": flag, migrate: flag } });

await runAsCommand(async () => {
  const stopped = stopSignal();
  const port = Number(process.env["PORT"] || 8787);
  if (!flags["database-only"]) await requireFree(port);
  if (createVars()) console.log("Made .dev.vars, with a secret of its own.");
  await using database = await bringUpDatabase(flags.migrate);
  const settings = settleVars(database.url, database.endpoint);
  const told = ["", ...database.notes, `endpoint  ${database.endpoint}`].join("\n  ");
  const databaseEnded = database.ended.then(() => Promise.reject(new Error("PostgreSQL ended by itself.")));
  if (flags["database-only"]) {
    console.log(
      `${told}\n\nNow \`npx wrangler dev ${settings.join(" ")}\` in another terminal. Ctrl-C stops.\n`,
    );
    return Promise.race([stopped, databaseEnded]);
  }
  await using wrangler = startWrangler(port, settings, "inherit");
  wrangler.ready.then(() =>
    console.log(
      `\n  API       http://localhost:${port}\n  reference http://localhost:${port}/docs/${told}\n\nCtrl-C stops them all.\n`,
    ),
  );
  await Promise.race([stopped, databaseEnded, wrangler.ended]);
});

/** Wrangler would take another port without a word, and the first request in the README would go nowhere. */
async function requireFree(port: number): Promise<void> {
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Error("PORT must be a port: a whole number from 1 to 65535.");
  const probe = createServer();
  try {
    await once(probe.listen(port, "localhost"), "listening");
  } catch {
    throw new Error(`Port ${port} is in use: stop what uses it, or choose another: PORT=8080 npm run dev`);
  }
  await once(probe.close(), "close");
}

/**
 * Resolves when the person or the system wants this process to end. npm hands a signal to its shell alone, which dies of
 * it without a word to us, and npm itself may be killed: then it is their going that tells.
 */
function stopSignal(): Promise<void> {
  // A terminal that is closed takes no more words: what is said to it must not keep us from ending well.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  const startedBy = starters();
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => resolve());
    if (!process.env["npm_lifecycle_event"]) return;
    setInterval(() => starters() !== startedBy && resolve(), 500).unref();
  });
}

/** The process that started this one and, where /proc tells, the one that started that: npm's shell, and npm. */
function starters(): string {
  const parent = process.ppid;
  try {
    return `${parent} ${/\) \S (\d+)/.exec(readFileSync(`/proc/${parent}/stat`, "utf8"))?.[1]}`;
  } catch {
    return String(parent);
  }
}
