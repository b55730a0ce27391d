import { parseArgs } from "node:util";
import { Presets, SingleBar } from "cli-progress";
import type pg from "pg";
import { runAsCommand, withClient } from "./command.ts";
import { databaseUrl } from "./environment.ts";

const usage = `Usage: npm run purge -- --older-than <days> [--dry-run]

Removes the patients that were deleted more than <days> days ago for good, with their assignments and their values in the
audit log, as POST /api/patients/:id/erase/ does. Each batch is audited. With --dry-run it prints how many there are and
removes none. It can be stopped at any time, and run again.

It works on the database of DATABASE_URL, or of .dev.vars.`;

/** Patients per transaction: few enough that other requests do not wait long for their locks. */
const BATCH_SIZE = 1000;

const isExpired = "deleted_at < now() - make_interval(days => $1)";
const countStatement = `SELECT count(*)::int AS count, min(deleted_at) AS oldest FROM patients WHERE ${isExpired}`;
/**
 * `FOR UPDATE` waits for a concurrent restore and, under READ COMMITTED, then skips that patient: so the condition is repeated.
 * The patients are locked in the order of their ids, as requests lock them. The newest definition of the function `erase_patient`
 * (drizzle/0035_appointments.sql) has the list of what is removed.
 */
const purgeStatement = `
  WITH batch AS (SELECT id FROM patients WHERE ${isExpired} ORDER BY deleted_at LIMIT ${BATCH_SIZE}),
  expired AS (SELECT id FROM patients WHERE id = ANY (ARRAY(SELECT id FROM batch)) AND ${isExpired} ORDER BY id FOR UPDATE),
  removed AS MATERIALIZED (SELECT id, erase_patient(id, NULL) FROM expired),
  audit_event AS (
    INSERT INTO audit_events (action, outcome, patients)
    SELECT 'purge', 'done', array_agg(id ORDER BY id) FROM removed HAVING count(*) > 0)
  SELECT count(*)::int AS count FROM removed`;

/**
 * Removes the patients that were deleted more than `days` days ago, in batches of 1,000, each with an audit event.
 *
 * @param url of the database, as its owner.
 * @param onProgress is called before and after each batch with the number of removed patients and of all to remove.
 * @returns the number of removed patients.
 */
export const purge = (
  url: string,
  days: number,
  onProgress: (removed: number, total: number) => void = () => {},
) =>
  withClient(url, async (client) => {
    const { count: total } = await countExpired(client, days);
    let removed = 0;
    // Counted again each time: a batch removes nobody if all its patients have been restored in the meantime.
    for (let left = total; left > 0; { count: left } = await countExpired(client, days)) {
      onProgress(removed, total);
      removed += (await client.query<{ count: number }>(purgeStatement, [days])).rows[0]?.count ?? 0;
    }
    onProgress(removed, total);
    // The statistics have names until the next ANALYZE, and the free space until it is overwritten.
    if (removed > 0) await client.query("VACUUM (ANALYZE) patients");
    return removed;
  });

/** Counts the patients to remove. `oldest` is the time of the first deletion among them. */
async function countExpired(
  client: pg.Client,
  days: number,
): Promise<{ count: number; oldest: Date | null }> {
  const { rows } = await client.query(countStatement, [days]);
  return rows[0];
}

function parseArguments(): { days: number; dryRun: boolean } {
  const options = { "older-than": { type: "string" }, "dry-run": { type: "boolean" } } as const;
  const { values } = parseArgs({ options });
  // At least one day: what was deleted today may have been deleted by mistake.
  if (!/^[1-9]\d{0,4}$/.test(values["older-than"] ?? "")) throw new Error(usage);
  return { days: Number(values["older-than"]), dryRun: values["dry-run"] ?? false };
}

async function printCount(url: string, days: number): Promise<void> {
  const { count, oldest } = await withClient(url, (client) => countExpired(client, days));
  const since = oldest ? `, the oldest deleted on ${oldest.toISOString().slice(0, 10)}` : "";
  console.log(`${count} patients would be removed for good${since}.`);
}

async function purgeWithProgressBar(url: string, days: number): Promise<void> {
  const format = "{bar} {value} of {total} patients, {duration_formatted}";
  const bar = new SingleBar({ format }, Presets.rect);
  bar.start(0, 0);
  const count = await purge(url, days, (removed, total) => {
    bar.setTotal(total);
    bar.update(removed);
  }).finally(() => bar.stop());
  console.log(`${count} patients were removed for good.`);
}

if (import.meta.main) {
  await runAsCommand(async () => {
    const { days, dryRun } = parseArguments();
    await (dryRun ? printCount : purgeWithProgressBar)(databaseUrl(), days);
  }, usage);
}
