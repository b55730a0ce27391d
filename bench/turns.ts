import {
  calibrate,
  type Load,
  type Metrics,
  measureLoad,
  metricNames,
  type Quartiles,
  quartilesOf,
  RESERVE,
} from "./measure.ts";
import type { BaselineVariant, RequestKind } from "./request-kinds.ts";
import type { MetricQuartiles } from "./results.ts";
import type { BenchServers, BenchWorker } from "./servers.ts";

/** What each of several loads is measured with. */
export interface Turns {
  /** How often each load is measured. */
  rounds: number;
  /** How long one measurement takes at least. */
  seconds: number;
}

/** A load, and what has to be done before it is sent. */
interface PreparedLoad {
  kind: RequestKind;
  load: Load;
}

export const apiLoad = (kind: RequestKind, worker: BenchWorker, connections: number): PreparedLoad => ({
  kind,
  load: { worker, nextRequest: kind.apiRequest, status: kind.status, connections },
});

export const baselineLoad = (
  kind: RequestKind,
  worker: BenchWorker,
  variant: BaselineVariant,
  connections: number,
): PreparedLoad => ({
  kind,
  load: {
    worker,
    nextRequest: () => kind.baselineRequest(variant),
    status: kind.baselineStatus ?? 200,
    connections,
  },
});

/** A load with the number of requests of one measurement, and its metrics so far. */
interface Series extends PreparedLoad {
  count: number;
  metrics: Metrics[];
}

/**
 * Measures several loads in turns, after a warm-up of each, so that a change in the machine's speed affects all of
 * them. Each round begins with another load. A load has the same number of requests in each round, unless they took
 * less than `seconds`.
 *
 * @returns the metrics of each load, one for each round.
 */
export async function measureInTurns(
  servers: BenchServers,
  loads: PreparedLoad[],
  { rounds, seconds }: Turns,
): Promise<Metrics[][]> {
  const series: Series[] = [];
  for (const { kind, load } of loads)
    series.push({ kind, load, count: await calibrate(kind, load, seconds), metrics: [] });
  for (let round = 0; round < rounds; round += 1) {
    const first = round % series.length;
    for (const turn of [...series.slice(first), ...series.slice(0, first)])
      await measureForSeconds(servers, turn, seconds);
  }
  return series.map(({ metrics }) => metrics);
}

/** Adds one measurement to a series. One that was too short is repeated with more requests. */
async function measureForSeconds(servers: BenchServers, series: Series, seconds: number): Promise<void> {
  const { kind, load } = series;
  for (;;) {
    await kind.prepare?.(series.count);
    const metrics = await measureLoad(servers, load, series.count);
    if (metrics.seconds >= seconds) return void series.metrics.push(metrics);
    series.count = Math.ceil((RESERVE * series.count * seconds) / metrics.seconds);
  }
}

/** The quartiles of the rounds, for each metric. */
export const metricQuartiles = (rounds: Metrics[]): MetricQuartiles =>
  Object.fromEntries(
    metricNames.map((name) => [name, quartilesOf(rounds.map((metrics) => metrics[name]))]),
  ) as MetricQuartiles;

/** One metric of two loads, divided in each round: the quartiles of these ratios. */
export const ratioQuartiles = (of: Metrics[], by: Metrics[], metric: keyof Metrics): Quartiles =>
  quartilesOf(of.map((metrics, round) => metrics[metric] / (by[round]?.[metric] ?? Number.NaN)));

/** The same, with the ratio of the two medians in place of the median of the ratios. */
export const ratioOfMedians = (of: Metrics[], by: Metrics[], metric: keyof Metrics): Quartiles => ({
  ...ratioQuartiles(of, by, metric),
  median: metricQuartiles(of)[metric].median / metricQuartiles(by)[metric].median,
});

/** The seconds that the shortest measurement took. */
export const shortestSeconds = (series: Metrics[][]): number =>
  Math.min(...series.flat().map(({ seconds }) => seconds));
