import { PLACES, REQUESTS } from "./booking-races.ts";
import {
  type AuditRow,
  type BenchResults,
  BUDGET_CONNECTIONS,
  type CostRow,
  type DistanceRow,
} from "./results.ts";

/** A limit for a measured value. */
interface Budget {
  name: string;
  limit: number;
  value: number;
  isMet: boolean;
}

/** How many times slower a request may be with a million patients, or with many audit events. */
const GROWTH_LIMIT = 1.2;
const GZIP_KIB = 216;
const STARTUP_MS = 40;
/** PostgreSQL's CPU of a booking, in creations of a patient. */
const BOOKING_LIMIT = 3;
/** PostgreSQL's CPU of free slots, in milliseconds. */
const SLOT_LIMITS: Record<string, number> = {
  "free slots of one doctor, 31 days": 10,
  "free slots of 50 doctors, 7 days": 40,
};
/** Memory in RAM after half a minute of many connections / after warm-up. */
const MEMORY_LIMIT = 1.2;
/** How far the measured number of delays per request may be from the number of database requests. */
const DELAY_TOLERANCE = 0.1;

/** Compares the results that are there with their budgets. */
export function listBudgets({
  audit,
  cost,
  growth,
  distance,
  start,
  soak,
  search,
  booking,
}: BenchResults): Budget[] {
  const budgets: Budget[] = [];
  const add = (name: string, limit: number, value: number) =>
    budgets.push({ name, limit, value, isMet: value <= limit });
  for (const { kind, limit, ratio } of listPostgresRatios(cost?.rows ?? []))
    add(`${kind}: PostgreSQL's CPU, API / floor`, limit, ratio);
  for (const { kind, connections, workerCpuLimit, workerRatio, databaseRequests, api } of cost?.rows ?? []) {
    if (workerCpuLimit && connections === BUDGET_CONNECTIONS)
      add(`${kind}: Worker's CPU, API / bare`, workerCpuLimit, workerRatio.median);
    if (api.databaseRequests.high > databaseRequests)
      add(`${kind}: database requests`, databaseRequests, api.databaseRequests.high);
  }
  const largest = Math.max(...(growth?.rows ?? []).map(({ patients }) => patients));
  for (const { kind, ratio } of (growth?.rows ?? []).filter(({ patients }) => patients === largest))
    add(`${kind}: p50, largest / smallest database`, GROWTH_LIMIT, ratio.median);
  for (const { kind, events, ratio } of compareAuditLogSizes(audit?.rows ?? []))
    add(`${kind}: p50, ${events} / 0 audit events`, GROWTH_LIMIT, ratio);
  const fewest = Math.min(...(audit?.patientRows ?? []).map(({ events }) => events));
  for (const { kind, events, ratio } of (audit?.patientRows ?? []).filter((row) => row.events > fewest))
    add(`${kind}: p50, ${events} / ${fewest} of them`, GROWTH_LIMIT, ratio.median);
  for (const { kind, databaseRequests, delays } of fitDelays(distance?.rows ?? []))
    add(
      `${kind}: delays per request, difference from ${databaseRequests}`,
      DELAY_TOLERANCE,
      Math.abs(delays - databaseRequests),
    );
  for (const limit of new Set(search?.rows.map((row) => row.limit))) {
    const values = (search?.rows ?? []).map((row) => (row.limit === limit ? row.postgresCpu.median : 0));
    add(`the dearest search with a limit of ${limit} ms: PostgreSQL's CPU`, limit, Math.max(...values));
  }
  if (booking)
    add(
      "book an appointment: PostgreSQL's CPU, / create a patient",
      BOOKING_LIMIT,
      booking.creationRatio.median,
    );
  for (const { kind, api } of booking?.rows ?? []) {
    const limit = SLOT_LIMITS[kind];
    if (limit) add(`${kind}: PostgreSQL's CPU, ms`, limit, api.postgresCpu.median);
  }
  for (const { way, booked } of booking?.races ?? [])
    if (way === "the API")
      add(`${REQUESTS} bookings at once for ${PLACES} places`, PLACES, Math.max(...booked));
  if (start) add("bundle, KiB gzip", GZIP_KIB, start.gzip / 1024);
  if (start?.startup) add("start-up CPU, ms", STARTUP_MS, start.startup.fastest);
  if (soak) {
    const { connections, failures, memory } = soak;
    const failed = failures.non2xx + failures.connectionErrors + failures.timeouts;
    add(`${connections} connections: failed requests`, 0, failed);
    for (const [process, { warm, end }] of Object.entries(memory))
      add(`${connections} connections: memory of the ${process}, end / warm`, MEMORY_LIMIT, end / warm);
  }
  return budgets;
}

/** The kinds with a budget for PostgreSQL's CPU. Its CPU is unknown when it runs on another machine. */
const listPostgresRatios = (rows: CostRow[]): { kind: string; limit: number; ratio: number }[] =>
  rows.flatMap(({ kind, postgresCpuLimit: limit, postgresRatio }) =>
    limit && postgresRatio ? [{ kind, limit, ratio: postgresRatio.median }] : [],
  );

/**
 * How many times longer a kind of request takes with many audit events than with none. Each p50 is first divided by
 * that of the bare statement, so that a change in the machine's speed cancels out.
 */
function compareAuditLogSizes(rows: AuditRow[]): { kind: string; events: number; ratio: number }[] {
  const relativeP50 = ({ api, bare }: AuditRow) => api.p50.median / bare.p50.median;
  return rows
    .filter(({ events }) => events > 0)
    .flatMap((row) => {
      const empty = rows.find(({ kind, events }) => kind === row.kind && events === 0);
      return empty
        ? [{ kind: row.kind, events: row.events, ratio: relativeP50(row) / relativeP50(empty) }]
        : [];
    });
}

/** How many delays one request takes, and its milliseconds without delay. Both by the method of least squares. */
export function fitDelays(
  rows: DistanceRow[],
): { kind: string; databaseRequests: number; delays: number; constant: number }[] {
  return [...new Set(rows.map(({ kind }) => kind))].map((kind) => {
    const ofKind = rows.filter((row) => row.kind === kind);
    const mean = (value: (row: DistanceRow) => number) =>
      ofKind.reduce((sum, row) => sum + value(row), 0) / ofKind.length;
    const [x, y] = [mean(({ delay }) => delay), mean(({ ms }) => ms)];
    const delays = mean(({ delay, ms }) => (delay - x) * (ms - y)) / mean(({ delay }) => (delay - x) ** 2);
    return { kind, databaseRequests: ofKind[0]?.databaseRequests ?? 0, delays, constant: y - delays * x };
  });
}

/**
 * US dollars: https://developers.cloudflare.com/workers/platform/pricing/ and https://neon.com/pricing, November
 * 2026.
 */
const DOLLARS_PER_MILLION_REQUESTS = 0.3;
const DOLLARS_PER_MILLION_CPU_MS = 0.02;
/** On Neon's Launch plan; 0.222 on Scale. */
const DOLLARS_PER_CU_HOUR = 0.106;
const DOLLARS_PER_GIGABYTE = 0.1;

/** The part of the paid CPU that is in use. A compute that is always busy responds late. */
const UTILISATION = 0.3;

/** The price of a million requests: Cloudflare's requests and CPU, Neon's compute and transfer. */
export function pricesOf({ api, databaseRequests }: CostRow) {
  const workerCpu = api.workerCpu.median * DOLLARS_PER_MILLION_CPU_MS;
  const cuHours = (api.postgresCpu.median * 1e6) / 3_600_000 / UTILISATION;
  const gigabytes = (api.databaseBytes.median * 1e6) / 1e9;
  const usesDatabase = databaseRequests > 0;
  return {
    requests: DOLLARS_PER_MILLION_REQUESTS,
    workerCpu,
    compute: usesDatabase ? cuHours * DOLLARS_PER_CU_HOUR : 0,
    transfer: usesDatabase ? gigabytes * DOLLARS_PER_GIGABYTE : 0,
  };
}
