import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { type Bundle, compatibilityDate, compatibilityFlags, limiters } from "./bundle.ts";

/** The program itself, as Wrangler's dependency brings it. */
const program: string = createRequire(import.meta.resolve("wrangler"))("workerd").default;

export interface Served {
  /** `http://127.0.0.1:<port>` */
  origin: string;
  pid: number;
  stop(): Promise<void>;
}

/**
 * Serves a bundle with workerd alone, on any free port.
 *
 * @param folder for its configuration; empty.
 */
export async function serve(
  bundle: Pick<Bundle, "code">,
  bindings: Record<string, string | number>,
  folder: string,
): Promise<Served> {
  copyFileSync(bundle.code, join(folder, "worker.js"));
  writeFileSync(join(folder, "limiter.js"), limiter);
  const config = join(folder, "config.capnp");
  writeFileSync(config, configuration(bindings));
  const stdio = ["ignore", "ignore", "inherit", "pipe"] as const;
  const args = ["serve", config, "--control-fd=3"];
  const workerd = spawn(program, args, { stdio: [...stdio] });
  const end = () => void workerd.kill("SIGKILL");
  process.once("exit", end);
  const ended = once(workerd, "exit").then(() => void process.off("exit", end));
  return {
    origin: `http://127.0.0.1:${await portOf(workerd)}`,
    pid: workerd.pid ?? 0,
    async stop() {
      workerd.kill("SIGKILL");
      await ended;
    },
  };
}

/** workerd says on descriptor 3 where it listens. */
async function portOf(workerd: ChildProcess): Promise<number> {
  for await (const line of createInterface({ input: workerd.stdio[3] as Readable })) {
    const { event, port } = JSON.parse(line);
    if (event === "listen") return port;
  }
  throw new Error("workerd did not start; why is said above.");
}

/** In place of Cloudflare's limiters, which are no part of workerd: one that lets everything pass, at no cost. */
const limiter = "export default () => ({ limit: async () => ({ success: true }) });";

const text = (value: string): string => JSON.stringify(value);

function configuration(bindings: Record<string, string | number>): string {
  const values = Object.entries(bindings).map(
    ([name, value]) => `(name = ${text(name)}, json = ${text(JSON.stringify(value))})`,
  );
  const limits = limiters.map((name) => `(name = ${text(name)}, wrapped = (moduleName = "bench:limiter"))`);
  return `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "worker", worker = (
      modules = [(name = "worker.js", esModule = embed "worker.js")],
      compatibilityDate = ${compatibilityDate},
      compatibilityFlags = ${compatibilityFlags},
      bindings = [${[...values, ...limits].join(", ")}],
    )),
    (name = "internet", network = (allow = ["private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "worker")],
  extensions = [(modules = [(name = "bench:limiter", internal = true, esModule = embed "limiter.js")])],
);
`;
}
