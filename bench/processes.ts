import { readdirSync, readFileSync } from "node:fs";

// Reads Linux's /proc: https://www.kernel.org/doc/html/latest/filesystems/proc.html

/** Milliseconds on the CPU so far of a process, whose threads do not end. */
export function readProcessCpu(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  return sum(threads.map((thread) => cpuMilliseconds(`${pid}/task/${thread}`)));
}

/**
 * Milliseconds on the CPU so far of all processes of a PostgreSQL server, also of those that have ended: connections
 * that were closed, and workers of autovacuum. Each of them has one thread.
 */
export const readPostgresCpu = (postmasterPid: number): number =>
  sum(postgresPids(postmasterPid).map((pid) => cpuMilliseconds(String(pid)))) +
  endedChildrenCpu(postmasterPid);

/** The memory of a process that is in RAM, in MiB. */
export const readProcessMemory = (pid: number): number =>
  readKibibytes(`/proc/${pid}/status`, "VmRSS") / 1024;

/** The memory of a PostgreSQL server that is in RAM, in MiB. Memory that its processes share is counted once. */
export const readPostgresMemory = (postmasterPid: number): number =>
  sum(postgresPids(postmasterPid).map((pid) => readKibibytes(`/proc/${pid}/smaps_rollup`, "Pss"))) / 1024;

/** The id of the process that started process `pid`. */
export const parentPid = (pid: number): number => Number(statFields(pid)[4 - 3]);

/** The postmaster and its children. */
function postgresPids(postmasterPid: number): number[] {
  const pids = readdirSync("/proc").map(Number).filter(Boolean);
  return pids.filter((pid) => pid === postmasterPid || unlessEnded(() => parentPid(pid)) === postmasterPid);
}

/** What Linux counts CPU time in where it is not in nanoseconds: USER_HZ. */
const MILLISECONDS_PER_TICK = 10;

/** The fields of /proc/<pid>/stat from the third one on. The second one, the name, may contain spaces. */
const statFields = (pid: number): string[] =>
  readFileSync(`/proc/${pid}/stat`, "utf8").replace(/.*\) /, "").split(" ");

/** Milliseconds on the CPU of the children of a process that have ended: the fields `cutime` and `cstime`, 16 and 17. */
function endedChildrenCpu(pid: number): number {
  const [user, system] = statFields(pid).slice(16 - 3);
  return (Number(user) + Number(system)) * MILLISECONDS_PER_TICK;
}

/** The scheduler counts nanoseconds. */
const cpuMilliseconds = (path: string): number =>
  unlessEnded(() => Number(readFileSync(`/proc/${path}/schedstat`, "utf8").split(" ")[0]) / 1e6) ?? 0;

const readKibibytes = (file: string, name: string): number =>
  unlessEnded(() =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(readFileSync(file, "utf8"))?.[1]),
  ) ?? 0;

/** The result of `read`, or undefined when the process has ended meanwhile. */
function unlessEnded<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);
