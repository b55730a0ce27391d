import { type SQL, sql } from "drizzle-orm";
import { insertRetryableAuditEvent } from "../db/query/audit.ts";
import {
  authenticatedRetryable,
  callerClinicId,
  callerDoctorId,
  callerSteps,
  refusalColumn,
} from "../db/query/caller.ts";
import { can } from "../db/query/permissions.ts";
import { CURSOR_DAYS, recordKinds } from "../db/schema.ts";
import { intParam, param } from "../db/statement.ts";

// The change feed (docs/decisions/0015-change-feed.md). The first pages read the records themselves, in order of kind
// and id. The pages after them read `record_changes`, in order of transaction, kind and id, and say what the records
// are now.

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
type FeedRow = { changes: string; next: string | null };

/** How many changes a page has at most. */
const PAGE_SIZE = sql.raw("500");
const PAGE_AND_NEXT = sql.raw("501");

const [kind, id] = [sql`${param("kind")}::smallint`, intParam("id")];
const [xact, epoch] = [sql`${param("xact")}::xid8`, sql`${param("epoch")}::text`];
const at = sql`${param("at")}::timestamptz`;

/**
 * The steps `horizon` and `start`. All transactions before `horizon.xact` have ended, so their changes are visible, also
 * those that waited for locks; later ones may not be. `start` has no row when the position is expired: it is too old, it
 * is of another database, of a time after the restored one, of another clinic, or of an account that was linked to another
 * doctor.
 */
const startSteps = sql`horizon AS MATERIALIZED (
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
const startXact = sql`(SELECT xact FROM start)`;
const horizonXact = sql`(SELECT xact FROM horizon)`;

/** A kind as a number, for `SELECT` and comparisons. */
const kindNumber = (name: (typeof recordKinds)[number]) =>
  sql.raw(`${recordKinds.indexOf(name) + 1}::smallint`);
const [patientKind, doctorKind, assignmentKind, appointmentKind] = [
  kindNumber("patient"),
  kindNumber("doctor"),
  kindNumber("assignment"),
  kindNumber("appointment"),
];

/** Scans of which each reads one page and the next row. */
const unionOf = (scans: SQL[]): SQL =>
  sql.join(
    scans.map((scan) => sql`(\n      ${scan} LIMIT ${PAGE_AND_NEXT}\n      )`),
    sql` UNION ALL `,
  );

const isDoctorsAccount = sql`${callerDoctorId} IS NOT NULL`;

/** The id after which the records of a kind are read: all of them, those after the position, or none. */
const afterId = (ofKind: SQL) =>
  sql`CASE WHEN ${kind} < ${ofKind} THEN 0 WHEN ${kind} = ${ofKind} THEN ${id} ELSE 2147483647 END`;

/** The records that the lists show the caller, each kind in the order of an index. */
const recordScans = [
  sql`SELECT ${patientKind} AS kind, p.id, p.version FROM patients p
      WHERE (p.owner_id, p.id) > (${callerClinicId}, ${afterId(patientKind)}) AND p.owner_id <= ${callerClinicId}
      ORDER BY p.owner_id, p.id`,
  sql`SELECT ${patientKind}, m.patient_id, p.version
      FROM mappings m JOIN LATERAL (SELECT version FROM patients WHERE id = m.patient_id OFFSET 0) p ON true
      WHERE ${isDoctorsAccount}
        AND (m.current_doctor_id, m.patient_id) > (${callerDoctorId}, ${afterId(patientKind)}) AND m.current_doctor_id <= ${callerDoctorId}
      ORDER BY m.current_doctor_id, m.patient_id`,
  sql`SELECT ${doctorKind}, d.id, d.version FROM doctors d WHERE d.id > ${afterId(doctorKind)} ORDER BY d.id`,
  sql`SELECT ${assignmentKind}, m.id, m.version FROM mappings m
      WHERE (m.owner_id, m.id) > (${callerClinicId}, ${afterId(assignmentKind)}) AND m.owner_id <= ${callerClinicId}
      ORDER BY m.owner_id, m.id`,
  sql`SELECT ${assignmentKind}, m.id, m.version FROM mappings m
      WHERE ${isDoctorsAccount}
        AND (m.current_doctor_id, m.id) > (${callerDoctorId}, ${afterId(assignmentKind)}) AND m.current_doctor_id <= ${callerDoctorId}
      ORDER BY m.current_doctor_id, m.id`,
  sql`SELECT ${appointmentKind}, a.id, a.version FROM appointments a
      WHERE (a.owner_id, a.id) > (${callerClinicId}, ${afterId(appointmentKind)}) AND a.owner_id <= ${callerClinicId}
      ORDER BY a.owner_id, a.id`,
  sql`SELECT ${appointmentKind}, a.id, a.version FROM appointments a
      WHERE ${isDoctorsAccount} AND a.owner_id IS NOT NULL
        AND (a.doctor_id, a.id) > (${callerDoctorId}, ${afterId(appointmentKind)}) AND a.doctor_id <= ${callerDoctorId}
      ORDER BY a.doctor_id, a.id`,
];

const kindName = sql.raw(`(ARRAY[${recordKinds.map((name) => `'${name}'`).join(", ")}])[kind]`);
const changeJson = (members?: SQL) =>
  sql`'{"kind":"' || ${kindName} || '","id":' || id || ',"version":' || version || ${members && sql`${members} || `}'}'`;
const changesArray = (json: SQL, from: string) =>
  sql`(SELECT '[' || coalesce(string_agg(${json}, ',' ORDER BY page_position), '') || ']' FROM ${sql.raw(from)})`;

/** The step `next`: the last row of a page, when there is another page. */
const nextStep = sql`next AS (
    SELECT * FROM page_and_next
    WHERE page_position = ${PAGE_SIZE} AND EXISTS (SELECT FROM page_and_next WHERE page_position > ${PAGE_SIZE})
  )`;

/** The audit event names the patients, as that of a list does. */
const auditEvent = insertRetryableAuditEvent({
  action: "list_changes",
  outcome: sql`WHEN NOT EXISTS (SELECT FROM start) THEN 'refused' ELSE 'done'`,
  patients: sql`ARRAY(SELECT id FROM page WHERE kind = ${patientKind} ORDER BY id)`,
});

/** The columns of FeedRow. @param next the columns of the next position that differ between the statements. */
const feedColumns = (changes: SQL, next: SQL) => sql`${changes} AS changes,
  (SELECT row_to_json(c)::text FROM (
    SELECT caller.id AS account, caller.clinic_id AS clinic, caller.doctor_id AS doctor, horizon.epoch,
      coalesce(next.kind, 0) AS kind, coalesce(next.id, 0) AS id, ${next}
    FROM caller CROSS JOIN horizon CROSS JOIN start LEFT JOIN next ON true
  ) c) AS next`;

/**
 * A page of all records that the lists show the caller. After the last one, the feed goes on with the changes since the
 * first page was read.
 */
export const listAllRecords = authenticatedRetryable<FeedRow, FeedPosition>(
  "changes/list-all",
  () => sql`-- GET /api/changes
  WITH ${callerSteps},
  ${startSteps},
  page_and_next AS (
    SELECT kind, id, version, row_number() OVER (ORDER BY kind, id) AS page_position
    FROM (
      SELECT DISTINCT ON (kind, id) kind, id, version FROM (
        ${unionOf(recordScans)}
      ) records
      WHERE EXISTS (SELECT FROM start)
      ORDER BY kind, id LIMIT ${PAGE_AND_NEXT}
    ) records
  ),
  page AS NOT MATERIALIZED (SELECT * FROM page_and_next WHERE page_position <= ${PAGE_SIZE}),
  ${nextStep},
  ${auditEvent}
SELECT ${refusalColumn}, ${feedColumns(
    changesArray(changeJson(), "page"),
    sql`start.xact, start.at, next.id IS NOT NULL AS initial`,
  )}
FROM token_account`,
  { readsInIndexOrder: true },
);

/**
 * The changes that an audience sees, after the position and before the horizon. With the audience in a row comparison,
 * PostgreSQL 15 would read the changes of all later audiences, too: 1.3 s with a million of them. PostgreSQL 18 would not.
 */
const changesOf = (audience: SQL, audienceId: SQL) => sql`SELECT c.xact, c.kind, c.record_id AS id, c.version
      FROM record_changes c
      WHERE c.audience = ${audience} AND c.audience_id = ${audienceId}
        AND (c.xact, c.kind, c.record_id) > (${startXact}, ${kind}, ${id}) AND c.xact < ${horizonXact}
      ORDER BY c.xact, c.kind, c.record_id`;

/**
 * The last change of each patient of a doctor's own account. They are found by the patient: a change has no row for each
 * doctor, because one that was assigned at the same time could be missed.
 */
const changesOfAssignedPatients = sql`SELECT c.xact, ${patientKind}, m.patient_id, 1
      FROM mappings m JOIN LATERAL (
        SELECT c.xact FROM record_changes c
        WHERE c.kind = 1 AND c.record_id = m.patient_id AND c.xact >= ${startXact} AND c.xact < ${horizonXact}
        ORDER BY c.xact DESC LIMIT 1
      ) c ON true
      WHERE ${isDoctorsAccount} AND m.current_doctor_id = ${callerDoctorId}
        AND (c.xact, ${patientKind}, m.patient_id) > (${startXact}, ${kind}, ${id})
      ORDER BY c.xact, m.patient_id`;

/** The version that the caller would read now; NULL when there is no such record for it. */
const currentVersion = sql`CASE c.kind
        WHEN ${patientKind} THEN (SELECT p.version FROM patients p WHERE p.id = c.id AND ${can("patients:list")})
        WHEN ${doctorKind} THEN (SELECT d.version FROM doctors d WHERE d.id = c.id)
        WHEN ${assignmentKind} THEN (SELECT m.version FROM mappings m WHERE m.id = c.id AND ${can("assignments:list")})
        ELSE (SELECT a.version FROM appointments a WHERE a.id = c.id AND ${can("appointments:list")})
      END`;

/** Of a merged patient, the one that it is part of now, if the caller can read that one. */
const mergedInto = sql`(
        SELECT ',"merged_into":' || p.id FROM patients p
        WHERE c.kind = ${patientKind} AND p.id = (SELECT last_survivor(c.id)) AND ${can("patients:list")})`;

/**
 * A page of the changes since a position. A record that the caller cannot read any more is `deleted`, whatever the change
 * was: so the last entry of a record is right, in whatever order it left and came back.
 */
export const listChangesSince = authenticatedRetryable<FeedRow, FeedPosition>(
  "changes/list-since",
  () => sql`-- GET /api/changes
  WITH ${callerSteps},
  ${startSteps},
  page_and_next AS (
    SELECT xact, kind, id, version, row_number() OVER (ORDER BY xact, kind, id) AS page_position
    FROM (
      SELECT * FROM (
        ${unionOf([
          changesOf(sql`'account'`, callerClinicId),
          changesOf(sql`'doctor'`, callerDoctorId),
          changesOf(sql`'everybody'`, sql`0`),
          changesOfAssignedPatients,
        ])}
      ) changes
      ORDER BY xact, kind, id LIMIT ${PAGE_AND_NEXT}
    ) changes
  ),
  page AS (
    -- A record once, at the place of its last change.
    SELECT DISTINCT ON (kind, id) kind, id, version, page_position FROM page_and_next
    WHERE page_position <= ${PAGE_SIZE} ORDER BY kind, id, page_position DESC
  ),
  entries AS (
    SELECT c.kind, c.id, c.page_position, coalesce(v.current_version, c.version) AS version,
      CASE WHEN v.current_version IS NULL THEN concat(',"deleted":true', ${mergedInto}) ELSE '' END AS deleted
    FROM page c CROSS JOIN LATERAL (
      SELECT ${currentVersion} AS current_version OFFSET 0
    ) v
  ),
  ${nextStep},
  ${auditEvent}
SELECT ${refusalColumn}, ${feedColumns(
    changesArray(changeJson(sql`deleted`), "entries"),
    sql`coalesce(next.xact, horizon.xact) AS xact,
      CASE WHEN next.id IS NULL AND horizon.xact > start.xact THEN now() ELSE start.at END AS at, false AS initial`,
  )}
FROM token_account`,
  { readsInIndexOrder: true },
);
