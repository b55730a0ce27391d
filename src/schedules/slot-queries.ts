import { type SQL, sql } from "drizzle-orm";
import { insertRetryableAuditEvent, readOutcome } from "../db/query/audit.ts";
import { authenticatedRetryable } from "../db/query/authenticated.ts";
import { callerId, callerSteps, refusalColumn } from "../db/query/caller.ts";
import { isoTimestamp, jsonArray, jsonBody } from "../db/query/json.ts";
import { lateralJoin } from "../db/query/list.ts";
import { can } from "../db/query/permissions.ts";
import { intParam, type Json, param } from "../db/statement.ts";
import type { DoctorSlots, EarliestSlots } from "./responses.ts";

// When doctors are free: `free_slots` in drizzle/0039_slots_over_midnight.sql. The doctor is `d`, its schedule `sc`, a
// slot `f`.

const id = intParam("id");
const patient = intParam("patient");
const minutes = intParam("minutes");
const limit = intParam("limit");
const [from, to] = [sql`${param("from")}::date`, sql`${param("to")}::date`];

/** An appointment does not begin before the current minute. */
const currentMinute = sql`date_trunc('minute', now())`;

const slotJson = sql`('{"starts_at":"' || ${isoTimestamp("f.starts_at")} || '","ends_at":"' || ${isoTimestamp("f.ends_at")}
      || '","day":"' || f.day || '"}')`;

const slotsJson = (condition: SQL) => sql`(
      SELECT ${jsonArray(slotJson, sql`f.starts_at`)} FROM slot f WHERE ${condition}
    )`;

type SlotsParams = {
  id: number;
  from: string;
  to: string;
  minutes: number | null;
  patient: number | null;
  after: string | null;
  limit: number;
};

/**
 * The free slots of a doctor, from `after` on, and the first one of the `next` page. With a patient, which the caller must be
 * able to read (`isPatientFound`), they are free for the patient too: that read is audited. `body` is null when there is no
 * such doctor.
 */
export const findSlots = authenticatedRetryable<
  { body: Json<DoctorSlots> | null; next: string | null; isPatientFound: boolean },
  SlotsParams
>(
  "schedules/find-slots",
  () => sql`-- GET /api/doctors/:id/slots
  WITH ${callerSteps},
  patient AS (SELECT p.id FROM patients p WHERE p.id = ${patient} AND ${can("patients:read")}),
  doctor AS (
    SELECT d.id, sc.time_zone, coalesce(${minutes}, sc.slot_minutes) AS minutes
    FROM doctors d LEFT JOIN schedules sc ON sc.doctor_id = d.id
    WHERE d.id = ${id} AND ${can("doctors:read")} AND ${callerId} IS NOT NULL
  ),
  slot AS (
    SELECT f.*, row_number() OVER (ORDER BY f.starts_at) AS position
    FROM doctor, free_slots(ARRAY[doctor.id], ${from}, ${to}, doctor.minutes,
      greatest(${currentMinute}, ${param("after")}::timestamptz), (SELECT id FROM patient), NULL) f
    WHERE ${patient} IS NULL OR EXISTS (SELECT FROM patient)
    ORDER BY f.starts_at LIMIT ${limit} + 1
  ),
  response AS (
    SELECT doctor.id AS doctor, doctor.time_zone, doctor.minutes, ${slotsJson(sql`f.position <= ${limit}`)} AS slots
    FROM doctor
  ),
  ${insertRetryableAuditEvent(
    { action: "read", outcome: readOutcome(sql`EXISTS (SELECT FROM patient)`), patient },
    sql`${patient} IS NOT NULL`,
  )}
SELECT ${refusalColumn}, ${jsonBody("response")} AS body, EXISTS (SELECT FROM patient) AS "isPatientFound",
  (SELECT ${isoTimestamp("f.starts_at")} FROM slot f WHERE f.position > ${limit}) AS next
FROM token_account`,
);

/**
 * How many doctors a search looks at. All of them take 170 ms (PostgreSQL 15, 70,000 appointments).
 */
const MAX_SEARCHED = sql.raw("1000");
/** How many doctors it finds. */
const MAX_FOUND = sql.raw("50");

/**
 * The first slots of the doctors who are free earliest. Up to 1,000 active doctors with a schedule are looked at, those with
 * the lowest ids.
 *
 * Of more than 50 doctors, it looks for the first slot of each on one local day after another. It stops one day after it has
 * found enough: a day begins earlier in another time zone.
 */
export const findEarliestSlots = authenticatedRetryable<
  { body: Json<EarliestSlots[]> },
  { from: string; to: string; minutes: number | null; specialization: string | null }
>(
  "schedules/find-earliest-slots",
  () => sql`-- GET /api/slots
  WITH ${callerSteps},
  candidate AS (
    -- In the order of the index, until there are enough.
    SELECT d.id FROM schedules sc ${lateralJoin("doctors", "d", "sc.doctor_id")}
    WHERE sc.doctor_id > 0 AND ${callerId} IS NOT NULL AND ${can("doctors:read")} AND d.active AND d.max_appointments_per_day > 0
      AND (${param("specialization")}::text IS NULL OR d.specialization = ${param("specialization")}::text)
    ORDER BY sc.doctor_id LIMIT ${MAX_SEARCHED}
  ),
  earliest AS (
    WITH RECURSIVE search AS (
      SELECT ${from} AS day, '{}'::int[] AS found, '{}'::timestamptz[] AS first_slots, 0 AS found_before,
        CASE WHEN (SELECT count(*) FROM candidate) > ${MAX_FOUND} THEN ARRAY(SELECT id FROM candidate) ELSE '{}' END AS others
      UNION ALL
      SELECT search.day + 1, search.found || new.found, search.first_slots || new.first_slots, cardinality(search.found),
        ARRAY(SELECT unnest(search.others) EXCEPT SELECT unnest(new.found))
      FROM search, LATERAL (
        SELECT coalesce(array_agg(f.doctor_id), '{}') AS found, coalesce(array_agg(f.first_slot), '{}') AS first_slots FROM (
          SELECT f.doctor_id, min(f.starts_at) AS first_slot
          FROM free_slots(search.others, search.day, search.day, ${minutes}, ${currentMinute}, NULL, NULL) f
          GROUP BY f.doctor_id
        ) f
      ) new
      WHERE search.day <= ${to} AND search.found_before < ${MAX_FOUND} AND cardinality(search.others) > 0
    )
    (SELECT found.id FROM (SELECT * FROM search ORDER BY day DESC LIMIT 1) search, unnest(search.found, search.first_slots) found (id, first_slot)
    ORDER BY found.first_slot, found.id LIMIT ${MAX_FOUND})
    UNION ALL SELECT id FROM candidate WHERE (SELECT count(*) FROM candidate) <= ${MAX_FOUND}
  ),
  slot AS (
    SELECT f.* FROM (
      SELECT f.*, row_number() OVER (PARTITION BY f.doctor_id ORDER BY f.starts_at) AS position
      FROM free_slots(ARRAY(SELECT id FROM earliest), ${from}, ${to}, ${minutes}, ${currentMinute}, NULL, NULL) f
    ) f WHERE f.position <= 3
  ),
  response AS (
    SELECT f.doctor_id AS doctor, (SELECT sc.time_zone FROM schedules sc WHERE sc.doctor_id = f.doctor_id) AS time_zone,
      ${jsonArray(slotJson, sql`f.starts_at`)} AS slots, min(f.starts_at) AS first_slot
    FROM slot f GROUP BY f.doctor_id
  )
SELECT ${refusalColumn}, (
  SELECT ${jsonArray(sql`concat('{"doctor":', doctor, ',"time_zone":', to_json(time_zone), ',"slots":', slots, '}')`, sql`first_slot, doctor`)}
  FROM response
)::text AS body
FROM token_account`,
);
