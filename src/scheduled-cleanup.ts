import { getTableName, type SQL, sql } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import { type Bindings, configuration } from "./config.ts";
import { connect } from "./db/client.ts";
import { databaseFault } from "./db/errors.ts";
import { emergency_accesses, idempotency_keys, invitations, login_attempts, sessions } from "./db/schema.ts";
import { type Connection, statement, value } from "./db/statement.ts";

/** How long a key is kept: as long as a client may go on sending the same request. */
const KEY_HOURS = 24;

/** Rows a statement: few enough to be done in time. */
const BATCH = 5000;

/** What the configuration says of how long something is kept. */
type Values = { idle_days: number };

/** Deletes the rows of a table that are over, a batch at a time; how many there were. */
function clearing(table: PgTable, isOver: SQL) {
  const batch = sql.raw(String(BATCH));
  const clear = statement<{ cleared: number }, Values>(() => ({
    steps: {
      cleared: sql`
        DELETE FROM ${table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM ${table} WHERE ${isOver} LIMIT ${batch})) AND ${isOver}
        RETURNING 1`,
      counted: sql`SELECT count(*)::int AS rows FROM cleared`,
    },
    from: "counted",
    row: { cleared: sql`rows` },
  }));
  return async (connection: Connection, values: Values) => {
    let rows = 0;
    for (let cleared = BATCH; cleared === BATCH; rows += cleared)
      cleared = (await clear(connection, values))?.cleared ?? 0;
    return { cleared: getTableName(table), rows };
  };
}

/** How many months' partitions there are of the record beside this one's: so many months this may fail before it matters. */
const MONTHS_AHEAD = 3;

const makePartitions = statement<{ made: number }>(() => ({
  steps: { partitions: sql`SELECT audit_partitions(${sql.raw(String(MONTHS_AHEAD))}) AS made` },
  from: "partitions",
  row: { made: sql`made` },
}));

/** What is done, in order; each says what it was. */
const chores = [
  async (connection: Connection) => ({
    made: "audit_events",
    partitions: (await makePartitions(connection, {}))?.made,
  }),
  clearing(idempotency_keys, sql`created_at < now() - make_interval(hours => ${sql.raw(String(KEY_HOURS))})`),
  clearing(emergency_accesses, sql`expires_at < now()`),
  // With their refresh tokens, and a day after they have ended: until then a token of theirs can be said to be of one.
  clearing(
    sessions,
    sql`(expires_at < now() OR ended_at < now() - interval '1 day'
      OR last_used_at < now() - make_interval(days => ${value("idle_days")}))`,
  ),
  // By then all failures are forgiven; the networks of an account are kept for as long as somebody may be on leave.
  clearing(
    login_attempts,
    sql`(failed_at < now() - interval '1 day' AND coalesce(logged_in_at < now() - interval '90 days', true))`,
  ),
  clearing(invitations, sql`expires_at < now()`),
];

/**
 * Clears away what has been kept for long enough and makes room for what comes; one line of the log says how much of each.
 *
 * @throws an error without any of the database's words, when that fails: the next time goes on.
 */
export async function keepHouse(bindings: Bindings): Promise<void> {
  const config = configuration(bindings);
  const connection = connect(config);
  const values = { idle_days: config.SESSION_IDLE_DAYS };
  const failed: unknown[] = [];
  for (const chore of chores) {
    try {
      console.log(JSON.stringify(await chore(connection, values)));
    } catch (error) {
      failed.push(error); // what comes after it is done all the same
    }
  }
  if (failed.length === 0) return;
  const fault = databaseFault(failed[0]);
  throw fault && "code" in fault ? new Error(`The database did not keep house: ${fault.code}.`) : failed[0];
}
