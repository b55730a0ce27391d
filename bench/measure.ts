import autocannon from "autocannon";
import { readPostgresCpu, readProcessCpu } from "./processes.ts";
import type { RequestKind } from "./request-kinds.ts";
import type { BenchServers, BenchWorker } from "./servers.ts";

/** What is measured while a fixed number of requests is sent. All but the first four are per request. */
export const metricNames = [
  "seconds",
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
    seconds,
    requestsPerSecond: count / seconds,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    workerCpu: (after.workerCpu - before.workerCpu) / count,
    endpointCpu: (after.endpointCpu - before.endpointCpu) / count,
    postgresCpu: (after.postgresCpu - before.postgresCpu) / count,
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
    postgresCpu: postmasterPid ? readPostgresCpu(postmasterPid) : 0,
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

/** The part of a measurement that the last run of its warm-up takes at least. */
const WARM_UP_PART = 0.4;
/** By how much more requests a measurement has than fit into its time: they become faster even after the warm-up. */
export const RESERVE = 1.1;

/** Sends requests to warm up. @returns how many requests of this load take at least `seconds` */
export async function calibrate(kind: RequestKind, load: Load, seconds: number): Promise<number> {
  let count = load.connections;
  for (;;) {
    await kind.prepare?.(count);
    const run = await sendRequests(load, count);
    const estimate = (count * seconds) / run.seconds;
    if (run.seconds >= WARM_UP_PART * seconds)
      return Math.max(load.connections, Math.ceil(RESERVE * estimate));
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
