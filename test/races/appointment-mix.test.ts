import { expect, test } from "vitest";
import { book, daysFromNow, minutesAfter, pathOf, setLimit } from "../appointments/support.ts";
import type { TestAccount } from "../support/accounts.ts";
import { type ApiResponse, connectApi } from "../support/api.ts";
import { setSchedule } from "../support/appointments.ts";
import { newClinic, newMember } from "../support/clinics.ts";
import { asOwner } from "../support/owner.ts";
import { patientPath, postRestore } from "../support/ownership.ts";
import { atOnce, tally } from "../support/races.ts";
import { assignDoctor, postDoctor, postPatient } from "../support/resources.ts";
import { workerDatabase } from "../support/worker-database.ts";

// All that changes appointments, at once. The statements lock rows and calendars in one order, so no deadlock ends one.

const CHAINS = 30;
const REQUESTS_PER_CHAIN = 20;
const SEED = 20_261_128;
const DAYS = [3, 4, 5].map(daysFromNow);
const LIMIT = 6;

/** Numbers from 0 up to 1, the same ones for each seed (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `connectWithoutLimits`, and without the rate limit of a session. */
const api = connectApi({
  DATABASE_URL: workerDatabase.ownerUrl,
  DATABASE_TIMEOUT_MS: 60_000,
  SESSION_LIMITER: { limit: async () => ({ success: true }) } as RateLimit,
});
const clinic = await newClinic();
const account = await newMember(api, clinic, "manager");
/** Each sends some of the requests: an account that asks for many deleted patients gets 429 `probing`. */
const members = await atOnce(6, () => newMember(api, clinic, "manager"));
const week = Array.from({ length: 7 }, (_, day) => ({ weekday: day + 1, from: "08:00", to: "18:00" }));

type Id = { id: number };
const doctors: Id[] = [];
const patients: Id[] = [];
const appointments: Id[] = [];
const absences: Id[] = [];

async function createRecords(): Promise<void> {
  for (let count = 0; count < 3; count += 1) {
    const doctor = await postDoctor(account);
    await setSchedule(doctor, { week: "{[0,10080)}" });
    await setLimit(doctor, LIMIT);
    doctors.push({ id: doctor.id });
  }
  for (let count = 0; count < 12; count += 1) {
    const patient = await postPatient(account);
    for (const doctor of doctors) await assignDoctor(account, { patient, doctor });
    patients.push({ id: patient.id });
  }
}

/** Sends one of the requests that `random` chooses. */
async function sendOne(member: TestAccount, random: () => number): Promise<ApiResponse> {
  const pick = (records: Id[]): Id => records[Math.floor(random() * records.length)] ?? { id: 2_147_483_647 };
  const time = () => {
    const day = DAYS[Math.floor(random() * DAYS.length)];
    return minutesAfter(`${day}T08:00:00.000Z`, 15 * Math.floor(random() * 40));
  };
  const pair = { patient: pick(patients), doctor: pick(doctors) };
  const choice = random();
  if (choice < 0.35) {
    const answer = await book(member, pair, time());
    if (answer.status === 201) appointments.push({ id: answer.body.id });
    return answer;
  }
  if (choice < 0.55)
    return member.patch(
      pathOf(pick(appointments)),
      random() < 0.5 ? { starts_at: time() } : { starts_at: time(), doctor: pair.doctor.id },
    );
  if (choice < 0.65) return member.patch(pathOf(pick(appointments)), { status: "cancelled" });
  if (choice < 0.7) return member.patch(pathOf(pick(appointments)), { note: "Fasting", status: "arrived" });
  if (choice < 0.75) {
    const answer = await member.delete(patientPath(pair.patient));
    return answer.status === 204 ? postRestore(member, pair.patient) : answer;
  }
  if (choice < 0.8) return changeAbsences(random, pair.doctor, time());
  if (choice < 0.85)
    return account.put(`/api/doctors/${pair.doctor.id}/schedule/`, { time_zone: "UTC", hours: week });
  if (choice < 0.9)
    return account.post(`/api/doctors/${pair.doctor.id}/reassign/`, {
      ...{ to: pick(doctors).id, patients: [pair.patient.id, pick(patients).id] },
      ...(random() < 0.7 && { appointments: "cancel" }),
    });
  if (choice < 0.93) {
    const [row] = await asOwner`
      SELECT id FROM mappings WHERE patient_id = ${pair.patient.id} AND doctor_id = ${pair.doctor.id}`;
    if (row) return member.delete(`/api/mappings/${row["id"]}/`);
  }
  return member.post("/api/mappings/", { patient: pair.patient.id, doctor: pair.doctor.id });
}

async function changeAbsences(random: () => number, doctor: Id, startsAt: string): Promise<ApiResponse> {
  const former = absences.pop();
  if (former) return account.delete(`/api/absences/${former.id}/`);
  const existing = ["refuse", "keep", "cancel"][Math.floor(random() * 3)];
  const period = { starts_at: startsAt, ends_at: minutesAfter(startsAt, 45) };
  const answer = await account.post(`/api/doctors/${doctor.id}/absences/`, { ...period, existing });
  if (answer.status === 201) absences.push({ id: answer.body.id });
  return answer;
}

async function sendMix(): Promise<ApiResponse[]> {
  const chains = await atOnce(CHAINS, async (chain) => {
    const random = randomNumbers(SEED + chain);
    const member = members[chain % members.length] ?? account;
    const answers: ApiResponse[] = [];
    while (answers.length < REQUESTS_PER_CHAIN) answers.push(await sendOne(member, random));
    return answers;
  });
  return chains.flat();
}

/** How many deadlocks PostgreSQL has ended in this database. */
async function countDeadlocks(): Promise<number> {
  const [row] = await asOwner`SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`;
  return Number(row?.["deadlocks"]);
}

test(`${CHAINS * REQUESTS_PER_CHAIN} mixed requests at once break no rule, deadlock never and lose no place`, async () => {
  await createRecords();
  const before = await countDeadlocks();
  // A 409 write_conflict of a move is no deadlock: the appointment has changed while the move waited.
  const answers = await sendMix();
  expect(answers.filter(({ status }) => status >= 500 || status === 429)).toEqual([]);
  expect(appointments.length).toBeGreaterThan(LIMIT);
  const ids = doctors.map(({ id }) => id);
  const open = await asOwner`SELECT a.*, EXISTS (
      SELECT FROM mappings m WHERE m.patient_id = a.patient_id AND m.doctor_id = a.doctor_id) AS is_assigned
    FROM appointments a WHERE a.doctor_id = ANY (${ids}) AND a.status <> 'cancelled'`;
  expect(open.filter((row) => !row["is_assigned"])).toEqual([]);
  const days = await asOwner`SELECT doctor_id, day, count(*)::int AS count FROM appointments
    WHERE doctor_id = ANY (${ids}) AND status <> 'cancelled' GROUP BY doctor_id, day`;
  expect(days.filter(({ count }) => Number(count) > LIMIT)).toEqual([]);
  const overlaps = await asOwner`SELECT a.id, b.id AS other FROM appointments a JOIN appointments b
    ON a.id < b.id AND (a.doctor_id = b.doctor_id OR a.patient_id = b.patient_id)
      AND a.starts_at < b.ends_at AND b.starts_at < a.ends_at
    WHERE a.doctor_id = ANY (${ids}) AND a.status <> 'cancelled' AND b.status <> 'cancelled'`;
  expect(overlaps).toEqual([]);
  await expectFreePlaces();
  // Last: a connection reports its deadlocks to these statistics after a second.
  expect(await countDeadlocks()).toBe(before);
});

/** Every place that is free by GET slots can be booked, until the day is full. */
async function expectFreePlaces(): Promise<void> {
  for (const doctor of doctors)
    for (const day of DAYS) {
      const patient = await postPatient(account);
      await assignDoctor(account, { patient, doctor });
      const path = `/api/doctors/${doctor.id}/slots/?from=${day}&to=${day}&patient=${patient.id}`;
      const { slots } = (await account.get(path)).body;
      const [row] = await asOwner`SELECT count(*)::int AS count FROM appointments
        WHERE doctor_id = ${doctor.id} AND day = ${day}::date AND status <> 'cancelled'`;
      const left = LIMIT - Number(row?.["count"]);
      if (left === 0) expect(slots).toEqual([]);
      const places = slots.slice(0, left) as { starts_at: string }[];
      const answers = [];
      for (const { starts_at } of places) answers.push(await book(account, { patient, doctor }, starts_at));
      expect(tally(answers)).toEqual(places.length > 0 ? { 201: places.length } : {});
    }
}
