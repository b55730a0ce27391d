import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type Bundle, wrangler } from "./bundle.ts";
import { spread } from "./measure.ts";
import { between, ofProcess } from "./processes.ts";
import type { Start } from "./results.ts";
import type { Bench } from "./servers.ts";
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
