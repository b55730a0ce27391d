import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Starts `wrangler dev` in a child process, which ends when the result is disposed of.
 *
 * @param port 0 for any free one; it fails to start when the port is in use
 * @param settings more arguments of `wrangler dev`
 * @param output where its output goes
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
    /** Resolves to the port when it answers requests. */
    ready: once(wrangler, "message").then(([message]) => Number(JSON.parse(message).port)),
    /** Rejects when it ends. */
    ended: exit.then(() => Promise.reject(new Error("wrangler dev has ended; its output above says why."))),
    async [Symbol.asyncDispose]() {
      wrangler.kill("SIGTERM");
      await exit;
    },
  };
}

/** Ends the Worker that a killed Wrangler leaves running, and which keeps the port. */
function endGroup({ pid = 0 }: ChildProcess): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // No process is left, or there are no process groups, as on Windows.
  }
}
