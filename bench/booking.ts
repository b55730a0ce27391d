import { withClient } from "../ops/command.ts";
import { raceBookings } from "./booking-races.ts";
import { type BenchCaller, logInCaller } from "./caller.ts";
import { COST_PATIENTS } from "./cost.ts";
import { disableAutovacuum } from "./maintenance.ts";
import { dataRequestKinds, type RequestKind } from "./request-kinds.ts";
import { type BookingResult, BUDGET_CONNECTIONS } from "./results.ts";
import type { BenchContext, BenchDatabase } from "./servers.ts";
import { apiLoad, measureInTurns, metricQuartiles, ratioOfMedians } from "./turns.ts";

/** How many appointments there are, with how many doctors. */
const [APPOINTMENTS, DOCTORS] = [70_000, 60];
/** How many further doctors the measured bookings are made with. */
const BOOKED_DOCTORS = 4;
const DAY_MS = 86_400_000;

/** Measures what a booking and free slots cost PostgreSQL, and races bookings. */
export async function measureBooking(context: BenchContext): Promise<BookingResult> {
  const { servers, settings, showProgress } = context;
  const database = await servers.createDatabase({ patients: COST_PATIENTS });
  await disableAutovacuum(database);
  const worker = await context.serveApi(database);
  const caller = await logInCaller(database, worker);
  showProgress(`inserting ${APPOINTMENTS} appointments`, 0.1);
  const { busy, free } = await insertAppointments(database, caller.accountId);
  const kinds = [
    ...dataRequestKinds(caller).filter(({ name }) => name === "create a patient"),
    bookingKind(caller, free),
    slotsKind(
      "free slots of one doctor, 31 days",
      caller,
      () => `doctors/${randomOf(busy)}/slots/?${days(31)}&limit=1000`,
    ),
    slotsKind("free slots of 50 doctors, 7 days", caller, () => `slots/?specialization=CARD&${days(7)}`),
  ];
  showProgress("booking", 0.3);
  const { rounds, seconds } = settings;
  const loads = kinds.map((kind) => apiLoad(kind, worker, BUDGET_CONNECTIONS));
  const series = await measureInTurns(servers, loads, { rounds, seconds });
  showProgress("racing", 0.8);
  const [ofCreation = [], ofBooking = []] = series;
  return {
    appointments: APPOINTMENTS,
    rows: kinds.map(({ name }, i) => ({ kind: name, api: metricQuartiles(series[i] ?? []) })),
    creationRatio: ratioOfMedians(ofBooking, ofCreation, "postgresCpu"),
    races: await raceBookings(caller, worker, settings.quick),
  };
}

const randomOf = (ids: number[]): number => ids[Math.floor(Math.random() * ids.length)] ?? 0;

/** The parameters `from` and `to` of a number of days that begin tomorrow. */
function days(count: number): string {
  const date = (day: number) => new Date(Date.now() + day * DAY_MS).toISOString().slice(0, 10);
  return `from=${date(1)}&to=${date(count)}`;
}

const slotsKind = (name: string, { token }: BenchCaller, path: () => string): RequestKind => {
  const request = () => ({ path: `/api/${path()}`, headers: { Authorization: `Bearer ${token}` } });
  return { name, status: 200, databaseRequests: 1, apiRequest: request, baselineRequest: request };
};

/** Bookings of five minutes, one after the other, with several doctors. Each patient is booked again only much later. */
function bookingKind({ token, patientIds }: BenchCaller, doctors: number[]): RequestKind {
  const start = Math.ceil(Date.now() / DAY_MS + 1) * DAY_MS;
  let count = 0;
  const request = () => {
    const [slot, doctor] = [Math.floor(count / doctors.length), doctors[count % doctors.length]];
    const patient = patientIds[count % patientIds.length];
    count += 1;
    return {
      method: "POST" as const,
      path: "/api/appointments/",
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      body: JSON.stringify({
        ...{ patient, doctor, minutes: 5 },
        starts_at: new Date(start + slot * 300_000).toISOString(),
      }),
    };
  };
  return {
    name: "book an appointment",
    status: 201,
    databaseRequests: 1,
    apiRequest: request,
    baselineRequest: request,
  };
}

/**
 * Doctors with appointments of other accounts' patients every six hours, and doctors without any, who always work and are
 * assigned to all patients of the account.
 */
const insertAppointments = ({ ownerUrl }: BenchDatabase, accountId: number) =>
  withClient(ownerUrl, async (client) => {
    const insertDoctors = async (
      count: number,
      specialization: string,
      slotMinutes: number,
      week: string,
    ) => {
      const { rows } = await client.query(
        `WITH doctor AS (
           INSERT INTO doctors (firstname, lastname, gender, specialization, max_appointments_per_day, created_by)
           SELECT 'Bench', 'Doctor', 'F', $2, 1000, $3 FROM generate_series(1, $1) RETURNING id
         ), schedule AS (
           INSERT INTO schedules (doctor_id, time_zone, slot_minutes, week) SELECT id, 'Europe/Berlin', $4, $5::int4multirange FROM doctor
         )
         SELECT id FROM doctor`,
        [count, specialization, accountId, slotMinutes, week],
      );
      return rows.map(({ id }) => Number(id));
    };
    // Those of the demo data would be in the way of some bookings.
    await client.query("DELETE FROM appointments");
    // From Monday to Friday, nine to five.
    const week = `{${[0, 1, 2, 3, 4].map((day) => `[${day * 1440 + 540},${day * 1440 + 1020})`)}}`;
    const busy = await insertDoctors(DOCTORS, "CARD", 30, week);
    const free = await insertDoctors(BOOKED_DOCTORS, "DERM", 5, "{[0,10080)}");
    await client.query(
      `INSERT INTO mappings (patient_id, owner_id, doctor_id)
       SELECT p.id, p.owner_id, doctor FROM patients p, unnest($2::int[]) doctor WHERE p.owner_id = $1`,
      [accountId, free],
    );
    await client.query("SET session_replication_role = replica"); // without the triggers
    await client.query(
      `INSERT INTO appointments (patient_id, owner_id, doctor_id, starts_at, ends_at, time_zone, created_by)
       SELECT p.id, p.owner_id, ($2::int[])[1 + n % ${DOCTORS}], starts_at, starts_at + interval '30 minutes', 'Europe/Berlin', $1::int
       FROM (SELECT array_agg(id ORDER BY id) AS ids FROM patients WHERE owner_id <> $1) others
         CROSS JOIN generate_series(0, $3::int - 1) n
         CROSS JOIN LATERAL (SELECT date_trunc('day', now()) + n / ${DOCTORS} * interval '6 hours' AS starts_at) times
         JOIN patients p ON p.id = others.ids[1 + n % cardinality(others.ids)]`,
      [accountId, busy, APPOINTMENTS],
    );
    await client.query("RESET session_replication_role");
    await client.query("VACUUM (ANALYZE) appointments, schedules, mappings, doctors");
    return { busy, free };
  });
