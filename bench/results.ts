import type { Metrics, Quartiles } from "./measure.ts";

export type MetricQuartiles = Record<keyof Metrics, Quartiles>;

/**
 * A kind of request at a number of connections, compared with the baseline. A ratio is that of the medians, with the
 * quartiles of the rounds' ratios.
 */
export interface CostRow {
  kind: string;
  connections: number;
  /** How many requests to the database one request may make. */
  databaseRequests: number;
  workerCpuLimit?: number | undefined;
  postgresCpuLimit?: number | undefined;
  /** How long the shortest measurement took. */
  shortestSeconds: number;
  api: MetricQuartiles;
  bare: MetricQuartiles;
  floor?: MetricQuartiles | undefined;
  /** The Worker's CPU, API / bare. */
  workerRatio: Quartiles;
  /** PostgreSQL's CPU, API / floor. */
  postgresRatio?: Quartiles | undefined;
}

/**
 * Memory in RAM after the cost measurements, in MiB: of the API, the baseline and the servers. PostgreSQL's is unknown
 * when it runs on another machine.
 */
export interface MemoryResult {
  api: number;
  baseline: number;
  endpoint: number;
  postgres: number | undefined;
}

/** A kind of request in a database of a given size. Page 1000 exists from 100,000 patients on. */
export interface GrowthRow {
  kind: string;
  patients: number;
  /** In milliseconds; quartiles of the rounds. */
  p50: Quartiles;
  /** p50 / p50 in the smallest database, in the same round. Page 1000 is compared with page 1 there. */
  ratio: Quartiles;
}

/** A demo database, with the time that it took to fill. */
export interface DemoDatabase {
  patients: number;
  seconds: number;
  /** The size of the database. */
  mebibytes: number;
}

/** A kind of request with `events` in the audit log before the measurement. */
export interface AuditRow {
  kind: string;
  events: number;
  api: MetricQuartiles;
  bare: MetricQuartiles;
}

/** A list of the audit events of one patient, when there are `events` of it. */
export interface PatientEventsRow {
  kind: string;
  events: number;
  /** In milliseconds; quartiles of the rounds. */
  p50: Quartiles;
  /** p50 / p50 with the fewest events, in the same round. */
  ratio: Quartiles;
}

/** A kind of request in this version and in an earlier one. */
export interface VersionsRow {
  kind: string;
  earlier: MetricQuartiles;
  current: MetricQuartiles;
  /** Current / earlier: the quartiles of the rounds' ratios. */
  ratios: Record<"requestsPerSecond" | "postgresCpu" | "workerCpu", Quartiles>;
}

/** A kind of request when each of its requests to the database takes `delay` milliseconds longer. */
export interface DistanceRow {
  kind: string;
  databaseRequests: number;
  delay: number;
  /** Milliseconds of the fastest request. The delay is a minimum, and random additions to it do not matter here. */
  ms: number;
}

export interface StartResult {
  /** Size of the bundle. */
  bytes: number;
  gzip: number;
  /** Bytes of the bundle by package, the largest first. */
  packages: { name: string; bytes: number }[];
  /** CPU ms until the code has run, from `wrangler check startup`. A busy machine adds to it. */
  startup: { fastest: number; all: Quartiles } | undefined;
  /** CPU ms of workerd from its start to its first response, minus the same of an empty Worker. */
  firstResponse: Quartiles;
}

/** How long a login takes that is refused for `reason`, in milliseconds. */
export interface RefusedLoginRow {
  reason: string;
  ms: Quartiles;
}

/** A page of a search. */
export interface SearchRow {
  search: string;
  /** The order, the filter or the position of the page. */
  page: string;
  /** The most that PostgreSQL's CPU may be, in milliseconds. */
  limit: number;
  /** In milliseconds; quartiles of the rounds. */
  postgresCpu: Quartiles;
}

/** Searches in an account with `patients` patients. */
export interface SearchResult {
  patients: number;
  rows: SearchRow[];
  /** The size of the index of names. */
  indexMebibytes: number;
}

/** How many appointments there were after each race for a limited number of places. */
export interface BookingRace {
  way: string;
  booked: number[];
}

/** Bookings and free slots, with `appointments` in the table. */
export interface BookingResult {
  appointments: number;
  rows: { kind: string; api: MetricQuartiles }[];
  /** PostgreSQL's CPU of a booking / of the creation of a patient. */
  creationRatio: Quartiles;
  races: BookingRace[];
}

/** Many connections at once, for half a minute. */
export interface SoakResult {
  connections: number;
  seconds: number;
  requests: number;
  /** In milliseconds. */
  p50: number;
  p99: number;
  /** Responses that are not 2xx, connections that broke, and requests without a response within ten seconds. */
  failures: { non2xx: number; connectionErrors: number; timeouts: number };
  /** In RAM, in MiB: after warm-up and at the end. */
  memory: Record<"Worker" | "endpoint", { warm: number; end: number }>;
}

/** The last results of each part of the benchmark. */
export interface BenchResults {
  cost?: PartResult & { rows: CostRow[]; memory: MemoryResult };
  growth?: PartResult & { rows: GrowthRow[]; databases: DemoDatabase[] };
  audit?: PartResult & { rows: AuditRow[]; patientRows: PatientEventsRow[] };
  distance?: PartResult & { rows: DistanceRow[] };
  start?: PartResult & StartResult;
  soak?: PartResult & SoakResult;
  logins?: PartResult & { rows: RefusedLoginRow[] };
  search?: PartResult & SearchResult;
  booking?: PartResult & BookingResult;
  /** `base` is the commit of the earlier version. */
  versions?: PartResult & { base: string; rows: VersionsRow[] };
}

export interface PartResult {
  /** Date, commit, machine and software of the measurement. */
  environment?: Record<string, string>;
}

/** The number of connections at which CPU is compared with its budget. */
export const BUDGET_CONNECTIONS = 16;
