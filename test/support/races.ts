import type { Answer } from "./api.ts";
import { owner } from "./owner.ts";

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

/**
 * Does `work` while another transaction holds all of an account's records of `table`, for long enough that its requests
 * queue up behind that and then run at the very same moment.
 */
export async function onceReleased<Done>(
  table: "patients" | "doctors",
  account: { id: number },
  work: () => Promise<Done>,
): Promise<Done> {
  const sql = owner();
  const locked = sql.query(`SELECT FROM ${table} WHERE created_by = $1 FOR UPDATE`, [account.id]);
  const held = sql.transaction([locked, sql`SELECT pg_sleep(0.5)`]);
  await scheduler.wait(100);
  const [done] = await Promise.all([work(), held]);
  return done;
}
