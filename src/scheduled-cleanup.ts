import { type SQL, sql } from "drizzle-orm";
import { closeAuditDays } from "./audit-digests/close-days.ts";
import { type Bindings, type Config, readConfig, sessionIdleMinutes } from "./config.ts";
import { connect } from "./db/client.ts";
import { classifyDatabaseError } from "./db/errors.ts";
import { CURSOR_DAYS } from "./db/schema/record-changes.ts";
import { type Connection, defineStatement, intParam } from "./db/statement.ts";

/** How many hours an idempotency key is kept: as long as a client may retry a request. */
const KEY_HOURS = 24;

/**
 * How many days a change of a record is kept: one more than a cursor of the change feed is valid, because a row has the
 * time at which its transaction began.
 */
const CHANGE_DAYS = CURSOR_DAYS + 1;

/** How many rows one statement deletes at most, to stay within its deadline. */
const BATCH_SIZE = 5000;

/** The retention times that the configuration sets. */
type RetentionValues = { idle_minutes: number };

/** A cleanup job. It returns what it did, for the log. */
type CleanupJob = (connection: Connection, values: RetentionValues, config: Config) => Promise<object>;

/**
 * A job that deletes the expired rows of a table, batch by batch, and returns their number.
 *
 * @param isExpired a condition on a row of the table.
 * @param lock of the rows. Without one, the job waits for a request that has locked one of them.
 */
function deleteExpired(table: string, isExpired: SQL, lock = sql``): CleanupJob {
  const deleteBatch = defineStatement<{ deleted: number }, RetentionValues>(
    `cleanup/${table.replaceAll("_", "-")}`,
    () => sql`-- Scheduled cleanup
  WITH batch AS (
    SELECT ctid FROM ${sql.raw(table)}
    WHERE ${isExpired}
    LIMIT ${sql.raw(String(BATCH_SIZE))}${lock}
  ),
  deleted AS (
    -- The condition is repeated: a row that a concurrent request renewed must not be deleted (READ COMMITTED checks
    -- the newest version).
    DELETE FROM ${sql.raw(table)}
    WHERE ctid = ANY (ARRAY(SELECT ctid FROM batch))
      AND ${isExpired}
    RETURNING 1
  )
SELECT count(*)::int AS deleted FROM deleted`,
  );
  return async (connection, values) => {
    let rows = 0;
    for (let deleted = BATCH_SIZE; deleted === BATCH_SIZE; rows += deleted)
      deleted = (await deleteBatch(connection, values))?.deleted ?? 0;
    return { job: "delete_expired", table, rows };
  };
}

/**
 * Leaves rows that requests have locked to the next run. Requests lock several rows of these tables in the order of their keys,
 * and a job would lock them in the order in which they are stored: a deadlock. The Worker's role may lock rows only of tables in
 * which it may change a column.
 */
const skipLocked = sql`
    FOR UPDATE SKIP LOCKED`;

/**
 * How many months ahead partitions are created. If the job fails for longer, events go to the default partition.
 */
const MONTHS_AHEAD = 3;

const createPartitions = defineStatement<{ created: number }, object>(
  "cleanup/audit-partitions",
  () => sql`-- Scheduled cleanup
SELECT audit_partitions(${sql.raw(String(MONTHS_AHEAD))}) AS created`,
);

/** The jobs, in order. */
const jobs: CleanupJob[] = [
  async (connection) => ({
    job: "create_partitions",
    table: "audit_events",
    partitions: (await createPartitions(connection, {}))?.created,
  }),
  deleteExpired(
    "idempotency_keys",
    sql`created_at < now() - make_interval(hours => ${sql.raw(String(KEY_HOURS))})`,
    skipLocked,
  ),
  deleteExpired("emergency_accesses", sql`expires_at < now()`, skipLocked),
  // With their refresh tokens, one day after they ended: until then a reused token is recognised and audited.
  deleteExpired(
    "sessions",
    sql`(expires_at < now() OR ended_at < now() - interval '1 day'
      OR last_used_at < now() - make_interval(mins => ${intParam("idle_minutes")}))`,
    skipLocked,
  ),
  // Failures are forgotten after one day. The own networks of an account are kept for 90 days, for people on
  // leave.
  deleteExpired(
    "login_attempts",
    sql`(failed_at < now() - interval '1 day' AND coalesce(logged_in_at < now() - interval '90 days', true))`,
    skipLocked,
  ),
  deleteExpired("invitations", sql`expires_at < now()`),
  // Later they cannot be undone (UNMERGE_PERIOD in src/patients/merge/unmerge-queries.ts).
  deleteExpired("patient_merges", sql`at < now() - interval '30 days'`, skipLocked),
  deleteExpired("probes", sql`hour < this_hour() - 1`),
  deleteExpired("record_changes", sql`at < now() - make_interval(days => ${sql.raw(String(CHANGE_DAYS))})`),
  // Last, because the first run on an old log takes minutes.
  (connection, _, config) => closeAuditDays(connection, config),
];

/**
 * Runs the cleanup jobs: deletes expired rows, creates partitions of the audit log and closes its finished days. Each
 * job logs one line. A job that fails does not stop the others.
 *
 * @throws the first failure, without any text of the database's, which may hold values.
 */
export async function runScheduledCleanup(bindings: Bindings): Promise<void> {
  const config = readConfig(bindings);
  const connection = connect(config);
  const values = { idle_minutes: sessionIdleMinutes(config) };
  const failures: unknown[] = [];
  for (const job of jobs) {
    try {
      console.log(JSON.stringify(await job(connection, values, config)));
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length === 0) return;
  const fault = classifyDatabaseError(failures[0]);
  throw fault && "code" in fault ? new Error(`Scheduled cleanup failed: ${fault.code}.`) : failures[0];
}
