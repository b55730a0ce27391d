import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runAsCommand } from "./command.ts";
import { bringUpDatabase, type DevelopmentDatabase, readable, stopSignal } from "./database.ts";
import { overrideVars } from "./environment.ts";

const port = Number(process.env["PORT"] || 8787);
const isPort = Number.isInteger(port) && port > 0 && port < 65_536;

await runAsCommand(async () => {
  if (!isPort) throw new Error("PORT must be a port: a whole number from 1 to 65535.");
  const stopped = stopSignal();
  await requireFree(port);
  const database = await bringUpDatabase();
  const wrangler = startWrangler(database);
  const ended = once(wrangler, "exit");
  wrangler.on("message", () => console.log(summary(database)));
  await Promise.race([stopped, ended]);
  const failed = wrangler.exitCode !== null;
  wrangler.kill("SIGTERM");
  await ended;
  await database.stop();
  if (failed) throw new Error("wrangler dev ended by itself; why is said above.");
});

/** Wrangler would take another port without a word, and the first request in the README would go nowhere. */
async function requireFree(port: number): Promise<void> {
  const probe = createServer();
  try {
    await once(probe.listen(port, "localhost"), "listening");
  } catch {
    throw new Error(`Port ${port} is in use: stop what uses it, or choose another: PORT=8080 npm run dev`);
  }
  await once(probe.close(), "close");
}

/** Starts `wrangler dev`, which sends a message when it is ready. */
function startWrangler({ url, endpoint }: DevelopmentDatabase): ChildProcess {
  const cli = fileURLToPath(import.meta.resolve("wrangler"));
  const quiet = ["--show-interactive-dev-session=false", "--log-level", "log"];
  return fork(cli, ["dev", "--port", String(port), ...quiet, ...overrideVars(url, endpoint)], {
    execArgv: ["--no-warnings", "--import", join(import.meta.dirname, "end-with-parent.ts")],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
}

function summary(database: DevelopmentDatabase): string {
  return `
  API       http://localhost:${port}
  database  ${readable(database.url)}
  endpoint  ${database.endpoint}

Ctrl-C stops them all.
`;
}
