import { readdirSync, readFileSync } from "node:fs";
import autocannon from "autocannon";
import type { Kind } from "./request-kinds.ts";
import type { Servers, Side } from "./servers.ts";

/** What is measured in a slice; all but the first three are for one request. */
export const figures = [
  "rate", // requests a second
  "p50", // ms
  "p99", // ms
  "worker", // ms of CPU of workerd
  "endpoint", // ms of CPU of the endpoint
  "postgres", // ms of CPU of PostgreSQL
  "asked", // requests to the database
  "databaseBytes", // from the endpoint to the Worker, headers too
  "bytes", // from the Worker to the client, headers too
] as const;
export type Slice = Record<(typeof figures)[number], number>;

/** The middle of several measurements, and the quartiles. */
export interface Spread {
  median: number;
  low: number;
  high: number;
}

export interface Load {
  side: Side;
  /** Makes the next request. */
  next: () => autocannon.Request;
  /** The status that every answer must have. */
  status: number;
  connections: number;
}

/** Sends exactly `amount` requests, each connection its next one when it has its answer, and measures them. */
export async function measure(servers: Servers, load: Load, amount: number): Promise<Slice> {
  const askedBefore = await load.side.asked();
  const before = await readSystem(servers, load.side);
  const { times, bytes, seconds } = await drive(load, amount);
  const after = await readSystem(servers, load.side);
  const cpu = (process: "worker" | "endpoint" | "postgres") =>
    between(before[process], after[process]) / amount;
  return {
    rate: amount / seconds,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    worker: cpu("worker"),
    endpoint: cpu("endpoint"),
    postgres: cpu("postgres"),
    asked: ((await load.side.asked()) - askedBefore) / amount,
    databaseBytes: (after.databaseBytes - before.databaseBytes) / amount,
    bytes: bytes / amount,
  };
}

async function readSystem({ endpointPid, postmaster, databaseBytes }: Servers, side: Side) {
  return {
    databaseBytes: await databaseBytes(),
    worker: ofProcess(side.pid),
    endpoint: ofProcess(endpointPid),
    postgres: postmaster ? ofServer(postmaster) : new Map<string, number>(),
  };
}

/**
 * Sends exactly `amount` requests.
 *
 * @returns the milliseconds that each took, and all their bytes.
 * @throws when an answer has another status, or none comes.
 */
export function drive({ side, next, status, connections }: Load, amount: number) {
  return new Promise<{ times: number[]; bytes: number; seconds: number }>((resolve, reject) => {
    const times: number[] = [];
    let bytes = 0;
    let failure = "";
    const start = performance.now();
    let end = start;
    const options = { url: side.origin, connections, amount, timeout: 60, sampleInt: 20 };
    const run = autocannon({ ...options, requests: made(next) }, (error) => {
      if (failure || error || times.length !== amount) {
        const { method, path } = next();
        return reject(new Error(`${method} ${path}: ${failure || error || "an answer is missing"}`));
      }
      resolve({ times, bytes, seconds: (end - start) / 1000 });
    });
    run.on("response", (_client, given, size, time) => {
      times.push(time);
      bytes += size;
      end = performance.now();
      if (Number(given) !== status) failure = `answered ${given} instead of ${status}`;
    });
    run.on("reqError", (error) => {
      failure = String(error);
    });
  });
}

/** For autocannon, requests that are each made when they are sent; it writes into the headers that it is given. */
export function made(next: () => autocannon.Request): autocannon.Request[] {
  const setupRequest = (defaults: autocannon.Request) => {
    const request = next();
    return { ...defaults, ...request, headers: { ...request.headers } };
  };
  return [{ setupRequest }];
}

/** Warms a load up. @returns how many requests of it take `seconds` */
export async function calibrate(kind: Kind, load: Load, seconds: number): Promise<number> {
  let amount = load.connections;
  for (let tries = 0; ; tries += 1) {
    await kind.prepare?.(amount);
    const start = performance.now();
    await drive(load, amount);
    const taken = (performance.now() - start) / 1000;
    const enough = Math.max(load.connections, Math.round((amount * seconds) / taken));
    if (tries === 2 || enough < 2 * amount) return enough;
    amount = Math.ceil(enough / 2);
  }
}

export const spread = (values: number[]): Spread => ({
  median: quantile(values, 0.5),
  low: quantile(values, 0.25),
  high: quantile(values, 0.75),
});

/** The value below which a part `q` of the values is, between the two nearest. */
export function quantile(values: number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const place = q * (sorted.length - 1);
  const [low = 0, high = low] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return low + (high - low) * (place % 1);
}

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
