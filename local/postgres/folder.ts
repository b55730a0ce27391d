import { execFileSync, type StdioOptions, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { Place } from "./account.ts";

/** The major version of the installed PostgreSQL. It cannot use a data folder of another one. */
const MAJOR_VERSION = "18";

/**
 * The password of the user `postgres`, kept among PostgreSQL's files. It also marks a folder as ours and complete.
 */
const passwordFile = (folder: string): string => join(folder, "password");

/**
 * Makes sure that the data folder exists, is complete and is used by no other server. Returns the password of the
 * user `postgres`.
 *
 * @param durable whether a new folder must survive a loss of power.
 * @throws an error whose message says what is wrong and what to do; then nothing has been changed.
 */
export async function prepareFolder(place: Place, durable: boolean): Promise<string> {
  const { folder } = place;
  if (!existsSync(folder) || readdirSync(folder).length === 0) createFolder(place, durable);
  checkFolder(folder);
  await endServersOn(realpathSync(folder));
  return readFileSync(passwordFile(folder), "utf8");
}

/** Creates it under another name and renames it at the end: if it exists, it is complete. */
function createFolder(place: Place, durable: boolean): void {
  const { folder } = place;
  const prefix = `${basename(folder)}.unfinished-`;
  mkdirSync(dirname(folder), { recursive: true });
  for (const name of readdirSync(dirname(folder)).filter((name) => name.startsWith(prefix)))
    rmSync(join(dirname(folder), name), { recursive: true, force: true });
  const unfinished = join(dirname(folder), `${prefix}${randomBytes(4).toString("hex")}`);
  const [data, password] = [join(unfinished, "data"), join(unfinished, "password")];
  mkdirSync(unfinished, { mode: 0o700 });
  writeFileSync(password, randomBytes(24).toString("base64url"), { mode: 0o600 });
  const { uid, gid } = place.account;
  if (uid !== undefined && gid !== undefined)
    for (const path of [unfinished, password]) chownSync(path, uid, gid);
  runInitdb(place, [`--pgdata=${data}`, `--pwfile=${password}`, ...(durable ? [] : ["--no-sync"])]);
  renameSync(password, passwordFile(data));
  renameSync(data, folder);
  rmSync(unfinished, { recursive: true });
}

function runInitdb({ account, programs, folder }: Place, paths: string[]): void {
  // PostgreSQL's built-in locale, as on Neon: the same sort order and letter case on every machine.
  const locale = ["--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"];
  const args = ["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", ...locale, ...paths];
  const stdio: StdioOptions = ["ignore", "ignore", "pipe"];
  try {
    execFileSync(join(programs, "bin", "initdb"), args, { ...account, cwd: "/", stdio, env: {} });
  } catch (error) {
    throw new Error(`PostgreSQL could not create a database in ${folder}: ${Object(error).stderr || error}`);
  }
}

/** @throws an error when the folder is of another version, or not ours, or not complete */
function checkFolder(folder: string): void {
  const advice = "Move it away, or set DATABASE_URL to a server of your own. Nothing has been changed.";
  const versionFile = join(folder, "PG_VERSION");
  const version = existsSync(versionFile) && readFileSync(versionFile, "utf8").trim();
  if (version && version !== MAJOR_VERSION)
    throw new Error(
      `${folder} was written by PostgreSQL ${version}, and this one is ${MAJOR_VERSION}. ${advice}`,
    );
  if (!version || !existsSync(passwordFile(folder)))
    throw new Error(
      `${folder} holds no database of this version: it is incomplete, or was made by PGlite, which older versions used. ${advice}`,
    );
}

/**
 * Ends the processes that still use a data folder: those of a server that was left running. If there is a lock file
 * afterwards, the process that it names is not a server: it is a zombie that nobody has reaped, or another program
 * that got the same process id. PostgreSQL would refuse to start because of it, so the file is removed.
 */
async function endServersOn(folder: string): Promise<void> {
  const server = readLockFile(folder);
  if (server && processesOn(folder).includes(server)) process.kill(server, "SIGINT");
  if (!(await waitForEnd(30, folder))) for (const pid of processesOn(folder)) process.kill(pid, "SIGQUIT");
  if (!(await waitForEnd(10, folder)))
    throw new Error(
      `A PostgreSQL server still uses ${folder} and does not end (process ${processesOn(folder)}): end it first.`,
    );
  rmSync(lockFile(folder), { force: true });
}

/** Waits until no process uses the folder, for `seconds` at most. @returns whether none does */
async function waitForEnd(seconds: number, folder: string): Promise<boolean> {
  for (const deadline = Date.now() + 1000 * seconds; Date.now() < deadline; await setTimeout(50))
    if (processesOn(folder).length === 0) return true;
  return false;
}

const lockFile = (folder: string): string => join(folder, "postmaster.pid");

/** The process id in the lock file. The process may have ended. */
const readLockFile = (folder: string): number | undefined =>
  existsSync(lockFile(folder)) ? Number.parseInt(readFileSync(lockFile(folder), "utf8"), 10) : undefined;

/** The running PostgreSQL processes that use a data folder; without /proc only the one that the lock file names. */
function processesOn(folder: string): number[] {
  if (existsSync("/proc/self/cwd"))
    return readdirSync("/proc")
      .map(Number)
      .filter((pid) => pid > 0 && isWorkingIn(pid, folder));
  const pid = readLockFile(folder);
  return pid && isPostgres(pid, folder) ? [pid] : [];
}

/** Whether a process is PostgreSQL and its working directory is `folder`. A zombie has no working directory. */
function isWorkingIn(pid: number, folder: string): boolean {
  try {
    const isPostgres = readFileSync(`/proc/${pid}/comm`, "utf8") === "postgres\n";
    return isPostgres && isSameFolder(statSync(`/proc/${pid}/cwd`), statSync(folder));
  } catch {
    return false; // it has ended, or belongs to another account
  }
}

/** Whether two paths are the same folder, also when a container sees it at another path. */
const isSameFolder = (a: Stats, b: Stats): boolean => a.dev === b.dev && a.ino === b.ino;

/** Whether a process is PostgreSQL on `folder`, by its command line. On Windows only its program name is known. */
function isPostgres(pid: number, folder: string): boolean {
  const [command, ...args] =
    process.platform === "win32"
      ? ["tasklist", "/FI", `PID eq ${pid}`]
      : ["ps", "-ww", "-o", "command=", "-p", String(pid)];
  return spawnSync(command, args, { encoding: "utf8" }).stdout.includes(
    process.platform === "win32" ? "postgres" : `-D ${folder}`,
  );
}
