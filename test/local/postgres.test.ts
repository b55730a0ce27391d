import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { placeFor } from "../../local/postgres/account.ts";
import { installedPostgres } from "../../local/postgres/binaries.ts";
import { type PostgresServer, startPostgres } from "../../local/postgres/server.ts";
import { changed, query } from "../ops/support.ts";
import { freePort } from "../support/setup.ts";

let parent: string;
let folder: string;
beforeEach(() => {
  parent = fs.mkdtempSync(join(tmpdir(), "hospital-postgres-"));
  fs.chmodSync(parent, 0o755); // for the account that PostgreSQL runs as
  folder = join(parent, "postgres");
});
afterEach(() => fs.rmSync(parent, { recursive: true, force: true }));

async function start(port?: number): Promise<PostgresServer> {
  const server = await startPostgres({ folder, port: port ?? (await freePort()), durable: true });
  onTestFinished(() => server.stop());
  return server;
}

const makePatient = "CREATE TABLE kept AS SELECT 'Ada' AS name";
const kept = ({ url }: PostgresServer) => query(url, "SELECT name FROM kept");

const read = (name: string) => fs.readFileSync(join(folder, name), "utf8");
const serverPid = () => Number.parseInt(read("postmaster.pid"), 10);
/** The account that the server runs as, to start a program by. */
const asServer = () => placeFor({ programs: installedPostgres(), folder }).account;

async function gone(pid: number): Promise<void> {
  const isZombie = () => /^\d+ \(.*\) Z/.test(fs.readFileSync(`/proc/${pid}/stat`, "utf8"));
  while (fs.existsSync(`/proc/${pid}/exe`) && !isZombie()) await setTimeout(20);
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
  const guess = query(changed(url, { password: "postgres" }), "SELECT 1");
  await expect(guess).rejects.toThrow("password authentication");
});

test("nobody else on this machine reads its data or its password", async () => {
  await start();
  for (const path of [folder, join(folder, "password")]) expect(fs.statSync(path).mode & 0o077).toBe(0);
});

test("what was committed is there after it was stopped in the middle of a query, and started again", async () => {
  const server = await start();
  await query(server.url, makePatient);
  const endless = query(server.url, "SELECT count(*) FROM generate_series(1, 1e12)");
  const failure = expect(endless).rejects.toThrow();
  await server.stop();
  await failure;
  expect(await kept(await start())).toEqual([{ name: "Ada" }]);
});

test("what was committed is there after the server was killed", async () => {
  const server = await start();
  await query(server.url, makePatient);
  process.kill(serverPid(), "SIGKILL");
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
  const left = serverPid();
  const url = `postgres://postgres:${read("password")}@127.0.0.1:${port}/postgres`;
  await query(url, makePatient);
  const server = await start(port);
  expect(serverPid()).not.toBe(left);
  await gone(left);
  expect(await kept(server)).toEqual([{ name: "Ada" }]);
});

describe.runIf(fs.existsSync("/proc"))("a lock file that is left", () => {
  /** Makes a lock file that says the server is `pid`, as one that was killed leaves it. */
  async function lockedBy(pid: number): Promise<void> {
    const server = await start();
    const lock = read("postmaster.pid");
    await server.stop();
    fs.writeFileSync(join(folder, "postmaster.pid"), lock.replace(/^\d+/, String(pid)), { mode: 0o600 });
  }

  test("by a zombie that nobody reaps keeps no server from starting", async () => {
    // The child of a process that never asks how it ended.
    const idle = spawn("sh", ["-c", "sleep 0 & echo $!; exec sleep 60"], {
      ...asServer(),
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(() => void idle.kill());
    const [printed] = await once(idle.stdout, "data");
    const zombie = Number(printed);
    await gone(zombie);
    expect(fs.readFileSync(`/proc/${zombie}/stat`, "utf8")).toMatch(/ Z /);
    await lockedBy(zombie);
    expect((await start()).folder).toBe(folder);
  });

  test("and whose number another program got keeps no server from starting, nor harms the program", async () => {
    const stranger = spawn("sleep", ["60"], asServer());
    onTestFinished(() => void stranger.kill());
    await lockedBy(stranger.pid ?? 0);
    expect((await start()).folder).toBe(folder);
    expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
  });
});

/** All files below a folder, with their contents. */
const contents = (path: string) =>
  fs
    .readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => [parentPath, name, fs.readFileSync(join(parentPath, name), "utf8")]);

const tooOld = /was written by PostgreSQL 16, and this one is 18\. Move it away/;
const none = /holds no database of this version: half a one, or that of PGlite/;
test.each([
  ["of another major version", { PG_VERSION: "16\n" }, tooOld],
  ["of PGlite", { PG_VERSION: "18\n", "owner.json": "{}" }, none],
  ["half made", { "postgresql.conf": "" }, none],
])("a folder %s is refused in a sentence, and nothing in it is changed", async (_, files, sentence) => {
  fs.mkdirSync(folder);
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(join(folder, name), text);
  const before = contents(parent);
  await expect(start()).rejects.toThrow(sentence);
  expect(contents(parent)).toEqual(before);
});

test("a folder whose making was interrupted is not taken for one, and made anew", async () => {
  fs.mkdirSync(`${folder}.unfinished-1234/data`, { recursive: true });
  await start();
  expect(fs.readdirSync(parent)).toEqual(["postgres"]);
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
  const links = fs.readdirSync(lib, { withFileTypes: true }).filter((entry) => entry.isSymbolicLink());
  expect(links.length).toBeGreaterThan(process.platform === "linux" ? 10 : 0);
  for (const { name } of links) fs.unlinkSync(join(lib, name));
  installedPostgres();
  for (const { name } of links) expect(fs.existsSync(join(lib, name)), name).toBe(true);
});

test("where there is no package for the platform, a sentence says so and names DATABASE_URL", () => {
  const { arch } = process;
  Object.defineProperty(process, "arch", { value: "riscv64" });
  onTestFinished(() => void Object.defineProperty(process, "arch", { value: arch }));
  expect(() => installedPostgres()).toThrow(
    /^The PostgreSQL .* does not run here \(\w+-riscv64\): .* Set DATABASE_URL to a/,
  );
});

describe.runIf(process.getuid?.() === 0)("for root", () => {
  test("it runs as another account", async () => {
    await start();
    expect(fs.statSync(`/proc/${serverPid()}`).uid).not.toBe(0);
  });

  test("where that account may not go, it runs a copy and keeps the data elsewhere, which it tells", async () => {
    fs.chmodSync(parent, 0o700);
    const server = await start();
    onTestFinished(() => fs.rmSync(server.folder, { recursive: true }));
    expect(dirname(server.folder)).toMatch(/^\/var\/lib\/hospital-api-[0-9a-f]{12}$/);
    expect(await query(server.url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
    expect(fs.existsSync(folder)).toBe(false);
  });
});
