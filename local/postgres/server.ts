import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { choosePlace, type Place } from "./account.ts";
import { installedPostgres } from "./binaries.ts";
import { prepareFolder } from "./folder.ts";

export interface PostgresServer {
  /** The URL of the superuser: `postgres://postgres:…@127.0.0.1:<port>/postgres`. */
  url: string;
  /** The folder of the data. */
  folder: string;
  /** Resolves when the server has ended, whatever the reason. */
  ended: Promise<void>;
  /** Ends the server and its connections. Committed data are kept. */
  stop(): Promise<void>;
}

/**
 * Starts the PostgreSQL that comes with the project. It can be reached from this machine only.
 *
 * @param folder of its data, created if it does not exist. For root it may be another one: see `choosePlace`.
 * @param durable whether committed data survive a loss of power (`fsync`).
 * @param sharedBuffers how much memory caches tables and indexes; PostgreSQL's default when left out.
 * @throws an error whose message says why it does not start and what to do; its `code` is EADDRINUSE when the port is
 *   in use.
 */
export async function startPostgres(settings: {
  folder: string;
  port: number;
  durable: boolean;
  sharedBuffers?: string;
}): Promise<PostgresServer> {
  const { folder, port, durable, sharedBuffers = "128MB" } = settings;
  const place = choosePlace({ programs: installedPostgres(), folder });
  const password = await prepareFolder(place, durable);
  const server = spawnServer(place, { port, fsync: durable ? "on" : "off", shared_buffers: sharedBuffers });
  // Also when this process ends without calling stop().
  const end = () => void server.kill("SIGINT");
  process.once("exit", end);
  const ended = once(server, "exit").then(() => void process.off("exit", end));
  await waitUntilReady(server, port);
  return {
    url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
    folder: place.folder,
    ended,
    async stop() {
      server.kill("SIGINT"); // "fast shutdown": ends connections and writes everything to disk
      const timer = setTimeout(() => server.kill("SIGQUIT"), 10_000);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** Starts it in its own session, so Ctrl-C in a terminal does not end it before everything that uses it has ended. */
function spawnServer(
  { account, programs, folder }: Place,
  serverSettings: { port: number; fsync: "on" | "off"; shared_buffers: string },
): ChildProcess {
  const settings = {
    ...serverSettings,
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    lc_messages: "C",
    // The local Neon endpoint opens up to 40 for each connection string: each test worker has several.
    max_connections: 400,
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  return spawn(join(programs, "bin", "postgres"), ["-D", folder, ...args], {
    ...account,
    cwd: "/",
    env: {},
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
  });
}

/** Resolves when the server accepts connections. @throws when it ends instead, with its error messages */
async function waitUntilReady(server: ChildProcess, port: number): Promise<void> {
  const errors: string[] = [];
  let isPortInUse = false;
  // After it is up its messages are dropped: they may contain values.
  for await (const line of createInterface({ input: server.stderr as NodeJS.ReadableStream })) {
    if (line.includes("database system is ready to accept connections")) return void server.stderr?.resume();
    isPortInUse ||= line.includes("Address already in use");
    if (/ (FATAL|DETAIL|HINT): /.test(line)) errors.push(line.replace(/^.* (?=FATAL|DETAIL|HINT)/, ""));
  }
  if (!isPortInUse) throw new Error(`PostgreSQL did not start. ${errors.join(" ")}`);
  const message = `Port ${port} of 127.0.0.1, wanted for PostgreSQL, is in use by another program.`;
  throw Object.assign(new Error(message), { code: "EADDRINUSE" });
}
