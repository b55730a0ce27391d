import { join } from "node:path";
import { withClient } from "../ops/command.ts";
import { buildWithoutAudit } from "./bundle.ts";
import {
  calibrate,
  type Load,
  type Metrics,
  measureLoad,
  metricNames,
  quartilesOf,
  readPostgresMemory,
  readProcessMemory,
} from "./measure.ts";
import {
  acceptedRequestKinds,
  dataRequestKinds,
  logInCaller,
  type RequestKind,
  refusedRequestKinds,
} from "./request-kinds.ts";
import {
  type AuditRow,
  BUDGET_CONNECTIONS,
  type CostRow,
  type MemoryResult,
  type MetricQuartiles,
} from "./results.ts";
import type { BenchContext, BenchDatabase, BenchServers, BenchWorker } from "./servers.ts";

/** The number of patients in the database. The caller owns half of them. */
const PATIENTS = 1000;
/** The kinds of requests whose audit event is measured: events with 1, 50 and 200 patients, and with changes. */
const AUDITED_KINDS = [
  "get a patient",
  "list 50 patients",
  "list 200 patients",
  "create a patient",
  "update a patient",
];

/** Measures each kind of request in the API and in the baseline, on the same database. */
export async function measureCost(context: BenchContext): Promise<{ rows: CostRow[]; memory: MemoryResult }> {
  const { servers, settings, showProgress } = context;
  showProgress("filling the database", 0);
  const database = await servers.createDatabase({ patients: PATIENTS });
  const api = await context.serveApi(database);
  const baseline = await context.serveBaseline(database);
  const runs = [
    { connections: BUDGET_CONNECTIONS, rounds: settings.rounds },
    // These have no budget, so fewer rounds are enough.
    ...[1, 64].map((connections) => ({ connections, rounds: Math.ceil(settings.rounds / 4) })),
  ];
  const rows: CostRow[] = [];
  for (const { connections, rounds } of runs) {
    const caller = await logInCaller(database, api);
    const kinds = [...acceptedRequestKinds(caller), ...refusedRequestKinds(caller)];
    for (const kind of kinds) {
      showProgress(`${kind.name}, ${connections} connections`, rows.length / kinds.length / runs.length);
      const loads: [Load, Load] = [
        apiLoad(kind, api, connections),
        baselineLoad(kind, baseline, connections),
      ];
      // One round of logins at 64 connections takes ten seconds.
      const isSlow = kind.name === "login" && connections !== BUDGET_CONNECTIONS;
      const metrics = await measureInTurns(servers, kind, loads, isSlow ? 1 : rounds, settings.seconds);
      rows.push(summarizeCost(kind, connections, metrics));
    }
  }
  return { rows, memory: readMemory(servers, api, baseline) };
}

/**
 * Measures what an audit event costs: the API and a Worker that writes no audit events, on the same database; first
 * with an empty audit log, then with `settings.events` in it.
 */
export async function measureAudit(context: BenchContext): Promise<{ rows: AuditRow[] }> {
  const { servers, settings, showProgress } = context;
  const database = await servers.createDatabase({ patients: PATIENTS });
  const withAudit = await context.serveApi(database);
  const bundle = await buildWithoutAudit(join(servers.folder, "without-audit"));
  const withoutAudit = await context.serveApi(database, bundle);
  const rounds = Math.ceil(settings.rounds / 2);
  const rows: AuditRow[] = [];
  for (const events of [0, settings.events]) {
    const [fillStart, measureStart] = events === 0 ? [0, 0] : [0.3, 0.7];
    showProgress(`inserting ${events} audit events`, fillStart);
    await insertAuditEvents(database, events);
    const caller = await logInCaller(database, withAudit);
    const kinds = dataRequestKinds(caller).filter(({ name }) => AUDITED_KINDS.includes(name));
    for (const [i, kind] of kinds.entries()) {
      showProgress(`${kind.name}, ${events} audit events`, measureStart + (0.3 * i) / kinds.length);
      const loads: [Load, Load] = [
        apiLoad(kind, withAudit, BUDGET_CONNECTIONS),
        apiLoad(kind, withoutAudit, BUDGET_CONNECTIONS),
      ];
      const [audited, unaudited] = await measureInTurns(servers, kind, loads, rounds, settings.seconds);
      rows.push({
        kind: kind.name,
        events,
        withAudit: metricQuartiles(audited),
        withoutAudit: metricQuartiles(unaudited),
      });
    }
  }
  return { rows };
}

/**
 * Measures two loads in turns, so that a change in the machine's speed affects both.
 *
 * @param seconds how long one measurement takes, about.
 * @returns the metrics of the first load and those of the second, one for each round.
 */
async function measureInTurns(
  servers: BenchServers,
  kind: RequestKind,
  [first, second]: [Load, Load],
  rounds: number,
  seconds: number,
): Promise<[Metrics[], Metrics[]]> {
  const firstCount = await calibrate(kind, first, seconds);
  const secondCount = await calibrate(kind, second, seconds);
  const metrics: [Metrics[], Metrics[]] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    await kind.prepare?.(firstCount);
    metrics[0].push(await measureLoad(servers, first, firstCount));
    await kind.prepare?.(secondCount);
    metrics[1].push(await measureLoad(servers, second, secondCount));
  }
  return metrics;
}

const apiLoad = (kind: RequestKind, worker: BenchWorker, connections: number): Load => ({
  worker,
  nextRequest: kind.apiRequest,
  status: kind.status,
  connections,
});

const baselineLoad = (kind: RequestKind, worker: BenchWorker, connections: number): Load => ({
  worker,
  nextRequest: kind.baselineRequest,
  status: kind.baselineStatus ?? 200,
  connections,
});

function summarizeCost(
  { name, databaseRequests, cpuLimit }: RequestKind,
  connections: number,
  [apiMetrics, baselineMetrics]: [Metrics[], Metrics[]],
): CostRow {
  const [api, baseline] = [metricQuartiles(apiMetrics), metricQuartiles(baselineMetrics)];
  const ratios = apiMetrics.map(
    ({ workerCpu }, round) => workerCpu / (baselineMetrics[round]?.workerCpu ?? Number.NaN),
  );
  const ratio = { ...quartilesOf(ratios), median: api.workerCpu.median / baseline.workerCpu.median };
  return { kind: name, connections, databaseRequests, cpuLimit, api, baseline, ratio };
}

const metricQuartiles = (rounds: Metrics[]): MetricQuartiles =>
  Object.fromEntries(
    metricNames.map((name) => [name, quartilesOf(rounds.map((metrics) => metrics[name]))]),
  ) as MetricQuartiles;

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

/** Inserts events of ten thousand accounts about a million patients. A tenth of them are lists of 50 patients. */
const insertAuditEvents = ({ ownerUrl }: BenchDatabase, events: number): Promise<unknown> =>
  withClient(ownerUrl, async (client) => {
    await client.query(
      `INSERT INTO audit_events (account_id, username, role, session_id, action, outcome, patients, address, request_id)
       SELECT n % 10000, 'somebody', 'clinician', gen_random_uuid(), CASE WHEN n % 10 = 0 THEN 'list' ELSE 'read' END, 'done',
         ARRAY(SELECT (n * 7919::bigint + i * 37) % 1000000 FROM generate_series(1, CASE WHEN n % 10 = 0 THEN 50 ELSE 1 END) i),
         '203.0.113.7', gen_random_uuid()
       FROM generate_series(1, $1::int) n`,
      [events],
    );
    await client.query("ANALYZE audit_events");
    await client.query("CHECKPOINT");
  });
