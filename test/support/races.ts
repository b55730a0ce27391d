import type { Answer } from "./api.ts";
import { type Account, create } from "./fixtures.ts";

/** How many at once make a race. */
export const CROWD = 20;

/** Numbers to repeat a race by. */
export const rounds = (count: number) => Array.from({ length: count }, (_, round) => round);

/** As many at once as `send` is asked for. */
export const atOnce = (count: number, send: (index: number) => Promise<Answer>) =>
  Promise.all(Array.from({ length: count }, (_, index) => send(index)));

/** How many answers there are of each status. */
export const tally = (answers: Answer[]): Record<number, number> =>
  Object.fromEntries(
    Object.entries(Object.groupBy(answers, ({ status }) => status)).map(([status, of]) => [
      Number(status),
      of?.length ?? 0,
    ]),
  );

/** Creates several at once, to be there before a race. */
export const several = (account: Account, path: string, make: () => unknown, count = 10) =>
  Promise.all(Array.from({ length: count }, () => create(account, path, make())));
