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

/** What the installed PostgreSQL reads and writes; a folder of another major version it does neither. */
const MAJOR_VERSION = "18";

/** Beside PostgreSQL's own files: the password of its user `postgres`, and the sign that the folder is ours and complete. */
const passwordFile = (folder: string): string => join(folder, "password");

/**
 * Makes sure that a folder of data is there, complete and used by no other server, and gives back the password of its user
 * `postgres`.
 *
 * @param durable whether a new one is to survive a loss of power.
 * @throws an error whose message says what is in the way and what to do; nothing has been changed then.
 */
export async function prepareFolder(place: Place, durable: boolean): Promise<string> {
  const { folder } = place;
  if (!existsSync(folder) || readdirSync(folder).length === 0) make(place, durable);
  requireOurs(folder);
  await endServersOn(realpathSync(folder));
  return readFileSync(passwordFile(folder), "utf8");
}

/** Makes it under another name first: one that is there is complete, however this ends. */
function make(place: Place, durable: boolean): void {
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
  initialise(place, [`--pgdata=${data}`, `--pwfile=${password}`, ...(durable ? [] : ["--no-sync"])]);
  renameSync(password, passwordFile(data));
  renameSync(data, folder);
  rmSync(unfinished, { recursive: true });
}

function initialise({ account, programs, folder }: Place, paths: string[]): void {
  // The same order and the same case of letters on every machine: PostgreSQL's own, as Neon has it.
  const locale = ["--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"];
  const args = ["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", ...locale, ...paths];
  const stdio: StdioOptions = ["ignore", "ignore", "pipe"];
  try {
    execFileSync(join(programs, "bin", "initdb"), args, { ...account, cwd: "/", stdio, env: {} });
  } catch (error) {
    throw new Error(`PostgreSQL could not make a database in ${folder}: ${Object(error).stderr || error}`);
  }
}

function requireOurs(folder: string): void {
  const advice = "Move it away, or set DATABASE_URL to a server of your own; nothing has been changed.";
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
 * Ends what still runs on a folder of data: a server that was left behind, or the last of its processes. Then a lock file
 * that is still there names nobody: a zombie that no init process has reaped, or a stranger who got the number. PostgreSQL
 * would take either for a server.
 */
async function endServersOn(folder: string): Promise<void> {
  const server = lockedBy(folder);
  if (server && processesOn(folder).includes(server)) process.kill(server, "SIGINT");
  if (!(await endedWithin(30, folder))) for (const pid of processesOn(folder)) process.kill(pid, "SIGQUIT");
  if (!(await endedWithin(10, folder)))
    throw new Error(
      `A PostgreSQL server still uses ${folder} and does not end (process ${processesOn(folder)}): end it first.`,
    );
  rmSync(lockFile(folder), { force: true });
}

/** Whether all of them have ended before so many seconds are over. */
async function endedWithin(seconds: number, folder: string): Promise<boolean> {
  for (const until = Date.now() + 1000 * seconds; Date.now() < until; await setTimeout(50))
    if (processesOn(folder).length === 0) return true;
  return false;
}

const lockFile = (folder: string): string => join(folder, "postmaster.pid");

/** The process that a server's lock file names, dead or alive. */
const lockedBy = (folder: string): number | undefined =>
  existsSync(lockFile(folder)) ? Number.parseInt(readFileSync(lockFile(folder), "utf8"), 10) : undefined;

/** PostgreSQL's living processes on a folder of data; where there is no /proc to look in, the one that its lock file names. */
function processesOn(folder: string): number[] {
  if (existsSync("/proc/self/cwd"))
    return readdirSync("/proc")
      .map(Number)
      .filter((pid) => pid > 0 && worksIn(pid, folder));
  const pid = lockedBy(folder);
  return pid && isPostgres(pid, folder) ? [pid] : [];
}

/** Whether a process is PostgreSQL's and works in `folder`; a zombie works nowhere. */
function worksIn(pid: number, folder: string): boolean {
  try {
    const isPostgres = readFileSync(`/proc/${pid}/comm`, "utf8") === "postgres\n";
    return isPostgres && isSame(statSync(`/proc/${pid}/cwd`), statSync(folder));
  } catch {
    return false; // gone meanwhile, or another account's
  }
}

/** Whether it is the same folder, also where a container sees it under another name. */
const isSame = (one: Stats, other: Stats): boolean => one.dev === other.dev && one.ino === other.ino;

/** Whether a process is PostgreSQL's on `folder`, as its command line says; Windows does not tell that, only whose it is. */
function isPostgres(pid: number, folder: string): boolean {
  const [command, ...args] =
    process.platform === "win32"
      ? ["tasklist", "/FI", `PID eq ${pid}`]
      : ["ps", "-ww", "-o", "command=", "-p", String(pid)];
  return spawnSync(command, args, { encoding: "utf8" }).stdout.includes(
    process.platform === "win32" ? "postgres" : `-D ${folder}`,
  );
}
