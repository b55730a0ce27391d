import { randomBytes } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import autocannon from "autocannon";
import { kindsOfWork, openScene } from "./kinds.ts";
import { made, quantile } from "./measure.ts";
import { memoryOf } from "./processes.ts";
import type { Soak } from "./results.ts";
import type { Bench, Servers, Side } from "./servers.ts";

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
