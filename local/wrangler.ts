import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * `wrangler dev` in a process of its own, until it is disposed of.
 *
 * @param port 0 for one that nobody uses
 * @param settings more arguments of it
 * @param output where its words go
 */
export function startWrangler(port: number, settings: string[], output: "inherit" | "pipe") {
  const cli = fileURLToPath(import.meta.resolve("wrangler"));
  const quiet = ["--show-interactive-dev-session=false", "--log-level", "log"];
  const wrangler: ChildProcess = fork(cli, ["dev", "--port", String(port), ...quiet, ...settings], {
    execArgv: ["--no-warnings", "--import", join(import.meta.dirname, "end-with-parent.ts")],
    stdio: ["ignore", output, output, "ipc"],
    detached: true, // a process group of its own
  });
  const exit = once(wrangler, "exit").then(() => endGroup(wrangler));
  return {
    process: wrangler,
    /** Resolves to the port when it answers there. */
    ready: once(wrangler, "message").then(([message]) => Number(JSON.parse(message).port)),
    /** Rejects when it ends by itself. */
    ended: exit.then(() => Promise.reject(new Error("wrangler dev ended by itself; why is said above."))),
    async [Symbol.asyncDispose]() {
      wrangler.kill("SIGTERM");
      await exit;
    },
  };
}

/** Ends what Wrangler, when it is killed, leaves behind: a Worker that keeps the port. */
function endGroup({ pid = 0 }: ChildProcess): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nothing is left; or there are no groups here, as on Windows.
  }
}
