import { insertEventsOfMany, insertEventsOfOne } from "./audit-events.ts";
import { logInCaller } from "./caller.ts";
import { COST_PATIENTS } from "./cost.ts";
import { measureP50InTurns, singleConnectionLoad } from "./latency.ts";
import { disableAutovacuum, runMaintenance } from "./maintenance.ts";
import { quartilesOf } from "./measure.ts";
import { dataRequestKinds, type RequestKind } from "./request-kinds.ts";
import { type AuditRow, BUDGET_CONNECTIONS, type PatientEventsRow } from "./results.ts";
import type { BenchContext } from "./servers.ts";
import { apiLoad, baselineLoad, measureInTurns, metricQuartiles } from "./turns.ts";

/** The kinds of requests whose audit event is measured: events with 1 and with 200 patients, and with changes. */
const AUDITED_KINDS = ["get a patient", "list 200 patients", "create a patient"];
/** Short ones: only p50 with an empty and with a full log is compared, not CPU. */
const AUDIT_TURNS = { rounds: 5, seconds: 0.5 };
const QUICK_AUDIT_TURNS = { rounds: 1, seconds: 0.2 };

/** How many events of one patient there are. */
const [FEW_EVENTS, MANY_EVENTS, QUICK_MANY_EVENTS] = [1000, 1_000_000, 10_000];
const PATIENT_EVENTS_TURNS = { count: 20, rounds: 9, warmUpSeconds: 0.3 };

/** Measures whether requests take longer with a full audit log, and the lists of the events of one patient. */
export async function measureAudit(
  context: BenchContext,
): Promise<{ rows: AuditRow[]; patientRows: PatientEventsRow[] }> {
  return { rows: await measureFullLog(context), patientRows: await measurePatientEvents(context) };
}

/** Measures the API and the bare statements: first with an empty audit log, then with `settings.events` in it. */
async function measureFullLog(context: BenchContext): Promise<AuditRow[]> {
  const { servers, settings, showProgress } = context;
  const database = await servers.createDatabase({ patients: COST_PATIENTS });
  await disableAutovacuum(database);
  const api = await context.serveApi(database);
  const baseline = await context.serveBaseline(database);
  const rows: AuditRow[] = [];
  for (const events of [0, settings.events]) {
    const [fillStart, measureStart] = events === 0 ? [0, 0] : [0.25, 0.4];
    showProgress(`inserting ${events} audit events`, fillStart);
    await insertEventsOfMany(database, events);
    await runMaintenance(database);
    const caller = await logInCaller(database, api);
    const kinds = dataRequestKinds(caller).filter(({ name }) => AUDITED_KINDS.includes(name));
    for (const [i, kind] of kinds.entries()) {
      showProgress(`${kind.name}, ${events} audit events`, measureStart + (0.25 * i) / kinds.length);
      const loads = [
        apiLoad(kind, api, BUDGET_CONNECTIONS),
        baselineLoad(kind, baseline, "bare", BUDGET_CONNECTIONS),
      ];
      const turns = settings.quick ? QUICK_AUDIT_TURNS : AUDIT_TURNS;
      const [ofApi = [], ofBare = []] = await measureInTurns(servers, loads, turns);
      rows.push({ kind: kind.name, events, api: metricQuartiles(ofApi), bare: metricQuartiles(ofBare) });
    }
  }
  return rows;
}

/** Measures the first page of the events of one patient, in turns in two databases: with few of them and with many. */
async function measurePatientEvents(context: BenchContext): Promise<PatientEventsRow[]> {
  const { servers, settings, showProgress } = context;
  const sizes = [FEW_EVENTS, settings.quick ? QUICK_MANY_EVENTS : MANY_EVENTS];
  showProgress(`inserting ${sizes[1]} audit events of one patient`, 0.65);
  const databases: { worker: Awaited<ReturnType<typeof context.serveApi>>; kinds: RequestKind[] }[] = [];
  for (const events of sizes) {
    const database = await servers.createDatabase({ patients: COST_PATIENTS });
    await disableAutovacuum(database);
    const worker = await context.serveApi(database);
    const owner = await logInCaller(database, worker);
    const admin = await logInCaller(database, worker, database.accounts[0]);
    const [patient = 0] = owner.patientIds;
    await insertEventsOfOne(database, patient, events);
    await runMaintenance(database);
    databases.push({
      worker,
      kinds: [
        listKind("accesses of a patient", `/api/patients/${patient}/accesses/`, owner.token),
        listKind("audit events of a patient", `/api/audit/?patient=${patient}`, admin.token),
      ],
    });
  }
  const rows: PatientEventsRow[] = [];
  for (const [i, { name }] of (databases[0]?.kinds ?? []).entries()) {
    showProgress(name, 0.95);
    const series = databases.flatMap(({ worker, kinds }) =>
      kinds.slice(i, i + 1).map((kind) => ({ kind, load: singleConnectionLoad(kind, worker) })),
    );
    const medians = await measureP50InTurns(series, PATIENT_EVENTS_TURNS);
    for (const [size, own] of medians.entries()) {
      const ratios = own.map((median, round) => median / (medians[0]?.[round] ?? Number.NaN));
      rows.push({
        kind: name,
        events: sizes[size] ?? 0,
        p50: quartilesOf(own),
        ratio: quartilesOf(ratios),
      });
    }
  }
  return rows;
}

const listKind = (name: string, path: string, token: string): RequestKind => {
  const request = () => ({ path, headers: { Authorization: `Bearer ${token}` } });
  return { name, status: 200, databaseRequests: 1, apiRequest: request, baselineRequest: request };
};
