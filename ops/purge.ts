import { parseArgs } from "node:util";
import { Presets, SingleBar } from "cli-progress";
import type pg from "pg";
import { runAsCommand, withClient } from "./command.ts";
import { databaseUrl } from "./environment.ts";

const usage = `Usage: npm run purge -- --older-than <days> [--dry-run]

Removes for good, with their assignments, the patients that were deleted more than so many days ago, and puts on record which.
It may be stopped, and goes on when it is run again. With --dry-run it only says how many there are.

on the database of DATABASE_URL, or of .dev.vars.`;

/** Patients a transaction: few enough to keep nobody waiting. */
const BATCH = 1000;

const isOld = "deleted_at < now() - make_interval(days => $1)";
const count = `SELECT count(*)::int AS count, min(deleted_at) AS oldest FROM patients WHERE ${isOld}`;
/** Who restores one of them at this moment is waited for, and has it. */
const removal = `
  WITH old AS (SELECT id FROM patients WHERE ${isOld} ORDER BY deleted_at LIMIT ${BATCH} FOR UPDATE),
  gone AS (DELETE FROM patients USING old WHERE patients.id = old.id RETURNING patients.id),
  recorded AS (
    INSERT INTO audit_events (action, outcome, patients)
    SELECT 'purge', 'done', array_agg(id ORDER BY id) FROM gone HAVING count(*) > 0)
  SELECT count(*)::int AS count FROM gone`;

/**
 * Removes what was deleted more than `days` ago, in batches, each with its record.
 *
 * @param onProgress is told how many are gone so far, of how many there were.
 * @returns how many that was.
 */
export const purge = (
  url: string,
  days: number,
  onProgress: (gone: number, total: number) => void = () => {},
) =>
  withClient(url, async (client) => {
    const { count: total } = await found(client, days);
    let gone = 0;
    // Those of a batch may all have been restored meanwhile.
    for (let left = total; left > 0; { count: left } = await found(client, days)) {
      onProgress(gone, total);
      gone += (await client.query<{ count: number }>(removal, [days])).rows[0]?.count ?? 0;
    }
    onProgress(gone, total);
    return gone;
  });

/** How many there are to remove, and when the oldest was deleted. */
async function found(client: pg.Client, days: number): Promise<{ count: number; oldest: Date | null }> {
  const { rows } = await client.query(count, [days]);
  return rows[0];
}

function parsedArguments(): { days: number; dryRun: boolean } {
  const options = { "older-than": { type: "string" }, "dry-run": { type: "boolean" } } as const;
  const { values } = parseArgs({ options });
  // What was deleted today may be a mistake of today.
  if (!/^[1-9]\d{0,4}$/.test(values["older-than"] ?? "")) throw new Error(usage);
  return { days: Number(values["older-than"]), dryRun: values["dry-run"] ?? false };
}

if (import.meta.main) {
  await runAsCommand(async () => {
    const { days, dryRun } = parsedArguments();
    const url = databaseUrl();
    if (dryRun) {
      const { count, oldest } = await withClient(url, (client) => found(client, days));
      const since = oldest ? `, the oldest deleted on ${oldest.toISOString().slice(0, 10)}` : "";
      console.log(`${count} patients would be removed for good${since}.`);
      return;
    }
    const bar = new SingleBar(
      { format: "{bar} {value} of {total} patients, {duration_formatted}" },
      Presets.rect,
    );
    bar.start(0, 0);
    const gone = await purge(url, days, (done, total) => {
      bar.setTotal(total);
      bar.update(done);
    }).finally(() => bar.stop());
    console.log(`${gone} patients were removed for good.`);
  });
}
