import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { choosePlace } from "../../local/postgres/account.ts";
import { installedPostgres, linkLibraries } from "../../local/postgres/binaries.ts";
import { type PostgresServer, startPostgres } from "../../local/postgres/server.ts";
import { changeUrl, query } from "../ops/support.ts";
import { freePort } from "../support/setup.ts";

/** An empty folder that the account PostgreSQL runs as can enter. */
function createParent(): string {
  const parent = fs.mkdtempSync(join(tmpdir(), "hospital-postgres-"));
  fs.chmodSync(parent, 0o755);
  return parent;
}
const remove = (path: string) => fs.rmSync(path, { recursive: true, force: true });

/** Where data can be made, until the running test is finished. */
function newFolder(): string {
  const parent = createParent();
  onTestFinished(() => remove(parent));
  return join(parent, "postgres");
}

/** Data that the tests start a server on one after another: it takes longer to make than to start. */
const sharedParent = createParent();
const shared = join(sharedParent, "postgres");
afterAll(() => remove(sharedParent));

/** Starts a server for the running test; the shared data are durable, which takes longer to make. */
async function start(folder = shared, port?: number): Promise<PostgresServer> {
  const durable = folder === shared;
  const server = await startPostgres({ folder, port: port ?? (await freePort()), durable });
  onTestFinished(() => server.stop());
  return server;
}

const createTable = ({ url }: PostgresServer, name: string) =>
  query(url, `CREATE TABLE ${name} AS SELECT 'Ada' AS name`);
const rowsOf = ({ url }: PostgresServer, name: string) => query(url, `SELECT name FROM ${name}`);
const rows = [{ name: "Ada" }];

const readShared = (name: string) => fs.readFileSync(join(shared, name), "utf8");
const serverPid = () => Number.parseInt(readShared("postmaster.pid"), 10);
/** The account that the server runs as, to start a program by. */
const serverAccount = () => choosePlace({ programs: installedPostgres(), folder: shared }).account;

/** Resolves when a process has ended, whether or not its parent has asked how. */
async function waitForEnd(pid: number): Promise<void> {
  const isZombie = () => /^\d+ \(.*\) Z/.test(fs.readFileSync(`/proc/${pid}/stat`, "utf8"));
  while (fs.existsSync(`/proc/${pid}/exe`) && !isZombie()) await setTimeout(20);
}

test("the server is PostgreSQL 18, listens on 127.0.0.1 only, writes to disk, and its password is random", async () => {
  const { url } = await start();
  const [row] = await query(
    url,
    `SELECT current_setting('server_version_num')::int / 10000 AS version, current_setting('fsync') AS fsync,
       current_setting('listen_addresses') AS addresses, current_setting('unix_socket_directories') AS sockets`,
  );
  expect(row).toEqual({ version: 18, fsync: "on", addresses: "127.0.0.1", sockets: "" });
  expect(new URL(url).password).toMatch(/^[\w-]{32}$/);
  const guess = query(changeUrl(url, { password: "postgres" }), "SELECT 1");
  await expect(guess).rejects.toThrow("password authentication");
  // No other account can read the data or the password.
  for (const path of [shared, join(shared, "password")]) expect(fs.statSync(path).mode & 0o077).toBe(0);
  if (process.getuid?.() === 0) expect(fs.statSync(`/proc/${serverPid()}`).uid).not.toBe(0);
});

test("a server that is stopped during a query keeps what was committed", async () => {
  const server = await start();
  await createTable(server, "before_stop");
  const endless = query(server.url, "SELECT count(*) FROM generate_series(1, 1e12)");
  const failure = expect(endless).rejects.toThrow();
  const isRunning =
    "SELECT FROM pg_stat_activity WHERE query LIKE '%generate_series(1, 1e12)' AND state = 'active'";
  while ((await query(server.url, isRunning)).length === 0) await setTimeout(5);
  await server.stop();
  await failure;
  expect(await rowsOf(await start(), "before_stop")).toEqual(rows);
});

test("a server that is killed keeps what was committed", async () => {
  const server = await start();
  await createTable(server, "before_kill");
  process.kill(serverPid(), "SIGKILL");
  await server.ended;
  expect(await rowsOf(await start(), "before_kill")).toEqual(rows);
});

test("a server that was left running is ended before another one starts on its data", async () => {
  const script = `
    import { startPostgres } from ${JSON.stringify(join(import.meta.dirname, "../../local/postgres/server.ts"))};
    await startPostgres({ folder: process.argv[1], port: Number(process.argv[2]), durable: true });
    console.log("up"); setInterval(() => {}, 1000);`;
  const port = await freePort();
  const args = ["--input-type=module", "-e", script, shared, String(port)];
  const starter: ChildProcess = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  await once(starter.stdout as NodeJS.EventEmitter, "data");
  starter.kill("SIGKILL");
  await once(starter, "exit");
  const leftPid = serverPid();
  const url = `postgres://postgres:${readShared("password")}@127.0.0.1:${port}/postgres`;
  await query(url, "CREATE TABLE left_running AS SELECT 'Ada' AS name");
  const server = await start(shared, port);
  expect(serverPid()).not.toBe(leftPid);
  await waitForEnd(leftPid);
  expect(await rowsOf(server, "left_running")).toEqual(rows);
});

describe.runIf(fs.existsSync("/proc"))("a lock file that is left", () => {
  /** Writes a lock file that names the process `pid`, as a server that was killed leaves it. */
  async function writeLockFile(pid: number): Promise<void> {
    const server = await start();
    const lock = readShared("postmaster.pid");
    await server.stop();
    fs.writeFileSync(join(shared, "postmaster.pid"), lock.replace(/^\d+/, String(pid)), { mode: 0o600 });
  }

  test("and names a zombie process does not keep a server from starting", async () => {
    // The child of a process that never asks how it ended. It ends when the shell, which might ask, has become that process.
    const child = "until grep -qx sleep /proc/$$/comm; do :; done";
    const idle = spawn("sh", ["-c", `${child} & echo $!; exec sleep 600`], {
      ...serverAccount(),
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(() => void idle.kill());
    const [printed] = await once(idle.stdout, "data");
    const zombie = Number(printed);
    await waitForEnd(zombie);
    expect(fs.readFileSync(`/proc/${zombie}/stat`, "utf8")).toMatch(/ Z /);
    await writeLockFile(zombie);
    expect((await start()).folder).toBe(shared);
  });

  test("and names another program's process does not keep a server from starting, nor harm the program", async () => {
    const stranger = spawn("sleep", ["600"], serverAccount());
    onTestFinished(() => void stranger.kill());
    await writeLockFile(stranger.pid ?? 0);
    expect((await start()).folder).toBe(shared);
    expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
  });
});

/** All files below a folder, with their contents. */
const contents = (path: string) =>
  fs
    .readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => [parentPath, name, fs.readFileSync(join(parentPath, name), "utf8")]);

const otherVersion = /was written by PostgreSQL 16, and this one is 18\. Move it away/;
const noDatabase = /holds no database of this version: it is incomplete, or was made by PGlite/;
test.each([
  ["of another major version", { PG_VERSION: "16\n" }, otherVersion],
  ["made by PGlite", { PG_VERSION: "18\n", "owner.json": "{}" }, noDatabase],
  ["that is incomplete", { "postgresql.conf": "" }, noDatabase],
])("a data folder %s is refused and not changed", async (_, files, sentence) => {
  const folder = newFolder();
  fs.mkdirSync(folder);
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(join(folder, name), text);
  const before = contents(dirname(folder));
  await expect(start(folder)).rejects.toThrow(sentence);
  expect(contents(dirname(folder))).toEqual(before);
});

test("a data folder whose creation was interrupted is created anew", async () => {
  const folder = newFolder();
  fs.mkdirSync(`${folder}.unfinished-1234/data`, { recursive: true });
  await start(folder);
  expect(fs.readdirSync(dirname(folder))).toEqual(["postgres"]);
});

test("a port that is in use is an error with the code EADDRINUSE and the port in its message", async () => {
  const occupier = createServer();
  const port = await freePort();
  await once(occupier.listen(port, "127.0.0.1"), "listening");
  onTestFinished(() => void occupier.close());
  await expect(start(shared, port)).rejects.toMatchObject({
    code: "EADDRINUSE",
    message: expect.stringContaining(`Port ${port} of 127.0.0.1, wanted for PostgreSQL, is in use`),
  });
});

test("symbolic links to libraries that the installation did not create are created", () => {
  const files = fs.readdirSync(join(installedPostgres(), "lib"), { withFileTypes: true });
  const links = files.filter((file) => file.isSymbolicLink());
  expect(links.length).toBeGreaterThan(process.platform === "linux" ? 10 : 0);
  // In a folder with the same files: other tests start programs of the installed one meanwhile.
  const lib = newFolder();
  fs.mkdirSync(lib);
  for (const file of files) if (file.isFile()) fs.writeFileSync(join(lib, file.name), "");
  linkLibraries(lib);
  for (const { name } of links) expect(fs.existsSync(join(lib, name)), name).toBe(true);
});

test("a platform without a PostgreSQL package is an error that names DATABASE_URL", () => {
  const { arch } = process;
  Object.defineProperty(process, "arch", { value: "riscv64" });
  onTestFinished(() => void Object.defineProperty(process, "arch", { value: arch }));
  expect(() => installedPostgres()).toThrow(
    /^The PostgreSQL .* does not run here \(\w+-riscv64\): .* Set DATABASE_URL to a/,
  );
});

test.runIf(process.getuid?.() === 0)(
  "started by root where PostgreSQL's account cannot go, a copy is run and the data are kept elsewhere",
  async () => {
    const folder = newFolder();
    fs.chmodSync(dirname(folder), 0o700);
    const server = await start(folder);
    onTestFinished(() => remove(server.folder));
    expect(dirname(server.folder)).toMatch(/^\/var\/lib\/hospital-api-[0-9a-f]{12}$/);
    expect(await query(server.url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
    expect(fs.existsSync(folder)).toBe(false);
  },
);
