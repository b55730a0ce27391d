import { sql } from "drizzle-orm";
import { connect } from "./db/client.ts";
import { databaseFault } from "./db/errors.ts";
import { idempotency_keys } from "./db/schema.ts";
import { statement } from "./db/statement.ts";
import { type Bindings, configuration } from "./env.ts";

/** How long a key is kept: as long as a client may go on sending the same request. */
const KEY_HOURS = 24;

/** Rows a statement: few enough to be done in time. */
const BATCH = 5000;

const clearKeys = statement<{ cleared: number }>(
  {
    cleared: sql`
      DELETE FROM ${idempotency_keys} WHERE (account_id, key) IN (
        SELECT account_id, key FROM ${idempotency_keys}
        WHERE created_at < now() - make_interval(hours => ${sql.raw(String(KEY_HOURS))})
        LIMIT ${sql.raw(String(BATCH))})
      RETURNING 1`,
    counted: sql`SELECT count(*)::int AS rows FROM cleared`,
  },
  "counted",
  { cleared: sql`rows` },
);

/** How many months' partitions there are of the record beside this one's: so many months this may fail before it matters. */
const MONTHS_AHEAD = 3;

const makePartitions = statement<{ made: number }>(
  { partitions: sql`SELECT audit_partitions(${sql.raw(String(MONTHS_AHEAD))}) AS made` },
  "partitions",
  { made: sql`made` },
);

/**
 * Clears away what has been kept for long enough, in batches, makes room for what comes, and says in the log how much it was.
 *
 * @throws an error without any of the database's words, when that fails: the next time goes on.
 */
export async function keepHouse(bindings: Bindings): Promise<void> {
  const connection = { database: connect(configuration(bindings)), waited: 0 };
  let keys = 0;
  let made: number | undefined;
  try {
    made = (await makePartitions(connection, {}))?.made;
    for (let cleared = BATCH; cleared === BATCH; keys += cleared)
      cleared = (await clearKeys(connection, {}))?.cleared ?? 0;
  } catch (error) {
    const fault = databaseFault(error);
    if (fault && "code" in fault) throw new Error(`The database did not keep house: ${fault.code}.`);
    throw error;
  }
  console.log(JSON.stringify({ made: "audit_events", partitions: made }));
  console.log(JSON.stringify({ cleared: "idempotency_keys", rows: keys }));
}
