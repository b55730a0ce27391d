import { fork, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type pg from "pg";
import { type Demo, fillDemo } from "../local/demo.ts";
import type { DemoAccount } from "../local/demo-accounts.ts";
import { startPostgres } from "../local/postgres/server.ts";
import { withClient } from "../ops/command.ts";
import { migrate } from "../ops/migrate.ts";
import { createRole } from "../ops/role.ts";
import { isLocal } from "../src/local-host.ts";
import type { Bundle } from "./bundle.ts";
import { parentPid } from "./processes.ts";
import { serve, type WorkerdProcess } from "./workerd.ts";

export interface BenchDatabase {
  /** Connects as the owner of the tables. */
  ownerUrl: string;
  /** Connects as the Worker's role. */
  url: string;
  /** Accounts whose password is known. The second one owns the most patients. */
  accounts: DemoAccount[];
}

/** A running Worker, with a channel of its own at the endpoint. */
export interface BenchWorker extends WorkerdProcess {
  /** How many requests the Worker has sent to the database so far. */
  countDatabaseRequests(): Promise<number>;
  /** Delays each of the Worker's requests to the database by `ms` milliseconds from now on. */
  delayDatabaseRequests(ms: number): Promise<void>;
}

/** What every part of the benchmark gets. */
export interface BenchContext {
  servers: BenchServers;
  settings: {
    rounds: number;
    seconds: number;
    events: number;
    quick: boolean;
    /** The folder of the checkout that `versions` compares with. */
    base?: string | undefined;
  };
  apiBundle: Bundle;
  baselineBundle: Bundle;
  /** Serves the API, or another `bundle` with the API's settings. */
  serveApi(database: BenchDatabase, bundle?: Bundle): Promise<BenchWorker>;
  serveBaseline(database: BenchDatabase): Promise<BenchWorker>;
  /** Shows on the terminal what is being done, and how much of this part is done, from 0 to 1. */
  showProgress(task: string, done: number): void;
}

/** The functions of a checkout that make a database of its version. */
export interface DatabaseTools {
  migrate: typeof migrate;
  fillDemo: typeof fillDemo;
  createRole: typeof createRole;
}
const ownTools: DatabaseTools = { migrate, fillDemo, createRole };

export type BenchServers = Awaited<ReturnType<typeof startServers>>;

/**
 * Starts PostgreSQL, or uses the server of `POSTGRES_URL`, and the local Neon endpoint. Databases and Workers are
 * added by the methods of the result. Disposing the result stops and removes all of it.
 */
export async function startServers(sharedBuffers?: string) {
  await using startup = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), "hospital-bench-"));
  chmodSync(folder, 0o755); // root runs PostgreSQL as another account, which must be able to enter
  startup.defer(() => rmSync(folder, { recursive: true, force: true }));
  const externalUrl = process.env["POSTGRES_URL"];
  const serverUrl = externalUrl
    ? new URL("/postgres", externalUrl).href
    : await startTemporaryPostgres(folder, startup, sharedBuffers);
  const endpoint = await forkEndpoint(serverUrl);
  startup.defer(() => endpoint.stop());
  const runAsAdmin = (statement: string) => withClient(serverUrl, (client) => client.query(statement));
  const { rows } = await runAsAdmin("SHOW server_version");
  const resources = startup.move();
  let workerCount = 0;

  return {
    folder,
    endpointPid: endpoint.pid,
    /** Bytes that the endpoint has sent to Workers so far. */
    countDatabaseBytes: () => endpoint.countBytes(),
    postgresVersion: String(rows[0].server_version),
    /** PostgreSQL's first process, which starts the others. Undefined when the server is on another machine. */
    postmasterPid: isLocal(new URL(serverUrl)) ? await withClient(serverUrl, findPostmaster) : undefined,

    /** Creates a database with demo data. It is dropped at the end. */
    async createDatabase(
      demo: Demo,
      onProgress?: (patients: number) => void,
      { migrate, fillDemo, createRole }: DatabaseTools = ownTools,
    ): Promise<BenchDatabase> {
      const name = `hospital_bench_${randomBytes(4).toString("hex")}`;
      await runAsAdmin(`CREATE DATABASE ${name}`);
      if (externalUrl)
        resources.defer(async () => {
          await runAsAdmin(`DROP DATABASE ${name} WITH (FORCE)`);
          await runAsAdmin(`DROP ROLE ${name}`);
        });
      const ownerUrl = new URL(`/${name}`, serverUrl).href;
      await migrate(ownerUrl);
      const accounts = await fillDemo(ownerUrl, demo, onProgress);
      const url = await createRole(ownerUrl, name);
      await runAsAdmin("CHECKPOINT"); // so that none happens during a measurement
      return { ownerUrl, url, accounts };
    },

    /** Serves a bundle with its database until the end, or until it is stopped. */
    async serveWorker(
      bundle: Bundle,
      { url }: BenchDatabase,
      bindings: Record<string, string | number>,
    ): Promise<BenchWorker> {
      workerCount += 1;
      const workerFolder = join(folder, `worker-${workerCount}`);
      mkdirSync(workerFolder);
      const channel = `${endpoint.origin}/channels/${workerCount}`;
      const databaseBindings = { DATABASE_URL: url, DATABASE_ENDPOINT: `${channel}/sql` };
      const worker = await serve(bundle, { ...databaseBindings, ...bindings }, workerFolder);
      resources.defer(() => worker.stop());
      return {
        ...worker,
        countDatabaseRequests: async () => (await callChannel(channel, "GET")).requests,
        delayDatabaseRequests: async (ms) =>
          void (await callChannel(channel, "PUT", JSON.stringify({ delay_ms: ms }))),
      };
    },

    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** @returns the URL of the server. */
async function startTemporaryPostgres(
  folder: string,
  resources: AsyncDisposableStack,
  sharedBuffers?: string,
): Promise<string> {
  const probe = createServer();
  await once(probe.listen(0, "127.0.0.1"), "listening");
  const address = probe.address();
  const port = typeof address === "object" && address ? address.port : 0;
  await once(probe.close(), "close");
  const postgres = await startPostgres({
    folder: join(folder, "postgres"),
    port,
    durable: false,
    ...(sharedBuffers && { sharedBuffers }),
  });
  resources.defer(() => rmSync(postgres.folder, { recursive: true, force: true }));
  resources.defer(() => postgres.stop());
  return postgres.url;
}

async function forkEndpoint(postgresUrl: string) {
  const child = fork(join(import.meta.dirname, "endpoint.ts"), {
    env: { ...process.env, POSTGRES_URL: postgresUrl }, // not an argument: every user of the machine can read those
  });
  const exit = once(child, "exit");
  const [ready] = await Promise.race([once(child, "message"), exit]);
  if (typeof ready !== "object")
    throw new Error("The local Neon endpoint did not start. See its error above.");
  return {
    origin: new URL(ready.url).origin,
    pid: child.pid ?? 0,
    async countBytes(): Promise<number> {
      child.send("bytes?");
      const [{ bytes }] = await once(child, "message");
      return bytes;
    },
    async stop() {
      if (child.connected) child.disconnect();
      await exit;
    },
  };
}

async function findPostmaster(client: pg.Client): Promise<number> {
  const { rows } = await client.query("SELECT pg_backend_pid() AS pid");
  return parentPid(rows[0].pid);
}

async function callChannel(channel: string, method: string, body?: string): Promise<{ requests: number }> {
  const response = await fetch(channel, { method, ...(body && { body }) });
  return (await response.json()) as { requests: number };
}

/** The commit of a checkout, as `git describe` names it. */
export const describeCommit = (folder: string): string =>
  spawnSync("git", ["describe", "--always", "--dirty"], { cwd: folder, encoding: "utf8" }).stdout?.trim() ||
  "unknown";
