import type { Slice, Spread } from "./measure.ts";

export type Spreads = Record<keyof Slice, Spread>;

/** A kind at some number of connections, beside the floor. */
export interface Cost {
  kind: string;
  connections: number;
  asks: number;
  limit?: number | undefined;
  product: Spreads;
  floor: Spreads;
  /** The Worker's CPU as a multiple of the floor's: of the medians, with the quartiles of the rounds. */
  ratio: Spread;
}

/** What is in RAM after all that, in MiB. */
export interface Memory {
  product: number;
  floor: number;
  endpoint: number;
  postgres: number | undefined;
}

/** A kind in a database of some size; thousandth pages of 50 are there from 100,000 patients on. */
export interface Growth {
  kind: string;
  patients: number;
  /** In milliseconds, over the rounds. */
  p50: Spread;
  /** As a multiple of that in the smallest database, in the same round; of a thousandth page, as one of its first page. */
  ratio: Spread;
}

/** A kind with and without its record, when there are so many events on record already. */
export interface Recorded {
  kind: string;
  events: number;
  recorded: Spreads;
  unrecorded: Spreads;
}

/** A kind whose requests to the database take `delay` milliseconds longer. */
export interface Distance {
  kind: string;
  asks: number;
  delay: number;
  /** What the fastest took, in milliseconds: the delay is the least, and what chance adds is not of interest here. */
  ms: number;
}

export interface Start {
  /** The bundle, in bytes. */
  bytes: number;
  gzip: number;
  /** Whose code they are; in bytes of the bundle, the largest first. */
  parts: { name: string; bytes: number }[];
  /** CPU until the code has run, in milliseconds, by `wrangler check startup`; a busy machine adds to it. */
  startup: { fastest: number; all: Spread } | undefined;
  /** CPU of workerd from its beginning until the first answer, in milliseconds, above the same of an empty Worker. */
  firstAnswer: Spread;
}

/** How long a login takes that is refused for a reason, in milliseconds. */
export interface Login {
  reason: string;
  ms: Spread;
}

/** Many connections at once, for long. */
export interface Soak {
  connections: number;
  seconds: number;
  requests: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
  /** Answers that were not 2xx; connections that broke; requests without an answer within ten seconds. */
  failures: { refused: number; broken: number; late: number };
  /** In RAM, in MiB: when all was warm, and at the end. */
  memory: Record<"Worker" | "endpoint", { warm: number; end: number }>;
}

/** Of each part of the bench, the last time it was run. */
export interface Results {
  cost?: Part & { rows: Cost[]; memory: Memory };
  growth?: Part & { rows: Growth[]; fill: Fill[] };
  record?: Part & { rows: Recorded[] };
  distance?: Part & { rows: Distance[] };
  start?: Part & Start;
  soak?: Part & Soak;
  logins?: Part & { rows: Login[] };
}

/** When, of what, on what. */
export interface Part {
  measured?: Record<string, string>;
}

export interface Fill {
  patients: number;
  seconds: number;
  /** How large the database is then. */
  mebibytes: number;
}

/** Something that was promised, and how it stands. */
export interface Budget {
  what: string;
  limit: number;
  value: number;
  met: boolean;
}

/** The connections at which costs are held against their budgets. */
export const BUDGET_CONNECTIONS = 16;
/** A million patients may make a request this many times slower than a thousand. */
const GROWTH_LIMIT = 1.2;
const GZIP_KIB = 130;
const STARTUP_MS = 30;
/** What is in RAM after a minute of many connections, as a multiple of what was when all was warm. */
const MEMORY_LIMIT = 1.2;
/** How far a request may be from the delay it must take, as a part of that. */
const DISTANCE_TOLERANCE = 0.1;

/** Every budget that these results tell of. */
export function budgets({ record, cost, growth, distance, start, soak }: Results): Budget[] {
  const told: Omit<Budget, "met">[] = [];
  for (const { kind, connections, limit, ratio, asks, product } of cost?.rows ?? []) {
    if (limit && connections === BUDGET_CONNECTIONS)
      told.push({ what: `${kind}: CPU, as a multiple of the floor's`, limit, value: ratio.median });
    if (product.asked.high > asks)
      told.push({ what: `${kind}: database requests`, limit: asks, value: product.asked.high });
  }
  const largest = Math.max(...(growth?.rows ?? []).map(({ patients }) => patients));
  for (const { kind, ratio } of (growth?.rows ?? []).filter(({ patients }) => patients === largest))
    told.push({
      what: `${kind}: p50, as a multiple of that at the fewest patients`,
      limit: GROWTH_LIMIT,
      value: ratio.median,
    });
  for (const { kind, events, growth } of growthOfRecord(record?.rows ?? []))
    told.push({
      what: `${kind}: p50 beside ${events} events on record, as a multiple`,
      limit: GROWTH_LIMIT,
      value: growth,
    });
  for (const { kind, asks, slope } of slopes(distance?.rows ?? []))
    told.push({
      what: `${kind}: delays taken, off ${asks} by`,
      limit: DISTANCE_TOLERANCE,
      value: Math.abs(slope - asks),
    });
  if (start) {
    told.push({ what: "bundle, KiB gzip", limit: GZIP_KIB, value: start.gzip / 1024 });
    if (start.startup)
      told.push({ what: "start-up CPU, ms", limit: STARTUP_MS, value: start.startup.fastest });
  }
  if (soak) {
    const { connections, failures, memory } = soak;
    const failed = failures.refused + failures.broken + failures.late;
    told.push({ what: `${connections} connections: requests that failed`, limit: 0, value: failed });
    for (const [process, { warm, end }] of Object.entries(memory))
      told.push({
        what: `${connections} connections: memory of the ${process}, as a multiple of that when warm`,
        limit: MEMORY_LIMIT,
        value: end / warm,
      });
  }
  return told.map((budget) => ({ ...budget, met: budget.value <= budget.limit }));
}

/** How much longer a kind takes with many events on record, as a multiple; that the machine was slower then is taken out. */
export function growthOfRecord(rows: Recorded[]): { kind: string; events: number; growth: number }[] {
  const ratio = ({ recorded, unrecorded }: Recorded) => recorded.p50.median / unrecorded.p50.median;
  return rows
    .filter(({ events }) => events > 0)
    .flatMap((row) => {
      const first = rows.find(({ kind, events }) => kind === row.kind && events === 0);
      return first ? [{ kind: row.kind, events: row.events, growth: ratio(row) / ratio(first) }] : [];
    });
}

/** How often a request takes the delay (by least squares), and how long it takes besides. */
export function slopes(rows: Distance[]): { kind: string; asks: number; slope: number; constant: number }[] {
  return [...new Set(rows.map(({ kind }) => kind))].map((kind) => {
    const own = rows.filter((row) => row.kind === kind);
    const mean = (value: (row: Distance) => number) =>
      own.reduce((sum, row) => sum + value(row), 0) / own.length;
    const [x, y] = [mean(({ delay }) => delay), mean(({ ms }) => ms)];
    const slope = mean(({ delay, ms }) => (delay - x) * (ms - y)) / mean(({ delay }) => (delay - x) ** 2);
    return { kind, asks: own[0]?.asks ?? 0, slope, constant: y - slope * x };
  });
}
