import { type SQL, sql } from "drizzle-orm";

/** `AT TIME ZONE 'CET'` has no daylight-saving time: these names are abbreviations to PostgreSQL before they are zones. */
const ABBREVIATIONS = sql.raw("'cet', 'eet', 'met', 'wet'");

/**
 * Whether PostgreSQL knows a time zone: its data may be older than the Worker's. An unknown one would make every request with
 * it an error. The view reads some hundred files, in 30 ms; only a change of the time zone asks it.
 *
 * @param name NULL when none is sent.
 */
export const isKnownZone = (name: SQL): SQL =>
  sql`(${name} IS NULL OR lower(${name} COLLATE "C") NOT IN (${ABBREVIATIONS})
      AND EXISTS (SELECT FROM pg_timezone_names z WHERE lower(z.name COLLATE "C") = lower(${name} COLLATE "C")))`;
