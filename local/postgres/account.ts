import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

/** An account of the operating system, as options of `spawn`; empty for the account of this process. */
interface SystemUser {
  uid?: number;
  gid?: number;
}

/** The account that PostgreSQL runs as, the folder of its programs, and the folder of its data. */
export interface Place {
  account: SystemUser;
  programs: string;
  folder: string;
}

const project = resolve(import.meta.dirname, "..", "..");

/**
 * Chooses an account and folders for PostgreSQL, which refuses to run as root. Root runs it as the owner of the
 * project, or else as `nobody`. Where that account cannot enter, a copy of the programs and the data are in /var/lib.
 * No account is created.
 *
 * @param preferred the folders of the programs and of the data.
 */
export function choosePlace(preferred: { programs: string; folder: string }): Place {
  if (process.getuid?.() !== 0) return { account: {}, ...preferred };
  const account = ownerOfProject() ?? { uid: idOfNobody("-u"), gid: idOfNobody("-g") };
  const canEnterData = canEnter(account, dirname(preferred.folder));
  if (canEnter(account, preferred.programs) && canEnterData) return { account, ...preferred };
  if (!canEnterData && existsSync(preferred.folder))
    throw new Error(
      `${preferred.folder} exists, but PostgreSQL, which does not run as root, cannot enter it. Move it away, or move the project to a folder that everybody can enter.`,
    );
  const copies = join("/var/lib", `hospital-api-${shortHash(project)}`);
  const programs = copyPrograms(account, preferred.programs, copies);
  // One name for each data folder: the tests must never use a developer's data.
  const folder = canEnterData
    ? preferred.folder
    : join(copies, `${basename(preferred.folder)}-${shortHash(preferred.folder)}`);
  return { account, programs, folder };
}

const shortHash = (path: string): string =>
  createHash("sha256").update(resolve(path)).digest("hex").slice(0, 12);

/** The account that owns the project, unless it is root or has no name on this machine: PostgreSQL needs a name. */
function ownerOfProject(): Required<SystemUser> | undefined {
  const { uid, gid } = statSync(project);
  try {
    execFileSync("id", ["-un", String(uid)], { stdio: "ignore" });
  } catch {
    return undefined;
  }
  return uid === 0 ? undefined : { uid, gid };
}

/** The user id or group id of `nobody`. Where it is negative, `id` prints it as an unsigned 32-bit number. */
const idOfNobody = (option: "-u" | "-g"): number =>
  Number(execFileSync("id", [option, "nobody"], { encoding: "utf8" })) | 0;

/**
 * Whether an account other than root can enter `path` and every folder above it. Folders that do not exist yet count
 * as open.
 */
function canEnter({ uid, gid }: Required<SystemUser>, path: string): boolean {
  const isTop = dirname(path) === path;
  if (!isTop && !canEnter({ uid, gid }, dirname(path))) return false;
  if (!existsSync(path)) return true;
  const { uid: owner, gid: group, mode } = statSync(path);
  const shift = owner === uid ? 6 : group === gid ? 3 : 0;
  return ((mode >> shift) & 1) === 1;
}

/** Copies the programs into `folder`, unless they are there, and makes `account` their owner. @returns the copy */
function copyPrograms({ uid, gid }: Required<SystemUser>, programs: string, folder: string): string {
  const { version } = JSON.parse(readFileSync(join(programs, "..", "package.json"), "utf8"));
  const copy = join(folder, `postgresql-${version}`);
  if (existsSync(copy)) return copy;
  const unfinished = `${copy}.${process.pid}`;
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  rmSync(unfinished, { recursive: true, force: true });
  cpSync(programs, unfinished, { recursive: true, verbatimSymlinks: true });
  execFileSync("chown", ["-R", `${uid}:${gid}`, unfinished]);
  renameSync(unfinished, copy);
  return copy;
}
