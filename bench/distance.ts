import { logInCaller } from "./caller.ts";
import { singleConnectionLoad } from "./latency.ts";
import { calibrate, sendRequests } from "./measure.ts";
import { acceptedRequestKinds, refusedRequestKinds } from "./other-request-kinds.ts";
import type { DistanceRow } from "./results.ts";
import type { BenchContext } from "./servers.ts";

/** What the endpoint adds to each request to the database, in milliseconds. */
const DELAYS = [0, 25, 75, 150];
const [DISTANCE_ROUNDS, QUICK_DISTANCE_ROUNDS] = [3, 1];
const DISTANCE_REQUESTS = 3;

/** Not all: the others send one statement as well, and each takes two seconds to measure. */
const DISTANCE_KINDS = ["get a patient", "list 200 patients", "create a patient", "login", "401", "400"];

/** Measures how long requests take, one after another, with different delays before the database. */
export async function measureDistance({ servers, serveApi, settings, showProgress }: BenchContext) {
  const database = await servers.createDatabase({ patients: 1000 });
  const worker = await serveApi(database);
  const caller = await logInCaller(database, worker);
  const kinds = [...acceptedRequestKinds(caller), ...refusedRequestKinds(caller)].filter(({ name }) =>
    DISTANCE_KINDS.includes(name),
  );
  const rounds = settings.quick ? QUICK_DISTANCE_ROUNDS : DISTANCE_ROUNDS;
  const rows: DistanceRow[] = [];
  for (const [i, kind] of kinds.entries()) {
    showProgress(`${kind.name}, distant database`, i / kinds.length);
    const load = singleConnectionLoad(kind, worker);
    await worker.delayDatabaseRequests(0);
    await calibrate(kind, load, 0.1);
    const fastest = new Map<number, number>();
    for (let round = 0; round < rounds; round += 1)
      for (const delay of DELAYS) {
        await worker.delayDatabaseRequests(delay);
        await kind.prepare?.(DISTANCE_REQUESTS);
        const { times } = await sendRequests(load, DISTANCE_REQUESTS);
        fastest.set(delay, Math.min(...times, fastest.get(delay) ?? Number.POSITIVE_INFINITY));
      }
    const { name, databaseRequests } = kind;
    for (const [delay, ms] of fastest) rows.push({ kind: name, databaseRequests, delay, ms });
  }
  return { rows };
}
