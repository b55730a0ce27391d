import { type Kind, kindsOfWork, login, openScene, refusals } from "./kinds.ts";
import { calibrate, figures, type Load, measure, type Slice, spread } from "./measure.ts";
import { memoryOf, memoryOfServer } from "./processes.ts";
import { BUDGET_CONNECTIONS, type Cost, type Memory, type Spreads } from "./results.ts";
import type { Bench, Servers, Side } from "./servers.ts";

/** How many patients there are, half of them the caller's. */
const PATIENTS = 1000;

/**
 * What each kind of request costs, beside the floor: both on the same database, one slice of the one after one slice of
 * the other, so that both see the same machine.
 */
export async function measureCost(bench: Bench): Promise<{ rows: Cost[]; memory: Memory }> {
  const { servers, settings, step } = bench;
  step("filling", 0);
  const database = await servers.fill({ patients: PATIENTS });
  const { product, floor } = await bench.serveBoth(database);
  const plan = [
    { connections: BUDGET_CONNECTIONS, rounds: settings.rounds },
    // Nothing is held against these.
    ...[1, 64].map((connections) => ({ connections, rounds: Math.ceil(settings.rounds / 4) })),
  ];
  const rows: Cost[] = [];
  for (const { connections, rounds } of plan) {
    const scene = await openScene(database, product);
    const kinds = [...kindsOfWork(scene), login(scene), ...refusals(scene)];
    for (const kind of kinds) {
      step(`${kind.name}, ${connections} connections`, rows.length / kinds.length / plan.length);
      const loads = [load(kind, product, connections), load(kind, floor, connections, "floor")] as const;
      // A slice of logins at 64 connections takes ten seconds.
      const worthIt = kind.asks === 2 && connections !== BUDGET_CONNECTIONS ? 1 : rounds;
      rows.push(summary(kind, connections, await takeTurns(servers, kind, loads, worthIt, settings.seconds)));
    }
  }
  return { rows, memory: memory(servers, product, floor) };
}

export type Pair = { product: Slice; floor: Slice };

export async function takeTurns(
  servers: Servers,
  kind: Kind,
  [product, floor]: readonly [Load, Load],
  rounds: number,
  seconds: number,
): Promise<Pair[]> {
  const amounts = {
    product: await calibrate(kind, product, seconds),
    floor: await calibrate(kind, floor, seconds),
  };
  const slice = async (load: Load, amount: number) => {
    await kind.prepare?.(amount);
    return measure(servers, load, amount);
  };
  const pairs: Pair[] = [];
  for (let round = 0; round < rounds; round += 1)
    pairs.push({
      product: await slice(product, amounts.product),
      floor: await slice(floor, amounts.floor),
    });
  return pairs;
}

function load(kind: Kind, side: Side, connections: number, of: "product" | "floor" = "product"): Load {
  const status = of === "floor" ? (kind.floorStatus ?? 200) : kind.status;
  return { side, next: kind[of], status, connections };
}

function summary(kind: Kind, connections: number, pairs: Pair[]): Cost {
  const [product, floor] = [
    spreads(pairs.map((pair) => pair.product)),
    spreads(pairs.map((pair) => pair.floor)),
  ];
  return {
    kind: kind.name,
    connections,
    asks: kind.asks,
    limit: kind.limit,
    product,
    floor,
    ratio: {
      ...spread(pairs.map((pair) => pair.product.worker / pair.floor.worker)),
      median: product.worker.median / floor.worker.median,
    },
  };
}

export const spreads = (slices: Slice[]): Spreads =>
  Object.fromEntries(
    figures.map((figure) => [figure, spread(slices.map((slice) => slice[figure]))]),
  ) as Spreads;

const memory = ({ endpointPid, postmaster }: Servers, product: Side, floor: Side): Memory => ({
  product: memoryOf(product.pid),
  floor: memoryOf(floor.pid),
  endpoint: memoryOf(endpointPid),
  postgres: postmaster && memoryOfServer(postmaster),
});
