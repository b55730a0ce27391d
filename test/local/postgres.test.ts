import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { placeFor } from "../../local/postgres/account.ts";
import { installedPostgres } from "../../local/postgres/binaries.ts";
import { type PostgresServer, startPostgres } from "../../local/postgres/server.ts";
import { changed, query } from "../ops/support.ts";
import { freePort } from "../support/setup.ts";

const isRoot = process.getuid?.() === 0;

let parent: string;
let folder: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "hospital-postgres-"));
  chmodSync(parent, 0o755); // for the account that PostgreSQL runs as
  folder = join(parent, "postgres");
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

async function start(port?: number): Promise<PostgresServer> {
  const server = await startPostgres({ folder, port: port ?? (await freePort()), durable: true });
  onTestFinished(() => server.stop());
  return server;
}

const makePatient = "CREATE TABLE kept AS SELECT 'Ada' AS name";
const kept = ({ url }: PostgresServer) => query(url, "SELECT name FROM kept");

/** The server's process. */
const pidOn = (folder: string) => Number.parseInt(readFileSync(join(folder, "postmaster.pid"), "utf8"), 10);

async function gone(pid: number): Promise<void> {
  for (let alive = true; alive; await new Promise((resolve) => setTimeout(resolve, 20)))
    alive =
      existsSync(`/proc/${pid}/exe`) && !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
}

test("it is PostgreSQL 18, for this machine only, writes to disk, and wants a password that only it has", async () => {
  const { url } = await start();
  const [row] = await query(
    url,
    `SELECT current_setting('server_version_num')::int / 10000 AS version, current_setting('fsync') AS fsync,
       current_setting('listen_addresses') AS addresses, current_setting('unix_socket_directories') AS sockets`,
  );
  expect(row).toEqual({ version: 18, fsync: "on", addresses: "127.0.0.1", sockets: "" });
  expect(new URL(url).password).toMatch(/^[\w-]{32}$/);
  await expect(query(changed(url, { password: "postgres" }), "SELECT 1")).rejects.toThrow(
    "password authentication",
  );
});

test("nobody else on this machine reads its data or its password", async () => {
  await start();
  for (const path of [folder, join(folder, "password")]) expect(statSync(path).mode & 0o077).toBe(0);
});

test("what was committed is there after it was stopped in the middle of a query, and started again", async () => {
  const server = await start();
  await query(server.url, makePatient);
  const endless = expect(
    query(server.url, "SELECT count(*) FROM generate_series(1, 1e12)"),
  ).rejects.toThrow();
  await server.stop();
  await endless;
  expect(await kept(await start())).toEqual([{ name: "Ada" }]);
});

test("what was committed is there after the server was killed", async () => {
  const server = await start();
  await query(server.url, makePatient);
  process.kill(pidOn(folder), "SIGKILL");
  await server.ended;
  expect(await kept(await start())).toEqual([{ name: "Ada" }]);
});

test("a server that was left behind is ended: never two on the same data, and nothing is lost", async () => {
  const script = `
    import { startPostgres } from ${JSON.stringify(join(import.meta.dirname, "../../local/postgres/server.ts"))};
    await startPostgres({ folder: process.argv[1], port: Number(process.argv[2]), durable: true });
    console.log("up"); setInterval(() => {}, 1000);`;
  const port = await freePort();
  const args = ["--input-type=module", "-e", script, folder, String(port)];
  const starter: ChildProcess = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  await once(starter.stdout as NodeJS.EventEmitter, "data");
  starter.kill("SIGKILL");
  await once(starter, "exit");
  const left = pidOn(folder);
  const url = `postgres://postgres:${readFileSync(join(folder, "password"), "utf8")}@127.0.0.1:${port}/postgres`;
  await query(url, makePatient);
  const server = await start(port);
  expect(pidOn(folder)).not.toBe(left);
  await gone(left);
  expect(await kept(server)).toEqual([{ name: "Ada" }]);
});

describe.runIf(existsSync("/proc"))("a lock file that is left", () => {
  /** Makes a lock file that says the server is `pid`, as one that was killed leaves it. */
  async function lockedBy(pid: number): Promise<void> {
    const server = await start();
    const lock = readFileSync(join(folder, "postmaster.pid"), "utf8");
    await server.stop();
    writeFileSync(join(folder, "postmaster.pid"), lock.replace(/^\d+/, String(pid)), { mode: 0o600 });
  }

  test("by a zombie that nobody reaps keeps no server from starting", async () => {
    const { account } = placeFor({ programs: installedPostgres(), folder });
    // The child of a process that never asks how it ended.
    const idle = spawn("sh", ["-c", "sleep 0 & echo $!; exec sleep 60"], {
      ...account,
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(() => void idle.kill());
    const [printed] = await once(idle.stdout, "data");
    const zombie = Number(printed);
    await gone(zombie);
    expect(readFileSync(`/proc/${zombie}/stat`, "utf8")).toMatch(/ Z /);
    await lockedBy(zombie);
    expect((await start()).folder).toBe(folder);
  });

  test("and whose number another program got keeps no server from starting, nor harms the program", async () => {
    const { account } = placeFor({ programs: installedPostgres(), folder });
    const stranger = spawn("sleep", ["60"], account);
    onTestFinished(() => void stranger.kill());
    await lockedBy(stranger.pid ?? 0);
    expect((await start()).folder).toBe(folder);
    expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
  });
});

/** All files below a folder, with their contents. */
const contents = (path: string) =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => [parentPath, name, readFileSync(join(parentPath, name), "utf8")]);

test.each([
  [
    "of another major version",
    { PG_VERSION: "16\n" },
    /was written by PostgreSQL 16, and this one is 18\. Move it away/,
  ],
  [
    "of PGlite",
    { PG_VERSION: "18\n", "owner.json": "{}" },
    /holds no database of this version: half a one, or that of PGlite/,
  ],
  ["half made", { "postgresql.conf": "" }, /holds no database of this version: half a one/],
])("a folder %s is refused in a sentence, and nothing in it is changed", async (_, files, sentence) => {
  mkdirSync(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const before = contents(parent);
  await expect(start()).rejects.toThrow(sentence);
  expect(contents(parent)).toEqual(before);
});

test("a folder whose making was interrupted is not taken for one, and made anew", async () => {
  mkdirSync(`${folder}.unfinished-1234/data`, { recursive: true });
  await start();
  expect(readdirSync(parent)).toEqual(["postgres"]);
});

test("a port that is in use is told in a sentence", async () => {
  const occupier = createServer();
  const port = await freePort();
  await once(occupier.listen(port, "127.0.0.1"), "listening");
  onTestFinished(() => void occupier.close());
  await expect(start(port)).rejects.toThrow(`Port ${port} of 127.0.0.1, wanted for PostgreSQL, is in use`);
});

test("links that the installation did not make are made", () => {
  const lib = join(installedPostgres(), "lib");
  const links = readdirSync(lib, { withFileTypes: true }).filter((entry) => entry.isSymbolicLink());
  expect(links.length).toBeGreaterThan(process.platform === "linux" ? 10 : 0);
  for (const { name } of links) unlinkSync(join(lib, name));
  installedPostgres();
  for (const { name } of links) expect(existsSync(join(lib, name)), name).toBe(true);
});

test("where there is no package for the platform, a sentence says so and names DATABASE_URL", () => {
  const { arch } = process;
  Object.defineProperty(process, "arch", { value: "riscv64" });
  onTestFinished(() => void Object.defineProperty(process, "arch", { value: arch }));
  expect(() => installedPostgres()).toThrow(
    /^The PostgreSQL .* does not run here \(\w+-riscv64\): .* Set DATABASE_URL to a/,
  );
});

describe.runIf(isRoot)("for root", () => {
  test("it runs as another account", async () => {
    await start();
    expect(statSync(`/proc/${pidOn(folder)}`).uid).not.toBe(0);
  });

  test("where that account may not go, it runs a copy and keeps the data elsewhere, which it tells", async () => {
    chmodSync(parent, 0o700);
    const server = await start();
    onTestFinished(() => rmSync(server.folder, { recursive: true }));
    expect(dirname(server.folder)).toMatch(/^\/var\/lib\/hospital-api-[0-9a-f]{12}$/);
    expect(await query(server.url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
    expect(existsSync(folder)).toBe(false);
  });
});
