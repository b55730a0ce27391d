import { withClient } from "../ops/command.ts";
import type { BenchDatabase } from "./servers.ts";

// Audit events that are there before a measurement.

/** Inserts events of ten thousand accounts about a million patients. A tenth of them are lists of 50 patients. */
export const insertEventsOfMany = ({ ownerUrl }: BenchDatabase, events: number): Promise<unknown> =>
  withClient(ownerUrl, (client) =>
    client.query(
      `INSERT INTO audit_events (account_id, username, role, session_id, action, outcome, patient_id, patients, address, request_id)
       SELECT n % 10000, 'somebody', 'clinician', gen_random_uuid(), CASE WHEN is_list THEN 'list' ELSE 'read' END, 'done',
         CASE WHEN NOT is_list THEN n * 7919::bigint % 1000000 END,
         CASE WHEN is_list THEN ARRAY(SELECT (n * 7919::bigint + i * 37) % 1000000 FROM generate_series(1, 50) i) END,
         '203.0.113.7', gen_random_uuid()
       FROM generate_series(1, $1::int) n, LATERAL (SELECT n % 10 = 0 AS is_list) kind`,
      [events],
    ),
  );

/** Inserts events of one patient, one a second until now: reads, and every tenth a change. */
export const insertEventsOfOne = (
  { ownerUrl }: BenchDatabase,
  patient: number,
  events: number,
): Promise<unknown> =>
  withClient(ownerUrl, (client) =>
    client.query(
      `INSERT INTO audit_events (at, account_id, username, role, session_id, action, outcome, patient_id, address, request_id)
       SELECT now() - n * interval '1 second', n % 100, 'somebody', 'clinician', gen_random_uuid(),
         CASE WHEN n % 10 = 0 THEN 'update' ELSE 'read' END, 'done', $2::int, '203.0.113.7', gen_random_uuid()
       FROM generate_series($1::int, 1, -1) n`,
      [events, patient],
    ),
  );
