import { type SQL, sql } from "drizzle-orm";
import { insertRetryableAuditEvent } from "../db/query/audit.ts";
import { CURSOR_DAYS, recordKinds } from "../db/schema.ts";
import { intParam, param } from "../db/statement.ts";
import { MAX_CHANGES } from "./requests.ts";

// What the two statements of the change feed share (docs/decisions/0015-change-feed.md). The first pages read the records
// themselves, in order of kind and id (all-records-queries.ts). The pages after them read `record_changes`, in order of
// transaction, kind and id, and say what the records are now (changes-since-queries.ts).

/** Where a page starts. */
export interface FeedPosition {
  /** The feed is read up to this transaction, or was when it was started. */
  xact: string | null;
  /** The last record of the page before; 0 for none. The kind is a position in `recordKinds`, counted from 1. */
  kind: number;
  id: number;
  /** Up to when the feed has been read. It stays while a transaction holds the feed back: its changes may be as old. */
  at: string | null;
  /** What the position is valid for: see `change_feed_epoch`. */
  epoch: string | null;
  /** The clinic whose records are read. */
  clinic: number | null;
  /** The doctor whose own account the caller is. */
  doctor: number | null;
}

/** The content of a cursor, as PostgreSQL makes it. `initial`: the records themselves are being read. */
export type FeedCursor = FeedPosition & { account: number; initial: boolean };

/** `next`: JSON text of the FeedCursor of the next page; null when the position is expired. */
export type FeedRow = { changes: string; next: string | null };

export const PAGE_SIZE = sql.raw(String(MAX_CHANGES));
export const PAGE_AND_NEXT = sql.raw(String(MAX_CHANGES + 1));

/** The last record of the page before. */
export const [lastKind, lastId] = [sql`${param("kind")}::smallint`, intParam("id")];
const [xact, epoch] = [sql`${param("xact")}::xid8`, sql`${param("epoch")}::text`];
const at = sql`${param("at")}::timestamptz`;

/**
 * The steps `horizon` and `start`. All transactions before `horizon.xact` have ended, so their changes are visible, also
 * those that waited for locks; later ones may not be. `start` has no row when the position is expired: it is too old, it
 * is of another database, of a time after the restored one, of another clinic, or of an account that was linked to another
 * doctor.
 */
export const startSteps = sql`horizon AS MATERIALIZED (
    SELECT pg_snapshot_xmin(pg_current_snapshot()) AS xact, change_feed_epoch() AS epoch
  ),
  start AS MATERIALIZED (
    SELECT coalesce(${xact}, horizon.xact) AS xact, coalesce(${at}, now()) AS at
    FROM caller, horizon
    WHERE ${epoch} IS NULL
      OR ${epoch} = horizon.epoch AND ${xact} <= horizon.xact
        AND ${at} > now() - make_interval(days => ${sql.raw(String(CURSOR_DAYS))})
        AND ${intParam("clinic")} = caller.clinic_id AND ${intParam("doctor")} IS NOT DISTINCT FROM caller.doctor_id
  )`;
export const startXact = sql`(SELECT xact FROM start)`;
export const horizonXact = sql`(SELECT xact FROM horizon)`;

/** A kind as a number, for `SELECT` and comparisons. */
const kindNumber = (name: (typeof recordKinds)[number]) =>
  sql.raw(`${recordKinds.indexOf(name) + 1}::smallint`);
export const [patientKind, doctorKind, assignmentKind, appointmentKind] = [
  kindNumber("patient"),
  kindNumber("doctor"),
  kindNumber("assignment"),
  kindNumber("appointment"),
];

/** Index scans. Each reads one page and the next row. */
export const unionOf = (scans: SQL[]): SQL =>
  sql.join(
    scans.map((scan) => sql`(\n      ${scan} LIMIT ${PAGE_AND_NEXT}\n      )`),
    sql` UNION ALL `,
  );

const kindName = sql.raw(`(ARRAY[${recordKinds.map((name) => `'${name}'`).join(", ")}])[kind]`);
export const changeJson = (members?: SQL) =>
  sql`'{"kind":"' || ${kindName} || '","id":' || id || ',"version":' || version || ${members && sql`${members} || `}'}'`;
export const changesArray = (json: SQL, from: string) =>
  sql`(SELECT '[' || coalesce(string_agg(${json}, ',' ORDER BY page_position), '') || ']' FROM ${sql.raw(from)})`;

/** The step `next`: the last row of a page, when there is another page. */
export const nextStep = sql`next AS (
    SELECT * FROM page_and_next
    WHERE page_position = ${PAGE_SIZE} AND EXISTS (SELECT FROM page_and_next WHERE page_position > ${PAGE_SIZE})
  )`;

/** The audit event names the patients, as that of a list does. */
export const feedAuditEvent = insertRetryableAuditEvent({
  action: "list_changes",
  outcome: sql`WHEN NOT EXISTS (SELECT FROM start) THEN 'refused' ELSE 'done'`,
  patients: sql`ARRAY(SELECT id FROM page WHERE kind = ${patientKind} ORDER BY id)`,
});

/** The columns of FeedRow. @param next the columns of the next position that differ between the statements. */
export const feedColumns = (changes: SQL, next: SQL) => sql`${changes} AS changes,
  (SELECT row_to_json(c)::text FROM (
    SELECT caller.id AS account, caller.clinic_id AS clinic, caller.doctor_id AS doctor, horizon.epoch,
      coalesce(next.kind, 0) AS kind, coalesce(next.id, 0) AS id, ${next}
    FROM caller CROSS JOIN horizon CROSS JOIN start LEFT JOIN next ON true
  ) c) AS next`;
