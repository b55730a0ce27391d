import { readdirSync, readFileSync } from "node:fs";
import autocannon from "autocannon";
import type { RequestKind } from "./request-kinds.ts";
import type { BenchServers, BenchWorker } from "./servers.ts";

/** What is measured while a fixed number of requests is sent. All but the first three are per request. */
export const metricNames = [
  "requestsPerSecond",
  "p50", // ms
  "p99", // ms
  "workerCpu", // ms of CPU of workerd
  "endpointCpu", // ms of CPU of the local Neon endpoint
  "postgresCpu", // ms of CPU of PostgreSQL
  "databaseRequests", // requests from the Worker to the endpoint
  "databaseBytes", // from the endpoint to the Worker, with headers
  "responseBytes", // from the Worker to the client, with headers
] as const;
export type Metrics = Record<(typeof metricNames)[number], number>;

/** The median of several measurements, and the first and third quartile. */
export interface Quartiles {
  median: number;
  low: number;
  high: number;
}

/** A series of requests to one Worker. */
export interface Load {
  worker: BenchWorker;
  nextRequest: () => autocannon.Request;
  /** The status that every response must have. */
  status: number;
  /** How many requests are open at any time. */
  connections: number;
}

/** Sends `count` requests and measures them; see `sendRequests`. */
export async function measureLoad(servers: BenchServers, load: Load, count: number): Promise<Metrics> {
  const databaseRequestsBefore = await load.worker.countDatabaseRequests();
  const before = await readCounters(servers, load.worker);
  const { times, bytes, seconds } = await sendRequests(load, count);
  const after = await readCounters(servers, load.worker);
  const databaseRequests = (await load.worker.countDatabaseRequests()) - databaseRequestsBefore;
  return {
    requestsPerSecond: count / seconds,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    workerCpu: cpuBetween(before.workerCpu, after.workerCpu) / count,
    endpointCpu: cpuBetween(before.endpointCpu, after.endpointCpu) / count,
    postgresCpu: cpuBetween(before.postgresCpu, after.postgresCpu) / count,
    databaseRequests: databaseRequests / count,
    databaseBytes: (after.databaseBytes - before.databaseBytes) / count,
    responseBytes: bytes / count,
  };
}

async function readCounters(servers: BenchServers, worker: BenchWorker) {
  const { endpointPid, postmasterPid, countDatabaseBytes } = servers;
  return {
    databaseBytes: await countDatabaseBytes(),
    workerCpu: readProcessCpu(worker.pid),
    endpointCpu: readProcessCpu(endpointPid),
    postgresCpu: postmasterPid ? readPostgresCpu(postmasterPid) : new Map<string, number>(),
  };
}

/**
 * Sends exactly `count` requests. Each connection sends its next request when it has its response.
 *
 * @returns the milliseconds of each request, the bytes of all responses, and the seconds until the last response.
 * @throws when a response is missing or has another status than `load.status`.
 */
export function sendRequests({ worker, nextRequest, status, connections }: Load, count: number) {
  return new Promise<{ times: number[]; bytes: number; seconds: number }>((resolve, reject) => {
    const times: number[] = [];
    let bytes = 0;
    let failure = "";
    const start = performance.now();
    let end = start;
    const options = { url: worker.origin, connections, amount: count, timeout: 60, sampleInt: 20 };
    const run = autocannon({ ...options, requests: autocannonRequests(nextRequest) }, (error) => {
      if (failure || error || times.length !== count) {
        const { method, path } = nextRequest();
        return reject(new Error(`${method} ${path}: ${failure || error || "a response is missing"}`));
      }
      resolve({ times, bytes, seconds: (end - start) / 1000 });
    });
    run.on("response", (_client, responseStatus, size, time) => {
      times.push(time);
      bytes += size;
      end = performance.now();
      if (Number(responseStatus) !== status) failure = `returned ${responseStatus} instead of ${status}`;
    });
    run.on("reqError", (error) => {
      failure = String(error);
    });
  });
}

/**
 * The `requests` option of autocannon: calls `nextRequest` for each request that is sent. The headers are copied,
 * because autocannon writes into them.
 */
export function autocannonRequests(nextRequest: () => autocannon.Request): autocannon.Request[] {
  const setupRequest = (defaults: autocannon.Request) => {
    const request = nextRequest();
    return { ...defaults, ...request, headers: { ...request.headers } };
  };
  return [{ setupRequest }];
}

/** Sends requests to warm up. @returns how many requests of this load take `seconds` */
export async function calibrate(kind: RequestKind, load: Load, seconds: number): Promise<number> {
  let count = load.connections;
  for (let attempt = 1; ; attempt += 1) {
    await kind.prepare?.(count);
    const start = performance.now();
    await sendRequests(load, count);
    const elapsed = (performance.now() - start) / 1000;
    const estimate = Math.max(load.connections, Math.round((count * seconds) / elapsed));
    if (attempt === 3 || estimate < 2 * count) return estimate;
    count = Math.ceil(estimate / 2);
  }
}

export const quartilesOf = (values: number[]): Quartiles => ({
  median: quantile(values, 0.5),
  low: quantile(values, 0.25),
  high: quantile(values, 0.75),
});

/** The `q`-quantile of `values`, `q` from 0 to 1, by linear interpolation between the two nearest values. */
export function quantile(values: number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const position = q * (sorted.length - 1);
  const [low = 0, high = low] = [sorted[Math.floor(position)], sorted[Math.ceil(position)]];
  return low + (high - low) * (position % 1);
}

// What follows reads Linux's /proc: https://www.kernel.org/doc/html/latest/filesystems/proc.html

/** Nanoseconds on the CPU so far, by thread or process. */
type CpuReading = Map<string, number>;

/** The CPU time so far of all threads of a process. */
export const readProcessCpu = (pid: number): CpuReading =>
  new Map(
    readdirSync(`/proc/${pid}/task`).map((thread) => [thread, cpuNanoseconds(`${pid}/task/${thread}`)]),
  );

/** The CPU time so far of all processes of a PostgreSQL server. Each of them has one thread. */
const readPostgresCpu = (postmasterPid: number): CpuReading =>
  new Map(postgresPids(postmasterPid).map((pid) => [String(pid), cpuNanoseconds(String(pid))]));

/** Milliseconds on the CPU between two readings. Threads and processes that ended in between are not counted. */
export function cpuBetween(before: CpuReading, after: CpuReading): number {
  let sum = 0;
  for (const [thread, nanoseconds] of after) sum += nanoseconds - (before.get(thread) ?? 0);
  return sum / 1e6;
}

/** The memory of a process that is in RAM, in MiB. */
export const readProcessMemory = (pid: number): number =>
  readKibibytes(`/proc/${pid}/status`, "VmRSS") / 1024;

/** The memory of a PostgreSQL server that is in RAM, in MiB. Memory that its processes share is counted once. */
export const readPostgresMemory = (postmasterPid: number): number =>
  postgresPids(postmasterPid).reduce(
    (sum, pid) => sum + readKibibytes(`/proc/${pid}/smaps_rollup`, "Pss"),
    0,
  ) / 1024;

/** The id of the process that started process `pid`. */
export const parentPid = (pid: number): number =>
  Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1]);

/** The postmaster and its children. */
function postgresPids(postmasterPid: number): number[] {
  const pids = readdirSync("/proc").map(Number).filter(Boolean);
  return pids.filter((pid) => pid === postmasterPid || unlessEnded(() => parentPid(pid)) === postmasterPid);
}

const cpuNanoseconds = (path: string): number =>
  unlessEnded(() => Number(readFileSync(`/proc/${path}/schedstat`, "utf8").split(" ")[0])) ?? 0;

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
