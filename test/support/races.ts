import type { Answer } from "./api.ts";

/** How many at once make a race. */
export const CROWD = 20;

/** Numbers to repeat a race by. */
export const rounds = (count: number) => Array.from({ length: count }, (_, round) => round);

/** As many at once as are asked for, numbered from 0. */
export const atOnce = <Made>(count: number, make: (index: number) => Promise<Made>): Promise<Made[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => make(index)));

/** How many answers there are of each status. */
export function tally(answers: Answer[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
