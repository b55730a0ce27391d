import type pg from "pg";
import { weekOf } from "../src/schedules/requests.ts";

const TIME_ZONE = "Europe/London";
/** How many doctors get hours. */
const DOCTORS = 10;
/** How many appointments each of them gets at most. */
const APPOINTMENTS = 20;

const week = weekOf(
  [1, 2, 3, 4, 5].flatMap((weekday) => [
    { weekday, from: "09:00", to: "12:00" },
    { weekday, from: "13:00", to: "17:00" },
  ]),
);

/**
 * Gives the first of the doctors hours from Monday to Friday, and appointments with patients whose primary doctor they
 * are: one for each patient, on the 15 working days before today and the 15 after it. The first doctor is absent for a
 * week after that.
 *
 * @param createdBy id of the account that has created the absence.
 */
export async function insertAppointments(client: pg.Client, createdBy: number, doctorIds: number[]) {
  const doctors = doctorIds.slice(0, DOCTORS);
  await client.query(
    "INSERT INTO schedules (doctor_id, time_zone, slot_minutes, week) SELECT id, $2, 30, $3 FROM unnest($1::int[]) id",
    [doctors, TIME_ZONE, week],
  );
  await client.query(insertDoctorAppointments, [doctors, TIME_ZONE, APPOINTMENTS]);
  await client.query(
    `INSERT INTO absences (doctor_id, starts_at, ends_at, created_by)
     SELECT $1, (today + 28) AT TIME ZONE $2, (today + 35) AT TIME ZONE $2, $3 FROM (SELECT (now() AT TIME ZONE $2)::date AS today) t`,
    [doctors[0], TIME_ZONE, createdBy],
  );
}

/** One on a day of a doctor, in the morning: a doctor's limit may be as low as 4. */
const insertDoctorAppointments = `
  WITH today AS (SELECT (now() AT TIME ZONE $2)::date AS day), working_days AS (
    SELECT array_agg(day ORDER BY day) AS days
    FROM (SELECT (today.day + n) AS day FROM today, generate_series(-21, 21) n WHERE n <> 0) d
    WHERE extract(isodow FROM day) < 6
  ), chosen AS (
    SELECT p.id AS patient_id, p.owner_id, p.created_by, m.doctor_id, (row_number() OVER (PARTITION BY m.doctor_id ORDER BY p.id))::int - 1 AS n
    FROM mappings m JOIN patients p ON p.id = m.patient_id AND p.owner_id = m.owner_id
    WHERE m.doctor_id = ANY ($1::int[]) AND m.is_primary
  ), planned AS (
    SELECT c.*, (days[1 + n * cardinality(days) / $3::int] + time '09:00' + (n % 5) * interval '30 minutes') AT TIME ZONE $2 AS starts_at
    FROM chosen c, working_days WHERE n < $3::int
  ), marked AS (
    SELECT *, least(now(), starts_at - interval '7 days') AS created_at, CASE
      WHEN starts_at < now() THEN (ARRAY['fulfilled', 'no_show', 'cancelled', 'fulfilled'])[1 + n % 4]
      WHEN n % 5 = 0 THEN 'cancelled' ELSE 'booked' END AS status
    FROM planned
  )
  INSERT INTO appointments (patient_id, owner_id, doctor_id, starts_at, ends_at, time_zone, status, note, cancel_reason, created_by, created_at, updated_at)
  SELECT patient_id, owner_id, doctor_id, starts_at, starts_at + interval '30 minutes', $2, status, CASE n % 3 WHEN 0 THEN 'First visit' END,
    CASE status WHEN 'cancelled' THEN 'The patient called.' END, created_by, created_at,
    CASE WHEN status IN ('fulfilled', 'no_show') THEN starts_at + interval '30 minutes' ELSE created_at END
  FROM marked ORDER BY starts_at, doctor_id`;
