import { type BenchCaller, logInCaller } from "./caller.ts";
import { disableAutovacuum, runMaintenance } from "./maintenance.ts";
import type { Metrics } from "./measure.ts";
import { acceptedRequestKinds, refusedRequestKinds } from "./other-request-kinds.ts";
import { readPostgresMemory, readProcessMemory } from "./processes.ts";
import type { RequestKind } from "./request-kinds.ts";
import { BUDGET_CONNECTIONS, type CostRow, type MemoryResult } from "./results.ts";
import type { BenchContext, BenchServers, BenchWorker } from "./servers.ts";
import {
  apiLoad,
  baselineLoad,
  measureInTurns,
  metricQuartiles,
  ratioOfMedians,
  shortestSeconds,
  type Turns,
} from "./turns.ts";

/** The number of patients in the database. The caller owns half of them. */
export const COST_PATIENTS = 1000;
/** Rounds for refused requests: their measurements are short. */
const REFUSED_ROUNDS = 4;

/** Kinds that are measured in the same way. */
interface KindGroup {
  kinds: RequestKind[];
  connections: number;
  turns: Turns;
}

/**
 * Measures each kind of request in the API and in the baseline, on the same database. Kinds with a budget for
 * PostgreSQL's CPU take turns of three: API, floor and bare. The others have no floor, and shorter measurements.
 */
export async function measureCost(context: BenchContext): Promise<{ rows: CostRow[]; memory: MemoryResult }> {
  const { servers, settings, showProgress } = context;
  showProgress("filling the database", 0);
  const database = await servers.createDatabase({ patients: COST_PATIENTS });
  await disableAutovacuum(database);
  const api = await context.serveApi(database);
  const baseline = await context.serveBaseline(database);
  const groups = listGroups(await logInCaller(database, api), settings);
  const kinds = groups.flatMap((group) => group.kinds.map((kind) => ({ ...group, kind })));
  const rows: CostRow[] = [];
  for (const [i, { kind, connections, turns }] of kinds.entries()) {
    showProgress(`${kind.name}, ${connections} connections`, i / kinds.length);
    await runMaintenance(database);
    const loads = [
      apiLoad(kind, api, connections),
      baselineLoad(kind, baseline, "bare", connections),
      ...(hasFloor(kind, connections) ? [baselineLoad(kind, baseline, "floor", connections)] : []),
    ];
    const metrics = await measureInTurns(servers, loads, turns);
    rows.push(summarizeCost(kind, connections, metrics, servers.postmasterPid !== undefined));
  }
  return { rows, memory: readMemory(servers, api, baseline) };
}

const hasFloor = (kind: RequestKind, connections: number): boolean =>
  kind.postgresCpuLimit !== undefined && connections === BUDGET_CONNECTIONS;

/** Logins are late in the list, because many of them end the caller's session. Refused requests do not need one. */
function listGroups(caller: BenchCaller, { rounds, seconds }: BenchContext["settings"]): KindGroup[] {
  const accepted = acceptedRequestKinds(caller);
  const connections = BUDGET_CONNECTIONS;
  const withFloor = accepted.filter((kind) => hasFloor(kind, connections));
  const withoutFloor = accepted.filter((kind) => !hasFloor(kind, connections));
  return [
    { kinds: withFloor, connections, turns: { rounds, seconds } },
    // How long a request takes that does not wait for others. It has no budget.
    { kinds: withFloor.slice(0, 4), connections: 1, turns: { rounds: 1, seconds: seconds / 3 } },
    { kinds: withoutFloor, connections, turns: { rounds, seconds: seconds / 3 } },
    {
      kinds: refusedRequestKinds(caller),
      connections,
      turns: { rounds: REFUSED_ROUNDS, seconds: seconds / 10 },
    },
  ];
}

function summarizeCost(
  { name, databaseRequests, workerCpuLimit, postgresCpuLimit }: RequestKind,
  connections: number,
  series: Metrics[][],
  knowsPostgresCpu: boolean,
): CostRow {
  const [api = [], bare = [], floor] = series;
  return {
    kind: name,
    connections,
    databaseRequests,
    workerCpuLimit,
    postgresCpuLimit,
    shortestSeconds: shortestSeconds(series),
    api: metricQuartiles(api),
    bare: metricQuartiles(bare),
    floor: floor && metricQuartiles(floor),
    workerRatio: ratioOfMedians(api, bare, "workerCpu"),
    postgresRatio: floor && knowsPostgresCpu ? ratioOfMedians(api, floor, "postgresCpu") : undefined,
  };
}

const readMemory = (
  { endpointPid, postmasterPid }: BenchServers,
  api: BenchWorker,
  baseline: BenchWorker,
): MemoryResult => ({
  api: readProcessMemory(api.pid),
  baseline: readProcessMemory(baseline.pid),
  endpoint: readProcessMemory(endpointPid),
  postgres: postmasterPid && readPostgresMemory(postmasterPid),
});
