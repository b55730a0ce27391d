import { fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type pg from "pg";
import { type Demo, type DemoAccount, fillDemo } from "../local/demo.ts";
import { startPostgres } from "../local/postgres/server.ts";
import { withClient } from "../ops/command.ts";
import { isLocal } from "../ops/environment.ts";
import { migrate } from "../ops/migrate.ts";
import { createRole } from "../ops/role.ts";
import type { Bundle } from "./bundle.ts";
import { parentOf } from "./measure.ts";
import { type Served, serve } from "./workerd.ts";

export interface Database {
  /** As its owner. */
  ownerUrl: string;
  /** As the Worker reaches it. */
  url: string;
  /** Whose password is known; the second owns the most patients. */
  accounts: DemoAccount[];
}

/** A Worker that runs, with its own way to the database. */
export interface Side extends Served {
  /** How many requests it has sent to the database so far. */
  asked(): Promise<number>;
  /** Puts milliseconds before each of its requests to the database from now on. */
  delay(ms: number): Promise<void>;
}

/** What every part of the bench works with. */
export interface Bench {
  servers: Servers;
  settings: { rounds: number; seconds: number; events: number; quick: boolean };
  product: Bundle;
  floor: Bundle;
  serveProduct(database: Database, bundle?: Bundle): Promise<Side>;
  serveBoth(database: Database): Promise<{ product: Side; floor: Side }>;
  /** Says on the terminal what is being done, and which part of the part is done, 0 to 1. */
  step(what: string, done: number): void;
}

export type Servers = Awaited<ReturnType<typeof startServers>>;

/** Brings up PostgreSQL, or takes that of `POSTGRES_URL`, and the endpoint; databases and Workers are added as needed. */
export async function startServers() {
  await using started = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), "hospital-bench-"));
  chmodSync(folder, 0o755); // for the account that PostgreSQL runs as, where this one is root
  started.defer(() => rmSync(folder, { recursive: true, force: true }));
  const given = process.env["POSTGRES_URL"];
  const serverUrl = given ? new URL("/postgres", given).href : await startOwn(folder, started);
  const endpoint = await forkEndpoint(serverUrl);
  started.defer(() => endpoint.stop());
  const administrate = (statement: string) => withClient(serverUrl, (client) => client.query(statement));
  const { rows } = await administrate("SHOW server_version");
  const parts = started.move();
  let served = 0;

  return {
    folder,
    endpointPid: endpoint.pid,
    /** Bytes that the endpoint has sent to Workers so far. */
    databaseBytes: () => endpoint.bytes(),
    postgresVersion: String(rows[0].server_version),
    /** PostgreSQL's first process, which starts all others; `undefined` when it is on another machine. */
    postmaster: isLocal(new URL(serverUrl)) ? await withClient(serverUrl, postmasterOf) : undefined,

    /** A new database, with people in it. It is dropped at the end. */
    async fill(demo: Demo, onProgress?: (patients: number) => void): Promise<Database> {
      const name = `hospital_bench_${randomBytes(4).toString("hex")}`;
      await administrate(`CREATE DATABASE ${name}`);
      if (given) parts.defer(() => drop(administrate, name));
      const ownerUrl = new URL(`/${name}`, serverUrl).href;
      await migrate(ownerUrl);
      const accounts = await fillDemo(ownerUrl, demo, onProgress);
      const url = await createRole(ownerUrl, name);
      await administrate("CHECKPOINT"); // not in the middle of what is measured
      return { ownerUrl, url, accounts };
    },

    /** Serves a bundle on a database until the end, or until it is stopped. */
    async serve(bundle: Bundle, { url }: Database, bindings: Record<string, string | number>): Promise<Side> {
      served += 1;
      const own = join(folder, `worker-${served}`);
      mkdirSync(own);
      const channel = `${endpoint.origin}/channels/${served}`;
      const database = { DATABASE_URL: url, DATABASE_ENDPOINT: `${channel}/sql` };
      const worker = await serve(bundle, { ...database, ...bindings }, own);
      parts.defer(() => worker.stop());
      return {
        ...worker,
        asked: async () => (await tell(channel, "GET")).requests,
        delay: async (ms) => void (await tell(channel, "PUT", JSON.stringify({ delay_ms: ms }))),
      };
    },

    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

async function startOwn(folder: string, started: AsyncDisposableStack): Promise<string> {
  const probe = createServer();
  await once(probe.listen(0, "127.0.0.1"), "listening");
  const address = probe.address();
  const port = typeof address === "object" && address ? address.port : 0;
  await once(probe.close(), "close");
  const postgres = await startPostgres({ folder: join(folder, "postgres"), port, durable: false });
  started.defer(() => rmSync(postgres.folder, { recursive: true, force: true }));
  started.defer(() => postgres.stop());
  return postgres.url;
}

async function forkEndpoint(url: string) {
  const child = fork(join(import.meta.dirname, "endpoint.ts"), {
    env: { ...process.env, POSTGRES_URL: url }, // not an argument: everybody may read those
  });
  const ended = once(child, "exit");
  const [up] = await Promise.race([once(child, "message"), ended]);
  if (typeof up !== "object") throw new Error("The endpoint did not start; why is said above.");
  return {
    origin: new URL(up.url).origin,
    pid: child.pid ?? 0,
    async bytes(): Promise<number> {
      child.send("bytes?");
      const [{ bytes }] = await once(child, "message");
      return bytes;
    },
    async stop() {
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}

async function postmasterOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query("SELECT pg_backend_pid() AS pid");
  return parentOf(rows[0].pid);
}

async function drop(administrate: (statement: string) => Promise<unknown>, name: string): Promise<void> {
  await administrate(`DROP DATABASE ${name} WITH (FORCE)`);
  await administrate(`DROP ROLE ${name}`);
}

async function tell(channel: string, method: string, body?: string): Promise<{ requests: number }> {
  const response = await fetch(channel, { method, ...(body && { body }) });
  return (await response.json()) as { requests: number };
}
