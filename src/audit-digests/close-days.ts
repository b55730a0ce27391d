import { type Config, memoizePerConfig } from "../config.ts";
import type { Connection } from "../db/statement.ts";
import { digestHmac, digestKey, hashDay } from "./digest.ts";
import { findOpenDay, hashEvents, insertDigest } from "./queries.ts";

/**
 * How many days one run closes at most. An older log is closed over several hours. With a million events a day, a run
 * needs 832 statements, and a Worker may send 1,000 requests.
 */
const DAYS_PER_RUN = 16;

const keyOf = memoizePerConfig(({ AUDIT_KEY, JWT_SECRET }) => digestKey(AUDIT_KEY ?? JWT_SECRET));

/**
 * Closes the finished days of the audit log, from the last closed one on: computes the digest of a day, stores it, and
 * logs it. The log is out of reach of the database's owner. A run that stops leaves nothing behind; the next one begins
 * that day again.
 *
 * @returns how many days this run has closed, for the log.
 */
export async function closeAuditDays(connection: Connection, config: Config): Promise<object> {
  let days = 0;
  for (let run = 0; run < DAYS_PER_RUN; run += 1) {
    const open = await findOpenDay(connection, {});
    if (!open) break;
    if (await closeDay(connection, config, open.day, open.previous ?? "")) days += 1;
  }
  return { job: "close_audit_days", table: "audit_events", days };
}

/** @returns false when another run has closed the day meanwhile. */
async function closeDay(connection: Connection, config: Config, day: string, previous: string) {
  const hashBlock = async (request: Parameters<typeof hashEvents>[1]) => {
    const block = await hashEvents(connection, request);
    if (!block) throw new Error("The statement audit/hash-events returned no row.");
    return block;
  };
  const { erased, altered, ...events } = await hashDay(day, hashBlock);
  const unsigned = { ...events, closed_at: new Date().toISOString() };
  const digest = { ...unsigned, hmac: await digestHmac(await keyOf(config), unsigned, previous) };
  if (!(await insertDigest(connection, digest))) return false;
  console.log(JSON.stringify({ job: "close_audit_day", ...digest }));
  return true;
}
