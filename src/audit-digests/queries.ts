import { type SQL, sql } from "drizzle-orm";
import { isoTimestamp } from "../db/query/json.ts";
import { defineRetryableStatement, defineStatement, param } from "../db/statement.ts";
import { BLOCK_EVENTS, type BlockDigest, type BlockRequest, type DayDigest } from "./digest.ts";

/**
 * How long after its end a day is closed. Its last events are those of statements that began before midnight; a
 * statement of the Worker ends within 60 seconds, the maximum of `DATABASE_TIMEOUT_MS`, and by default within 15.
 */
const LATE_COMMIT_SECONDS = 90;

/**
 * The day after the last closed one, or that of the first event of all, and the HMAC of the day before it (null if there
 * is none). No row while that day has not ended.
 */
export const findOpenDay = defineRetryableStatement<{ day: string; previous: string | null }, object>(
  "audit/find-open-day",
  () => sql`-- Scheduled cleanup
  WITH latest AS (
    SELECT ad.day, ad.hmac FROM audit_digests ad ORDER BY ad.day DESC LIMIT 1
  ),
  open_day AS (
    SELECT coalesce(
      (SELECT day + 1 FROM latest),
      (SELECT (min(e.at) AT TIME ZONE 'UTC')::date FROM audit_events e)
    ) AS day
  )
SELECT day::text AS day, (SELECT hmac FROM latest) AS previous
FROM open_day
WHERE (day + 1)::timestamp AT TIME ZONE 'UTC' + interval '${sql.raw(String(LATE_COMMIT_SECONDS))} seconds' <= now()`,
);

const sha256Of = (text: SQL): SQL => sql`sha256(convert_to(${text}, 'UTF8'))`;
const day = sql`${param("day")}::date`;
const afterAt = sql`${param("after_at")}::timestamptz`;

/**
 * Hashes a block of a day's events in their order: SHA-256 over the hash of the block before and the hash of each event.
 * That of an event is over all its columns as JSON without those that are NULL: so a column that a later version adds
 * leaves the digests of earlier events as they are. `changes` is hashed by itself: events from before the column
 * `changes_sha256` have no hash until their values are erased.
 */
export const hashEvents = defineRetryableStatement<BlockDigest, BlockRequest>(
  "audit/hash-events",
  () => sql`-- Scheduled cleanup
  WITH hashed AS (
    SELECT e.at, e.id, e.changes IS NULL AND e.changes_sha256 IS NOT NULL AS is_erased,
      h.changes_hash <> e.changes_sha256 AS is_altered,
      ${sha256Of(sql`json_strip_nulls((
        SELECT row_to_json(o) FROM (
          SELECT e.id, ${isoTimestamp("e.at")} AS at, e.account_id, e.username, e.role, e.session_id, e.clinic_id, e.action, e.outcome,
            e.patient_id, e.patients, e.doctor_id, e.subject_id, e.address, e.request_id, e.reason,
            coalesce(e.changes_sha256, h.changes_hash) AS changes_sha256
        ) o
      ))::text`)} AS hash
    FROM (
      SELECT * FROM audit_events e
      WHERE e.at >= coalesce(${afterAt}, ${day}::timestamp AT TIME ZONE 'UTC')
        AND e.at < (${day} + 1)::timestamp AT TIME ZONE 'UTC'
        AND (${afterAt} IS NULL OR (e.at, e.id) > (${afterAt}, ${param("after_id")}::bigint))
      ORDER BY e.at, e.id LIMIT ${sql.raw(String(BLOCK_EVENTS))}
    ) e
      CROSS JOIN LATERAL (SELECT encode(${sha256Of(sql`e.changes::text`)}, 'hex') AS changes_hash OFFSET 0) h
  )
SELECT count(*)::int AS events,
(array_agg(id ORDER BY at, id))[1]::text AS first_id,
(array_agg(id ORDER BY at, id))[count(*)::int]::text AS last_id,
${isoTimestamp("max(at)")} AS last_at,
encode(sha256(decode(${param("previous")}::text, 'hex') || coalesce(string_agg(hash, '' ORDER BY at, id), '')), 'hex') AS sha256,
count(*) FILTER (WHERE is_erased)::int AS erased,
count(*) FILTER (WHERE is_altered)::int AS altered
FROM hashed`,
  { readsInIndexOrder: true },
);

/** Inserts the digest of a day, unless another run has closed the day meanwhile. No row then. */
export const insertDigest = defineStatement<{ day: string }, DayDigest>(
  "audit/insert-digest",
  () => sql`-- Scheduled cleanup
  INSERT INTO audit_digests (day, events, first_id, last_id, sha256, hmac, closed_at)
  VALUES (
    ${day}, ${param("events")}::bigint, ${param("first_id")}::bigint, ${param("last_id")}::bigint,
    ${param("sha256")}::text, ${param("hmac")}::text, ${param("closed_at")}::timestamptz
  )
  ON CONFLICT (day) DO NOTHING
  RETURNING day::text AS day`,
);
