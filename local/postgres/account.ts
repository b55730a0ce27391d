import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

/** An account of the operating system, as `spawn` takes it; empty for the one that runs this process. */
export interface Account {
  uid?: number;
  gid?: number;
}

/** As whom PostgreSQL runs, which programs, on which folder of data. */
export interface Place {
  account: Account;
  programs: string;
  folder: string;
}

const project = resolve(import.meta.dirname, "..", "..");

/**
 * PostgreSQL refuses to run as root. For root it is the owner of the project who runs it, or else `nobody`; and where that
 * account cannot go, a copy of the programs is run, and the data kept, in /var/lib. No account is made.
 *
 * @param wanted where programs and data are.
 */
export function placeFor(wanted: { programs: string; folder: string }): Place {
  if (process.getuid?.() !== 0) return { account: {}, ...wanted };
  const account = ownerOfProject() ?? { uid: idOf("-u"), gid: idOf("-g") };
  const mayReadData = isOpenTo(account, dirname(wanted.folder));
  if (isOpenTo(account, wanted.programs) && mayReadData) return { account, ...wanted };
  if (!mayReadData && existsSync(wanted.folder))
    throw new Error(
      `${wanted.folder} is there, but PostgreSQL, which does not run as root, cannot go there: move it away, or the project to where everybody may go.`,
    );
  const elsewhere = join("/var/lib", `hospital-api-${shortened(project)}`);
  const programs = copyFor(account, wanted.programs, elsewhere);
  // A name of its own for each: the tests' data must never be taken for a developer's.
  const folder = mayReadData
    ? wanted.folder
    : join(elsewhere, `${basename(wanted.folder)}-${shortened(wanted.folder)}`);
  return { account, programs, folder };
}

const shortened = (path: string): string =>
  createHash("sha256").update(resolve(path)).digest("hex").slice(0, 12);

/** The account that owns the project, unless it is root or has no name here, which PostgreSQL wants. */
function ownerOfProject(): Required<Account> | undefined {
  const { uid, gid } = statSync(project);
  try {
    execFileSync("id", ["-un", String(uid)], { stdio: "ignore" });
  } catch {
    return undefined;
  }
  return uid === 0 ? undefined : { uid, gid };
}

/** An id of `nobody`; where it is negative, `id` prints it as a 32-bit number without a sign. */
const idOf = (which: "-u" | "-g"): number =>
  Number(execFileSync("id", [which, "nobody"], { encoding: "utf8" })) | 0;

/** Whether an account other than root may enter `path` and every folder on the way to it; those that are not there yet, it may. */
function isOpenTo({ uid, gid }: Required<Account>, path: string): boolean {
  const isTop = dirname(path) === path;
  if (!isTop && !isOpenTo({ uid, gid }, dirname(path))) return false;
  if (!existsSync(path)) return true;
  const { uid: owner, gid: group, mode } = statSync(path);
  const shift = owner === uid ? 6 : group === gid ? 3 : 0;
  return ((mode >> shift) & 1) === 1;
}

/** The account's own copy of the programs, below `folder`. */
function copyFor({ uid, gid }: Required<Account>, programs: string, folder: string): string {
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
