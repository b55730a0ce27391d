import { calibrate, type Load, quantile, sendRequests } from "./measure.ts";
import type { RequestKind } from "./request-kinds.ts";
import type { BenchWorker } from "./servers.ts";

export const singleConnectionLoad = (kind: RequestKind, worker: BenchWorker): Load => ({
  worker,
  nextRequest: kind.apiRequest,
  status: kind.status,
  connections: 1,
});

/**
 * Measures how long requests take on one connection, in turns, after a warm-up of each.
 *
 * @param count how many requests are sent in one round.
 * @returns the p50 of each round in milliseconds, for each of `series`.
 */
export async function measureP50InTurns(
  series: { kind: RequestKind; load: Load }[],
  { count, rounds, warmUpSeconds }: { count: number; rounds: number; warmUpSeconds: number },
): Promise<number[][]> {
  for (const { kind, load } of series) await calibrate(kind, load, warmUpSeconds);
  const medians = series.map((): number[] => []);
  for (let round = 0; round < rounds; round += 1)
    for (const [i, { kind, load }] of series.entries()) {
      await kind.prepare?.(count);
      medians[i]?.push(quantile((await sendRequests(load, count)).times, 0.5));
    }
  return medians;
}
