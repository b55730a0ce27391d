import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { type Bundle, readWorkerConfig, type WorkerConfig } from "./bundle.ts";

/** The path of the workerd executable, which Wrangler depends on. */
const executable: string = createRequire(import.meta.resolve("wrangler"))("workerd").default;

export interface WorkerdProcess {
  /** `http://127.0.0.1:<port>` */
  origin: string;
  pid: number;
  /** The port of V8's inspector on 127.0.0.1; 0 without `isInspected`. */
  inspectorPort: number;
  stop(): Promise<void>;
}

/**
 * Serves a bundle with workerd, without Wrangler or Miniflare, on any free port.
 *
 * @param folder an empty folder, for workerd's configuration.
 * @param options `isInspected` starts V8's inspector too.
 */
export async function serve(
  bundle: Pick<Bundle, "code"> & Partial<Pick<Bundle, "config">>,
  bindings: Record<string, string | number>,
  folder: string,
  { isInspected = false } = {},
): Promise<WorkerdProcess> {
  copyFileSync(bundle.code, join(folder, "worker.js"));
  writeFileSync(join(folder, "limiter.js"), rateLimiterModule);
  const config = join(folder, "config.capnp");
  const dataModules = copyDataModules(dirname(bundle.code), folder);
  writeFileSync(config, workerdConfig(bundle.config ?? readWorkerConfig(), bindings, dataModules));
  const stdio = ["ignore", "ignore", "pipe", "pipe"] as const;
  const args = ["serve", config, "--control-fd=3", ...(isInspected ? ["--inspector-addr=127.0.0.1:0"] : [])];
  const workerd = spawn(executable, args, { stdio: [...stdio] });
  // Through the console, so that a test shows the Worker's log only when it fails.
  createInterface({ input: workerd.stderr as Readable }).on("line", (line) => console.error(line));
  const kill = () => void workerd.kill("SIGKILL");
  process.once("exit", kill);
  const exit = once(workerd, "exit").then(() => void process.off("exit", kill));
  const { port, inspectorPort } = await waitForPorts(workerd);
  return {
    origin: `http://127.0.0.1:${port}`,
    pid: workerd.pid ?? 0,
    inspectorPort,
    async stop() {
      kill();
      await exit;
    },
  };
}

/** Copies the Data modules that Wrangler has written next to the code. @returns their names */
function copyDataModules(from: string, to: string): string[] {
  const names = readdirSync(from).filter((name) => name.endsWith(".bin"));
  for (const name of names) copyFileSync(join(from, name), join(to, name));
  return names;
}

/** workerd writes its ports to file descriptor 3 (`--control-fd=3`), that of the inspector first. */
async function waitForPorts(workerd: ChildProcess): Promise<{ port: number; inspectorPort: number }> {
  let inspectorPort = 0;
  for await (const line of createInterface({ input: workerd.stdio[3] as Readable })) {
    const { event, port } = JSON.parse(line);
    if (event === "listen-inspector") inspectorPort = port;
    if (event === "listen") return { port, inspectorPort };
  }
  throw new Error("workerd did not start. See its error above.");
}

/** Replaces Cloudflare's rate limiters, which workerd does not contain. It allows every request, at no cost. */
const rateLimiterModule = "export default () => ({ limit: async () => ({ success: true }) });";

const quote = (value: string): string => JSON.stringify(value);

function workerdConfig(
  { compatibilityDate, compatibilityFlags, rateLimiterNames }: WorkerConfig,
  bindings: Record<string, string | number>,
  dataModules: string[],
): string {
  const modules = [
    `(name = "worker.js", esModule = embed "worker.js")`,
    ...dataModules.map((name) => `(name = ${quote(name)}, data = embed ${quote(name)})`),
  ];
  const values = Object.entries(bindings).map(
    ([name, value]) => `(name = ${quote(name)}, json = ${quote(JSON.stringify(value))})`,
  );
  const rateLimiters = rateLimiterNames.map(
    (name) => `(name = ${quote(name)}, wrapped = (moduleName = "bench:limiter"))`,
  );
  return `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "worker", worker = (
      modules = [${modules.join(", ")}],
      compatibilityDate = ${compatibilityDate},
      compatibilityFlags = ${compatibilityFlags},
      bindings = [${[...values, ...rateLimiters].join(", ")}],
    )),
    (name = "internet", network = (allow = ["private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "worker")],
  extensions = [(modules = [(name = "bench:limiter", internal = true, esModule = embed "limiter.js")])],
);
`;
}
