import { type ApiResponse, connectApi } from "./api.ts";
import { type HeldLock, holdLock } from "./held-lock.ts";
import { workerDatabase } from "./worker-database.ts";

/** The number of requests in a race. The local Neon endpoint has 40 connections for each database URL. */
export const CROWD = 20;

/** Numbers to repeat a race by. */
export const rounds = (count: number) => Array.from({ length: count }, (_, round) => round);

/** Calls `make` `count` times at once, with the numbers from 0. */
export const atOnce = <Made>(count: number, make: (index: number) => Promise<Made>): Promise<Made[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => make(index)));

/** The number of answers of each status. */
export function tally(answers: ApiResponse[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

/**
 * The API without the time limits that requests in a queue could exceed on a slow machine. It connects as the owner
 * of the database, who has no lock_timeout; at most 30 of its requests may wait at once, because the test's
 * own statements need connections too.
 */
export const connectWithoutLimits = () =>
  connectApi({ DATABASE_URL: workerDatabase.ownerUrl, DATABASE_TIMEOUT_MS: 60_000 });

/** Locks all of an account's records of `table`. */
export const lockRecords = (table: "patients" | "doctors", account: { id: number }): Promise<HeldLock> =>
  holdLock(`SELECT FROM ${table} WHERE created_by = $1 FOR UPDATE`, [account.id]);

/**
 * Does `work` while `lock` is held, and releases it when `waiters` statements wait for it, so that all of them race.
 */
export async function raceBehind<Done>(
  lock: HeldLock,
  waiters: number,
  work: () => Promise<Done>,
): Promise<Done> {
  const releaseWhenSeen = () => lock.waiters(waiters).finally(lock.release);
  const [done] = await Promise.all([work(), releaseWhenSeen()]);
  return done;
}

/**
 * Does `work` while all of an account's records of `table` are locked, until `waiters` of its statements wait for
 * them.
 */
export async function onceReleased<Done>(
  table: "patients" | "doctors",
  account: { id: number },
  work: () => Promise<Done>,
  waiters = 2,
): Promise<Done> {
  return raceBehind(await lockRecords(table, account), waiters, work);
}
