import { expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { assignedPair, hoursFromNow, storedAppointment } from "../support/appointments.ts";
import { holdLock } from "../support/held-lock.ts";
import { asOwner } from "../support/owner.ts";
import { problem } from "../support/problems.ts";
import { connectWithoutLimits } from "../support/races.ts";
import { postDoctor } from "../support/resources.ts";
import { absencesPath, newSchedule, putSchedule, schedulePath } from "../support/schedules.ts";

// Bookings lock the calendar of a doctor. What waits for it must see what was booked meanwhile, although its own
// snapshot is older.

const api = connectWithoutLimits();
const account = await newAccount(api);

/** Inserts an appointment in a transaction that is still open: it holds the calendar of the doctor. */
async function bookSlowly(patient: { id: number }, doctor: { id: number }) {
  const [{ id } = {}] = await asOwner`SELECT nextval('appointments_id_seq')::int AS id`;
  const lock = await holdLock(
    `INSERT INTO appointments (id, patient_id, owner_id, doctor_id, starts_at, ends_at, time_zone, created_by) OVERRIDING SYSTEM VALUE
     SELECT $1::int, p.id, p.owner_id, $2::int, $3::timestamptz, $3::timestamptz + interval '30 minutes', 'UTC', p.created_by
     FROM patients p WHERE p.id = $4::int`,
    [id, doctor.id, hoursFromNow(24), patient.id],
  );
  return { id: Number(id), lock };
}

test("another time zone waits for a booking, and is 409 then", async () => {
  const { patient, doctor } = await assignedPair(account);
  await putSchedule(account, doctor);
  const { lock } = await bookSlowly(patient, doctor);
  const answer = account.put(schedulePath(doctor), newSchedule({ time_zone: "Asia/Tokyo" }));
  await lock.waiters(1);
  await lock.release();
  expect(await answer).toEqual(problem(409, expect.any(String), "open_appointments", { others: 1 }));
});

test.each([
  ["refuse", 409, "booked"],
  ["keep", 201, "booked"],
  ["cancel", 201, "cancelled"],
])(
  "an absence with existing %s waits for a booking, and is %i then: it is %s",
  async (existing, status, expected) => {
    const { patient, doctor } = await assignedPair(account);
    const { id, lock } = await bookSlowly(patient, doctor);
    const absence = { starts_at: hoursFromNow(23), ends_at: hoursFromNow(26), existing };
    const answer = account.post(absencesPath(doctor), absence);
    await lock.waiters(1);
    await lock.release();
    expect((await answer).status).toBe(status);
    expect((await storedAppointment(id))?.["status"]).toBe(expected);
  },
);

const holdCalendar = ({ id }: { id: number }) => holdLock("SELECT lock_calendar($1::int)", [id]);

test("of concurrent first PUTs one creates the schedule, and the others change it", async () => {
  const doctor = await postDoctor(account);
  const lock = await holdCalendar(doctor);
  const answers = [5, 10, 15].map((slot_minutes) =>
    account.put(schedulePath(doctor), newSchedule({ slot_minutes })),
  );
  await lock.waiters(3);
  await lock.release();
  const results = await Promise.all(answers);
  expect(results.map(({ status, body }) => [status, body.version]).sort()).toEqual([
    ...[
      [200, 2],
      [200, 3],
      [201, 1],
    ],
  ]);
});

test("of concurrent PUTs with If-None-Match: * one is 201, the others are 412", async () => {
  const doctor = await postDoctor(account);
  const lock = await holdCalendar(doctor);
  const headers = { "If-None-Match": "*" };
  const answers = [1, 2].map(() => account.put(schedulePath(doctor), newSchedule(), { headers }));
  await lock.waiters(2);
  await lock.release();
  expect((await Promise.all(answers)).map(({ status }) => status).sort()).toEqual([201, 412]);
});

test("of concurrent PUTs with the same If-Match one is 200, the others are 412", async () => {
  const doctor = await postDoctor(account);
  await putSchedule(account, doctor);
  const lock = await holdCalendar(doctor);
  const headers = { "If-Match": '"1"' };
  const answers = [1, 2].map(() => account.put(schedulePath(doctor), newSchedule(), { headers }));
  await lock.waiters(2);
  await lock.release();
  expect((await Promise.all(answers)).map(({ status }) => status).sort()).toEqual([200, 412]);
});

test("an account that is disabled while it waits changes nothing", async () => {
  const own = await newAccount(api);
  const doctor = await postDoctor(own);
  const lock = await holdCalendar(doctor);
  const absence = { starts_at: hoursFromNow(23), ends_at: hoursFromNow(26) };
  const answers = [own.put(schedulePath(doctor), newSchedule()), own.post(absencesPath(doctor), absence)];
  await lock.waiters(2);
  await asOwner`UPDATE users SET active = false WHERE id = ${own.id}`;
  await lock.release();
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([401, 401]);
  expect((await account.get(schedulePath(doctor))).status).toBe(404);
  expect((await account.get(absencesPath(doctor))).body).toEqual([]);
});

test("the same idempotency key in concurrent requests creates one absence", async () => {
  const doctor = await postDoctor(account);
  const lock = await holdCalendar(doctor);
  const absence = { starts_at: hoursFromNow(23), ends_at: hoursFromNow(26) };
  const headers = { "Idempotency-Key": crypto.randomUUID() };
  const answers = [1, 2].map(() => account.post(absencesPath(doctor), absence, { headers }));
  await lock.waiters(2);
  await lock.release();
  const [one, two] = await Promise.all(answers);
  expect([one?.status, two?.status, two?.body]).toEqual([201, 201, one?.body]);
  expect((await account.get(absencesPath(doctor))).body).toEqual([one?.body]);
});
