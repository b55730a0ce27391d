import pg from "pg";
import { withClient } from "../ops/command.ts";
import type { BenchCaller } from "./caller.ts";
import type { BookingRace } from "./results.ts";
import type { BenchWorker } from "./servers.ts";

// How many appointments there are in the end when many requests at once want one of few places.

/** How many appointments a doctor may have on the day, and how many requests there are at once. */
export const [PLACES, REQUESTS] = [10, 200];
/** As many as the local Neon endpoint has for a database. */
const CONNECTIONS = 40;
const ROUNDS = 5;

const isFree = `(SELECT count(*) FROM bench_places) < ${PLACES}`;

/** The usual ways, each in one statement: it counts in the snapshot from before it has waited. */
const usualWays: Record<string, string> = {
  "count in WHERE": `INSERT INTO bench_places SELECT WHERE ${isFree}`,
  "FOR UPDATE of the doctor, and count": `
    WITH locked AS (SELECT id FROM doctors ORDER BY id LIMIT 1 FOR UPDATE)
    INSERT INTO bench_places SELECT FROM locked WHERE ${isFree}`,
  "advisory lock, and count": `
    WITH locked AS MATERIALIZED (SELECT pg_advisory_xact_lock(1))
    INSERT INTO bench_places SELECT FROM locked WHERE ${isFree}`,
};

/** Races of the usual ways, and of the API's `POST /api/appointments/`. */
export async function raceBookings(
  caller: BenchCaller,
  worker: BenchWorker,
  isQuick: boolean,
): Promise<BookingRace[]> {
  const rounds = isQuick ? 1 : ROUNDS;
  const races: BookingRace[] = [];
  for (const [way, statement] of Object.entries(usualWays)) {
    const booked: number[] = [];
    for (let round = 0; round < rounds; round += 1)
      booked.push(await raceStatements(caller.database.ownerUrl, statement));
    races.push({ way, booked });
  }
  const booked: number[] = [];
  for (let round = 0; round < rounds; round += 1) booked.push(await raceRequests(caller, worker));
  races.push({ way: "the API", booked });
  return races;
}

/** Sends a statement many times at once. @returns how many rows it has inserted */
async function raceStatements(ownerUrl: string, statement: string): Promise<number> {
  const pool = new pg.Pool({ connectionString: ownerUrl, max: CONNECTIONS });
  try {
    await pool.query("DROP TABLE IF EXISTS bench_places; CREATE TABLE bench_places ()");
    // So that all connections are open.
    await Promise.all(Array.from({ length: CONNECTIONS }, () => pool.query("SELECT pg_sleep(0.05)")));
    await Promise.all(Array.from({ length: REQUESTS }, () => pool.query(statement)));
    const { rows } = await pool.query("SELECT count(*)::int AS booked FROM bench_places");
    return rows[0].booked;
  } finally {
    await pool.end();
  }
}

/** Books different times of one day with a new doctor, by many requests at once. @returns how many were booked */
async function raceRequests(
  { database, token, accountId, patientIds }: BenchCaller,
  worker: BenchWorker,
): Promise<number> {
  const doctor = await insertDoctor(database.ownerUrl, accountId, patientIds.slice(0, REQUESTS));
  const midnight = Math.ceil(Date.now() / 86_400_000) * 86_400_000;
  const book = (patient: number, index: number) =>
    fetch(`${worker.origin}/api/appointments/`, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      body: JSON.stringify({
        ...{ patient, doctor, minutes: 5 },
        starts_at: new Date(midnight + index * 300_000).toISOString(),
      }),
    });
  const responses = await Promise.all(patientIds.slice(0, REQUESTS).map(book));
  const unexpected = responses.find(({ status }) => status !== 201 && status !== 409);
  if (unexpected) throw new Error(`A booking returned ${unexpected.status}.`);
  return responses.filter(({ status }) => status === 201).length;
}

/** A doctor with a limit of the places, who always works and is assigned to the patients. */
const insertDoctor = (ownerUrl: string, accountId: number, patients: number[]): Promise<number> =>
  withClient(ownerUrl, async (client) => {
    const { rows } = await client.query(
      `WITH doctor AS (
         INSERT INTO doctors (firstname, lastname, gender, specialization, max_appointments_per_day, created_by)
         VALUES ('Bench', 'Doctor', 'F', 'GEN', $1, $2) RETURNING id
       ), schedule AS (
         INSERT INTO schedules (doctor_id, time_zone, slot_minutes, week) SELECT id, 'UTC', 5, '{[0,10080)}' FROM doctor
       ), assigned AS (
         INSERT INTO mappings (patient_id, owner_id, doctor_id)
         SELECT patient, $2::int, id FROM doctor, unnest($3::int[]) patient
       )
       SELECT id FROM doctor`,
      [PLACES, accountId, patients],
    );
    return rows[0].id;
  });
