import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";

interface Owner {
  pid: number;
  /** When the process started, as far as the system tells: a later process may get the same pid. */
  started: string;
}

/** The locks this process holds, for which its pid says nothing. */
const held = new Set<string>();

/**
 * Takes the lock `file` and gives back how to let go of it. A lock left behind by a process that was killed is
 * taken over. (Node has no `flock`, so the lock is a file that names its owner.)
 *
 * @param what what the lock is for, as in "the data directory /data"
 * @throws when another process, or this one, has it
 */
export function takeLock(file: string, what: string): () => void {
  const own = `${file}.${process.pid}`;
  const me: Owner = { pid: process.pid, started: startOf(process.pid) };
  writeFileSync(own, JSON.stringify(me));
  try {
    while (!linked(own, file)) removeStale(file, what);
  } finally {
    rmSync(own);
  }
  held.add(file);
  return () => {
    held.delete(file);
    rmSync(file, { force: true });
  };
}

/** Gives `own` the second name `file`, which is atomic, contents and all: false when the name is taken. */
function linked(own: string, file: string): boolean {
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function removeStale(file: string, what: string): void {
  const before = read(file);
  if (before === undefined) return;
  const owner: Owner = JSON.parse(before);
  if (isAlive(owner, file)) {
    throw new Error(`Process ${owner.pid} uses ${what}: stop it, or choose another directory`);
  }
  const aside = `${file}.${process.pid}.stale`;
  try {
    renameSync(file, aside);
  } catch {
    return; // Another process was faster.
  }
  // Between reading and renaming another process may have taken the lock over: then it is given back.
  if (read(aside) !== before) linked(aside, file);
  rmSync(aside);
}

function isAlive({ pid, started }: Owner, file: string): boolean {
  if (pid === process.pid) return held.has(file);
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: there is one, of another user.
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  return startOf(pid) === started;
}

/** When a process started, in the kernel's ticks since boot (Linux), or nothing where that cannot be told. */
function startOf(pid: number): string {
  const fields = read(`/proc/${pid}/stat`)?.split(") ").at(-1)?.split(" ");
  return fields?.[19] ?? "";
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
