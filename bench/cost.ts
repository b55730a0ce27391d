import { join } from "node:path";
import { withClient } from "../ops/command.ts";
import { buildUnrecorded } from "./bundle.ts";
import {
  calibrate,
  figures,
  type Load,
  measure,
  memoryOf,
  memoryOfServer,
  type Slice,
  spread,
} from "./measure.ts";
import { type Kind, kindsOfWork, login, openScene, refusals } from "./request-kinds.ts";
import { BUDGET_CONNECTIONS, type Cost, type Memory, type Recorded, type Spreads } from "./results.ts";
import type { Bench, Database, Servers, Side } from "./servers.ts";

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

/** The kinds that are looked at: they put one patient, fifty and two hundred of them on record, and what has changed. */
const KINDS = ["one patient", "page of 50", "page of 200", "create", "change"];

/**
 * What it costs to put a request on record: the Worker beside one that does all but that, on the same database, in turns;
 * while there is little on record, and when there are `events`.
 */
export async function measureRecord(bench: Bench): Promise<{ rows: Recorded[] }> {
  const { servers, settings, step } = bench;
  const database = await servers.fill({ patients: PATIENTS });
  const product = await bench.serveProduct(database);
  const bundle = await buildUnrecorded(join(servers.folder, "unrecorded"));
  const unrecorded = await bench.serveProduct(database, bundle);
  const rows: Recorded[] = [];
  for (const events of [0, settings.events]) {
    step(`putting ${events} events on record`, events > 0 ? 0.3 : 0);
    await fill(database, events);
    const kinds = kindsOfWork(await openScene(database, product)).filter(({ name }) => KINDS.includes(name));
    for (const kind of kinds) {
      step(
        `${kind.name}, beside ${events} events`,
        (events > 0 ? 0.7 : 0) + (0.3 * kinds.indexOf(kind)) / kinds.length,
      );
      const loads = [loadOf(kind, product), loadOf(kind, unrecorded)] as const;
      const pairs = await takeTurns(servers, kind, loads, Math.ceil(settings.rounds / 2), settings.seconds);
      rows.push({ kind: kind.name, events, ...sides(pairs) });
    }
  }
  return { rows };
}

const loadOf = (kind: Kind, side: Side): Load => ({
  side,
  next: kind.product,
  status: kind.status,
  connections: BUDGET_CONNECTIONS,
});

const sides = (pairs: Pair[]) => ({
  recorded: spreads(pairs.map(({ product }) => product)),
  unrecorded: spreads(pairs.map(({ floor }) => floor)),
});

/** Events of ten thousand accounts about a million patients, a tenth of them about fifty at once. */
const fill = ({ ownerUrl }: Database, events: number): Promise<unknown> =>
  withClient(ownerUrl, async (client) => {
    await client.query(
      `INSERT INTO audit_events (account_id, username, role, session_id, action, outcome, patients, address, request_id)
       SELECT n % 10000, 'somebody', 'clinician', gen_random_uuid(), CASE WHEN n % 10 = 0 THEN 'list' ELSE 'read' END, 'done',
         ARRAY(SELECT (n * 7919::bigint + one * 37) % 1000000 FROM generate_series(1, CASE WHEN n % 10 = 0 THEN 50 ELSE 1 END) one),
         '203.0.113.7', gen_random_uuid()
       FROM generate_series(1, $1::int) n`,
      [events],
    );
    await client.query("ANALYZE audit_events");
    await client.query("CHECKPOINT");
  });
