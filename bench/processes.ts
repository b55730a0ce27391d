import { readdirSync, readFileSync } from "node:fs";

// All of this is Linux's /proc: https://www.kernel.org/doc/html/latest/filesystems/proc.html

/** Nanoseconds on the CPU so far, by thread or process. */
type Readings = Map<string, number>;

/** The CPU time of a process so far, all its threads. */
export const ofProcess = (pid: number): Readings =>
  new Map(readdirSync(`/proc/${pid}/task`).map((thread) => [thread, onCpu(`${pid}/task/${thread}`)]));

/** The CPU time so far of a PostgreSQL server, each of whose processes has one thread. */
export const ofServer = (postmaster: number): Readings =>
  new Map(processesOf(postmaster).map((pid) => [String(pid), onCpu(String(pid))]));

/** Milliseconds on the CPU between two readings; of what ended in between, nothing. */
export function between(before: Readings, after: Readings): number {
  let sum = 0;
  for (const [thread, nanoseconds] of after) sum += nanoseconds - (before.get(thread) ?? 0);
  return sum / 1e6;
}

/** The memory of a process that is in RAM, in MiB. */
export const memoryOf = (pid: number): number => kibibytes(`/proc/${pid}/status`, "VmRSS") / 1024;

/** The same of a PostgreSQL server; what its processes share is counted once. */
export const memoryOfServer = (postmaster: number): number =>
  processesOf(postmaster).reduce((sum, pid) => sum + kibibytes(`/proc/${pid}/smaps_rollup`, "Pss"), 0) / 1024;

/** The process that started another one. */
export const parentOf = (pid: number): number =>
  Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1]);

/** A postmaster and its children. */
function processesOf(postmaster: number): number[] {
  const pids = readdirSync("/proc").map(Number).filter(Boolean);
  return pids.filter((pid) => pid === postmaster || gone(() => parentOf(pid)) === postmaster);
}

const onCpu = (path: string): number =>
  gone(() => Number(readFileSync(`/proc/${path}/schedstat`, "utf8").split(" ")[0])) ?? 0;

const kibibytes = (file: string, name: string): number =>
  gone(() => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(readFileSync(file, "utf8"))?.[1])) ?? 0;

/** What `read` gives, or nothing when the process has ended meanwhile. */
function gone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
