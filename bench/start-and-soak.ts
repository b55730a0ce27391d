import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import autocannon from "autocannon";
import { type Bundle, wrangler } from "./bundle.ts";
import { between, made, memoryOf, ofProcess, quantile, spread } from "./measure.ts";
import { kindsOfWork, openScene } from "./request-kinds.ts";
import type { Soak, Start } from "./results.ts";
import type { Bench, Servers, Side } from "./servers.ts";
import { serve } from "./workerd.ts";

const ROUNDS = 5;

/** As a Worker is deployed: one without secrets tells what is missing when it starts, and loads what prints it. */
const secrets = { DATABASE_URL: "postgres://nobody:nothing@127.0.0.1/none", JWT_SECRET: "-".repeat(32) };

/** What the bundle weighs, and what it costs until it can answer. */
export async function measureStart({ servers, product, floor, settings, step }: Bench): Promise<Start> {
  const code = readFileSync(product.code);
  const rounds = settings.quick ? 2 : ROUNDS;
  const profiles: number[] = [];
  const answers: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    step("starting", round / rounds);
    const profile = await profileStart(join(servers.folder, "startup.cpuprofile"));
    if (profile) profiles.push(profile);
    const own = await cpuToFirstAnswer(product, join(servers.folder, `start-${round}`), "/api/nothing/");
    const empty = await cpuToFirstAnswer(floor, join(servers.folder, `empty-${round}`), "/empty");
    answers.push(own - empty);
  }
  return {
    bytes: code.length,
    gzip: gzipSync(code).length, // as Wrangler does it
    parts: partsOf(product),
    startup: profiles.length > 0 ? { fastest: Math.min(...profiles), all: spread(profiles) } : undefined,
    firstAnswer: spread(answers),
  };
}

/** What `wrangler check startup` says, in milliseconds; nothing when it does not work here, or has seen nothing. */
async function profileStart(file: string): Promise<number | undefined> {
  const bound = Object.entries(secrets).map(([name, value]) => `--var ${name}:${value}`);
  const told = await wrangler("check", "startup", "--outfile", file, `--args=${bound.join(" ")}`).catch(
    () => "",
  );
  const [, active] = /Active: ([\d.]+) ms/.exec(told) ?? [];
  return Number(active) || undefined;
}

/** CPU of a workerd process from its first instruction to its first answer. */
async function cpuToFirstAnswer(bundle: Bundle, folder: string, path: string): Promise<number> {
  mkdirSync(folder);
  const worker = await serve(bundle, secrets, folder);
  try {
    const response = await fetch(`${worker.origin}${path}`);
    await response.arrayBuffer();
    return between(new Map(), ofProcess(worker.pid));
  } finally {
    await worker.stop();
  }
}

/** The bytes of a bundle by whose they are: packages by name, all else is ours. */
function partsOf({ meta }: Bundle): { name: string; bytes: number }[] {
  const parts = new Map<string, number>();
  for (const { inputs } of Object.values(meta.outputs))
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      const name = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? "src";
      parts.set(name, (parts.get(name) ?? 0) + bytesInOutput);
    }
  return [...parts].map(([name, bytes]) => ({ name, bytes })).sort((a, b) => b.bytes - a.bytes);
}

const CONNECTIONS = 200;
const [SECONDS, QUICK_SECONDS] = [60, 10];
/** The part of the time after which all is warm: caches are filled, and what was compiled is there. */
const WARM = 0.25;
/** Over how many seconds memory is looked at: garbage comes and goes. */
const WINDOW = 5;

/** Reads and changes by many connections at once, for long: whether any fails, and whether memory grows. */
export async function measureSoak({ servers, product, settings, step }: Bench): Promise<Soak> {
  const seconds = settings.quick ? QUICK_SECONDS : SECONDS;
  const database = await servers.fill({ patients: 1000 });
  // With the deadline that it has in production, for that is what may fail.
  const side = await servers.serve(product, database, {
    JWT_SECRET: randomBytes(32).toString("base64url"),
  });
  // What has to be prepared would be used up.
  const kinds = kindsOfWork(await openScene(database, side)).filter(({ prepare }) => !prepare);
  let turn = 0;
  const next = () => {
    turn += 1;
    return kinds[turn % kinds.length]?.product() ?? {};
  };
  const running = autocannon({
    url: side.origin,
    connections: CONNECTIONS,
    duration: seconds,
    timeout: 10,
    requests: made(next),
  });
  const samples = await watch(servers, side, seconds, (second) =>
    step(`${CONNECTIONS} connections`, second / seconds),
  );
  const { requests, latency, non2xx, errors, timeouts } = await running;
  return {
    connections: CONNECTIONS,
    seconds,
    requests: requests.total,
    p50: latency.p50,
    p99: latency.p99,
    failures: { refused: non2xx, broken: errors - timeouts, late: timeouts },
    memory: { Worker: warmAndEnd(samples.Worker), endpoint: warmAndEnd(samples.endpoint) },
  };
}

/** The memory of both processes, second by second, in MiB. */
async function watch(
  { endpointPid }: Servers,
  side: Side,
  seconds: number,
  onSecond: (second: number) => void,
): Promise<{ Worker: number[]; endpoint: number[] }> {
  const samples = { Worker: [] as number[], endpoint: [] as number[] };
  for (let second = 1; second < seconds; second += 1) {
    await setTimeout(1000);
    samples.Worker.push(memoryOf(side.pid));
    samples.endpoint.push(memoryOf(endpointPid));
    onSecond(second);
  }
  return samples;
}

function warmAndEnd(samples: number[]): { warm: number; end: number } {
  const warmFrom = Math.floor(samples.length * WARM);
  return {
    warm: quantile(samples.slice(warmFrom, warmFrom + WINDOW), 0.5),
    end: quantile(samples.slice(-WINDOW), 0.5),
  };
}
