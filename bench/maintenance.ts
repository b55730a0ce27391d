import { withClient } from "../ops/command.ts";
import type { BenchDatabase } from "./servers.ts";

// Autovacuum would work in one measurement for the changes of an earlier one. In a measured database it is off, and
// the benchmark does its work between the measurements.

/** Turns off autovacuum for the tables of a database. */
export const disableAutovacuum = ({ ownerUrl }: BenchDatabase): Promise<void> =>
  withClient(ownerUrl, async (client) => {
    const { rows } = await client.query<{ statement: string }>(
      `SELECT format('ALTER TABLE %s SET (autovacuum_enabled = off)', oid::regclass) AS statement
       FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`,
    );
    for (const { statement } of rows) await client.query(statement);
  });

/** Vacuums the tables that requests change, and writes a checkpoint, so that neither happens during a measurement. */
export const runMaintenance = ({ ownerUrl }: BenchDatabase): Promise<void> =>
  withClient(ownerUrl, async (client) => {
    await client.query("VACUUM (ANALYZE) users, sessions, patients, mappings, audit_events");
    await client.query("CHECKPOINT");
  });
