import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import autocannon from "autocannon";
import { type Bundle, runWrangler } from "./bundle.ts";
import { logInCaller } from "./caller.ts";
import { autocannonRequests, quantile, quartilesOf } from "./measure.ts";
import { readProcessCpu, readProcessMemory } from "./processes.ts";
import { dataRequestKinds } from "./request-kinds.ts";
import type { SoakResult, StartResult } from "./results.ts";
import type { BenchContext, BenchServers, BenchWorker } from "./servers.ts";
import { serve } from "./workerd.ts";

const [START_ROUNDS, QUICK_START_ROUNDS] = [3, 2];
/**
 * A deployed Worker has these secrets. Without them it logs at its start which are missing, and loads the code to do
 * so.
 */
const secrets = { DATABASE_URL: "postgres://nobody:nothing@127.0.0.1/none", JWT_SECRET: "-".repeat(32) };

const CONNECTIONS = 200;
const [SOAK_SECONDS, QUICK_SOAK_SECONDS] = [30, 10];
/** The part of the time that is warm-up: caches fill, and code is compiled. */
const WARM_UP_PART = 0.25;
/** The median over these seconds is taken, because memory goes up and down with garbage collection. */
const MEMORY_WINDOW_SECONDS = 5;

/** Measures the size of the bundle, and the CPU time until the Worker has started and responded. */
export async function measureStart({
  servers,
  apiBundle,
  baselineBundle,
  settings,
  showProgress,
}: BenchContext): Promise<StartResult> {
  const code = readFileSync(apiBundle.code);
  const rounds = settings.quick ? QUICK_START_ROUNDS : START_ROUNDS;
  const startupTimes: number[] = [];
  const firstResponseTimes: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    showProgress("start-up", round / rounds);
    const startupTime = await profileStartup(join(servers.folder, "startup.cpuprofile"));
    if (startupTime) startupTimes.push(startupTime);
    const apiFolder = join(servers.folder, `start-${round}`);
    const emptyFolder = join(servers.folder, `empty-${round}`);
    const api = await measureFirstResponse(apiBundle, apiFolder, "/api/nothing/");
    const empty = await measureFirstResponse(baselineBundle, emptyFolder, "/empty");
    firstResponseTimes.push(api - empty);
  }
  return {
    bytes: code.length,
    gzip: gzipSync(code).length, // the default level, as Wrangler compresses it
    packages: sizeByPackage(apiBundle),
    startup:
      startupTimes.length > 0
        ? { fastest: Math.min(...startupTimes), all: quartilesOf(startupTimes) }
        : undefined,
    firstResponse: quartilesOf(firstResponseTimes),
  };
}

/**
 * Runs `wrangler check startup`.
 *
 * @returns CPU milliseconds; undefined when the command fails on this machine or has taken no samples.
 */
async function profileStartup(file: string): Promise<number | undefined> {
  const vars = Object.entries(secrets).map(([name, value]) => `--var ${name}:${value}`);
  const args = ["check", "startup", "--outfile", file, `--args=${vars.join(" ")}`];
  const output = await runWrangler(args).catch(() => "");
  const [, active] = /Active: ([\d.]+) ms/.exec(output) ?? [];
  return Number(active) || undefined;
}

/** @returns CPU milliseconds of a workerd process from its start to its first response */
async function measureFirstResponse(bundle: Bundle, folder: string, path: string): Promise<number> {
  mkdirSync(folder);
  const worker = await serve(bundle, secrets, folder);
  try {
    const response = await fetch(`${worker.origin}${path}`);
    await response.arrayBuffer();
    return readProcessCpu(worker.pid);
  } finally {
    await worker.stop();
  }
}

/** The bytes of a bundle by npm package. What comes from no package is "src". */
function sizeByPackage({ meta }: Bundle): { name: string; bytes: number }[] {
  const sizes = new Map<string, number>();
  for (const { inputs } of Object.values(meta.outputs))
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      const name = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? "src";
      sizes.set(name, (sizes.get(name) ?? 0) + bytesInOutput);
    }
  return [...sizes].map(([name, bytes]) => ({ name, bytes })).sort((a, b) => b.bytes - a.bytes);
}

/** Sends reads and writes on many connections for half a minute, to see whether any fails and whether memory grows. */
export async function measureSoak({
  servers,
  apiBundle,
  settings,
  showProgress,
}: BenchContext): Promise<SoakResult> {
  const seconds = settings.quick ? QUICK_SOAK_SECONDS : SOAK_SECONDS;
  const database = await servers.createDatabase({ patients: 1000 });
  // Not `serveApi`: the Worker needs its default DATABASE_TIMEOUT_MS, which is what may fail under load.
  const worker = await servers.serveWorker(apiBundle, database, {
    JWT_SECRET: randomBytes(32).toString("base64url"),
  });
  // Without the kinds that need prepared rows, because these would run out.
  const caller = await logInCaller(database, worker);
  const kinds = dataRequestKinds(caller).filter(({ prepare }) => !prepare);
  let sent = 0;
  const nextRequest = () => {
    sent += 1;
    return kinds[sent % kinds.length]?.apiRequest() ?? {};
  };
  const run = autocannon({
    url: worker.origin,
    connections: CONNECTIONS,
    duration: seconds,
    timeout: 10,
    requests: autocannonRequests(nextRequest),
  });
  const samples = await sampleMemory(servers, worker, seconds, (second) =>
    showProgress(`${CONNECTIONS} connections`, second / seconds),
  );
  const { requests, latency, non2xx, errors, timeouts } = await run;
  return {
    connections: CONNECTIONS,
    seconds,
    requests: requests.total,
    p50: latency.p50,
    p99: latency.p99,
    failures: { non2xx, connectionErrors: errors - timeouts, timeouts },
    memory: { Worker: summarizeMemory(samples.Worker), endpoint: summarizeMemory(samples.endpoint) },
  };
}

/** Reads the memory of both processes every second, in MiB. */
async function sampleMemory(
  { endpointPid }: BenchServers,
  worker: BenchWorker,
  seconds: number,
  onSecond: (second: number) => void,
): Promise<{ Worker: number[]; endpoint: number[] }> {
  const samples = { Worker: [] as number[], endpoint: [] as number[] };
  for (let second = 1; second < seconds; second += 1) {
    await setTimeout(1000);
    samples.Worker.push(readProcessMemory(worker.pid));
    samples.endpoint.push(readProcessMemory(endpointPid));
    onSecond(second);
  }
  return samples;
}

function summarizeMemory(samples: number[]): { warm: number; end: number } {
  const warmFrom = Math.floor(samples.length * WARM_UP_PART);
  return {
    warm: quantile(samples.slice(warmFrom, warmFrom + MEMORY_WINDOW_SECONDS), 0.5),
    end: quantile(samples.slice(-MEMORY_WINDOW_SECONDS), 0.5),
  };
}
