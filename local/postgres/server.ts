import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Place, placeFor } from "./account.ts";
import { installedPostgres } from "./binaries.ts";
import { prepareFolder } from "./folder.ts";

export interface PostgresServer {
  /** Of the user that owns everything: `postgres://postgres:…@127.0.0.1:<port>/postgres`. */
  url: string;
  /** Where the data is. */
  folder: string;
  /** Resolves when the server has ended, by itself or not. */
  ended: Promise<void>;
  /** Ends the server and everything that runs on it; what was committed stays. */
  stop(): Promise<void>;
}

/**
 * Starts the PostgreSQL that comes with the project, reachable from this machine only.
 *
 * @param folder of its data, made if it is not there; for root it may be another one, see `placeFor`.
 * @param durable whether what is committed survives a loss of power (`fsync`).
 * @throws an error whose message says why it does not start and what to do.
 */
export async function startPostgres(wanted: {
  folder: string;
  port: number;
  durable: boolean;
}): Promise<PostgresServer> {
  const { folder, port, durable } = wanted;
  const place = placeFor({ programs: installedPostgres(), folder });
  const password = await prepareFolder(place, durable);
  const server = spawnServer(place, { port, fsync: durable ? "on" : "off" });
  // Whatever ends this process without a word to us.
  const end = () => void server.kill("SIGINT");
  process.once("exit", end);
  const ended = once(server, "exit").then(() => void process.off("exit", end));
  await ready(server, port);
  return {
    url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
    folder: place.folder,
    ended,
    async stop() {
      server.kill("SIGINT"); // "fast": ends connections, and writes everything to disk
      const impatience = setTimeout(() => server.kill("SIGQUIT"), 10_000);
      await ended;
      clearTimeout(impatience);
    },
  };
}

/** In a session of its own: a terminal's Ctrl-C is for who started it, and ends the server when all else has ended. */
function spawnServer(
  { account, programs, folder }: Place,
  { port, fsync }: { port: number; fsync: "on" | "off" },
): ChildProcess {
  const settings = {
    port,
    fsync,
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    lc_messages: "C",
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

/** Resolves when the server takes connections. @throws when it ends instead, with what it said. */
async function ready(server: ChildProcess, port: number): Promise<void> {
  const complaints: string[] = [];
  let isPortInUse = false;
  // After it is up its messages are dropped: they may contain values.
  for await (const line of createInterface({ input: server.stderr as NodeJS.ReadableStream })) {
    if (line.includes("database system is ready to accept connections")) return void server.stderr?.resume();
    isPortInUse ||= line.includes("Address already in use");
    if (/ (FATAL|DETAIL|HINT): /.test(line)) complaints.push(line.replace(/^.* (?=FATAL|DETAIL|HINT)/, ""));
  }
  if (!isPortInUse) throw new Error(`PostgreSQL did not start. ${complaints.join(" ")}`);
  const message = `Port ${port} of 127.0.0.1, wanted for PostgreSQL, is in use by another program.`;
  throw Object.assign(new Error(message), { code: "EADDRINUSE" });
}
