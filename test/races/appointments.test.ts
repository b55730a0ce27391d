import { expect, test } from "vitest";
import {
  book,
  booked,
  bookingOf,
  daysFromNow,
  list,
  minutesAfter,
  pathOf,
  setLimit,
} from "../appointments/support.ts";
import { newAccount, type TestAccount, uniqueName } from "../support/accounts.ts";
import type { ApiResponse } from "../support/api.ts";
import { bookablePair, insertAppointment, setSchedule, storedAppointment } from "../support/appointments.ts";
import { holdLock } from "../support/held-lock.ts";
import { asOwner } from "../support/owner.ts";
import { patientPath, postMerge, postRestore } from "../support/ownership.ts";
import { insertRecords } from "../support/pages.ts";
import { atOnce, CROWD, connectWithoutLimits, raceBehind, tally } from "../support/races.ts";
import { assignDoctor, postDoctor, postPatient } from "../support/resources.ts";

const api = connectWithoutLimits();
const nurse = await newAccount(api);
const nine = `${daysFromNow(3)}T09:00:00.000Z`;
const at = (minutes: number) => minutesAfter(nine, minutes);

const holdCalendar = (doctor: { id: number }) => holdLock("SELECT lock_calendar($1)", [doctor.id]);

/** A doctor who can be booked at any time, with as many patients as a race has requests. */
async function doctorWithPatients(account: TestAccount, count = CROWD) {
  const { id } = await postDoctor(account);
  const doctor = { id: Number(id) };
  await setSchedule(doctor);
  const pairs: { patient: { id: number }; doctor: { id: number } }[] = [];
  for (let index = 0; index < count; index += 1) {
    const patient = await postPatient(account);
    await assignDoctor(account, { patient, doctor });
    pairs.push({ patient: { id: patient.id }, doctor });
  }
  return { doctor, pairs: pairs as [(typeof pairs)[number], ...typeof pairs] };
}

const countOf = async (doctor: { id: number }) => {
  const rows =
    await asOwner`SELECT id FROM appointments WHERE doctor_id = ${doctor.id} AND status <> 'cancelled'`;
  return rows.length;
};
const rulesOf = (answers: ApiResponse[]) =>
  [...new Set(answers.filter(({ status }) => status === 409).flatMap(({ body }) => body.rules))].sort();

test(`of ${CROWD} bookings of one day at once, exactly as many succeed as the limit allows, and the others take no id`, async () => {
  const { doctor, pairs } = await doctorWithPatients(nurse);
  await setLimit(doctor, 7);
  const send = () => atOnce(CROWD, (index) => book(nurse, pairs[index] ?? pairs[0], at(30 * index)));
  const answers = await raceBehind(await holdCalendar(doctor), CROWD, send);
  expect(tally(answers)).toEqual({ 201: 7, 409: CROWD - 7 });
  expect(rulesOf(answers)).toEqual(["day_full"]);
  expect(await countOf(doctor)).toBe(7);
  const ids = answers.flatMap(({ status, body }) => (status === 201 ? [Number(body.id)] : []));
  expect(Math.max(...ids) - Math.min(...ids)).toBe(6);
});

test("of 200 bookings of one day at once, exactly 10 succeed when the limit is 10, and of 200 of one place exactly 1", async () => {
  // An account of its own: a session may send 600 requests a minute.
  const account = await newAccount(api);
  const [one, two] = [await doctorWithPatients(account, 0), await doctorWithPatients(account, 0)];
  await setLimit(one.doctor, 10);
  const patients = await insertRecords("patients", account, 200);
  await asOwner`
    INSERT INTO mappings (patient_id, owner_id, doctor_id)
    SELECT patient, ${account.id}, doctor FROM unnest(${patients}::int[]) patient, unnest(${[one.doctor.id, two.doctor.id]}::int[]) doctor`;
  const bookAll = (doctor: { id: number }, time: (index: number) => string) =>
    atOnce(200, (index) => book(account, { patient: { id: Number(patients[index]) }, doctor }, time(index)));
  // 28 times of the day, so that most requests also want a time that another one has.
  const ofDay = await bookAll(one.doctor, (index) => at(30 * (index % 28)));
  expect(tally(ofDay)).toEqual({ 201: 10, 409: 190 });
  const ofPlace = await bookAll(two.doctor, () => at(30 * 40));
  expect(tally(ofPlace)).toEqual({ 201: 1, 409: 199 });
});

test(`of ${CROWD} bookings of one place at once, exactly one succeeds`, async () => {
  const { doctor, pairs } = await doctorWithPatients(nurse);
  const send = () => atOnce(CROWD, (index) => book(nurse, pairs[index] ?? pairs[0], at(index)));
  const answers = await raceBehind(await holdCalendar(doctor), CROWD, send);
  expect(tally(answers)).toEqual({ 201: 1, 409: CROWD - 1 });
  expect(rulesOf(answers)).toEqual(["doctor_busy"]);
});

test("of bookings of one patient with many doctors at once, exactly one succeeds", async () => {
  const pair = await bookablePair(nurse);
  const doctors = [pair.doctor];
  for (let index = 1; index < CROWD; index += 1) {
    const { id } = await postDoctor(nurse);
    await setSchedule({ id });
    await assignDoctor(nurse, { patient: pair.patient, doctor: { id } });
    doctors.push({ id });
  }
  const calendar = "SELECT pg_advisory_xact_lock(hashtextextended('appointments of patient ' || $1::int, 0))";
  const send = () =>
    atOnce(CROWD, (index) => book(nurse, { ...pair, doctor: doctors[index] ?? pair.doctor }, nine));
  const answers = await raceBehind(await holdLock(calendar, [pair.patient.id]), CROWD, send);
  expect(tally(answers)).toEqual({ 201: 1, 409: CROWD - 1 });
  expect(rulesOf(answers)).toEqual(["patient_busy"]);
});

test("one key that is sent many times at once books once, and all get the same response", async () => {
  const pair = await bookablePair(nurse);
  const headers = { "Idempotency-Key": uniqueName("key-") };
  const send = () => atOnce(CROWD, () => nurse.post(list, bookingOf(pair, nine), { headers }));
  const answers = await raceBehind(await holdCalendar(pair.doctor), CROWD, send);
  expect(tally(answers)).toEqual({ 201: CROWD });
  expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
  expect(await countOf(pair.doctor)).toBe(1);
});

test("a booking that waits behind a cancellation gets the place that it frees", async () => {
  const { doctor, pairs } = await doctorWithPatients(nurse, 2);
  await setLimit(doctor, 1);
  const { id } = await booked(nurse, pairs[0], nine);
  const lock = await holdCalendar(doctor);
  const waiting = book(nurse, pairs[1] ?? pairs[0], nine);
  await lock.waiters(1);
  expect((await nurse.patch(pathOf({ id }), { status: "cancelled" })).status).toBe(200);
  await lock.release();
  expect((await waiting).status).toBe(201);
});

test("of a booking and the end of its assignment at once, one is refused: no appointment is without one", async () => {
  const pair = await bookablePair(nurse);
  const [row] = await asOwner`SELECT id FROM mappings WHERE patient_id = ${pair.patient.id}`;
  const end = () => nurse.delete(`/api/mappings/${row?.["id"]}/`);
  const lock = await holdCalendar(pair.doctor);
  const booking = book(nurse, pair, nine);
  await lock.waiters(1);
  const ending = end();
  await lock.waiters(2);
  await lock.release();
  expect((await booking).status).toBe(201);
  expect(await ending).toMatchObject({ status: 409, body: { code: "open_appointments" } });
});

test("a booking that waits for the end of its assignment returns 400 on doctor", async () => {
  const pair = await bookablePair(nurse);
  const [row] = await asOwner`SELECT id FROM mappings WHERE patient_id = ${pair.patient.id}`;
  const lock = await holdLock("SELECT FROM mappings WHERE id = $1 FOR UPDATE", [row?.["id"]]);
  const ending = nurse.delete(`/api/mappings/${row?.["id"]}/`);
  await lock.waiters(1);
  const booking = book(nurse, pair, nine);
  await lock.waiters(2);
  await lock.release();
  expect((await ending).status).toBe(204);
  expect(await booking).toMatchObject({ status: 400, body: { error_codes: { doctor: ["not_assigned"] } } });
});

test("a deletion of the patient that waits for a booking cancels it; a booking that waits for a deletion returns 400", async () => {
  const pair = await bookablePair(nurse);
  const lock = await holdCalendar(pair.doctor);
  const booking = book(nurse, pair, nine);
  await lock.waiters(1);
  const deletion = nurse.delete(patientPath(pair.patient));
  await lock.waiters(2);
  await lock.release();
  expect((await deletion).status).toBe(204);
  expect(await storedAppointment((await booking).body.id)).toMatchObject({ status: "cancelled" });
  await postRestore(nurse, pair.patient);
  const held = await holdLock("SELECT FROM patients WHERE id = $1 FOR UPDATE", [pair.patient.id]);
  const second = nurse.delete(patientPath(pair.patient));
  await held.waiters(1);
  const late = book(nurse, pair, nine);
  await held.waiters(2);
  await held.release();
  expect((await second).status).toBe(204);
  expect(await late).toMatchObject({ status: 400, body: { error_codes: { patient: ["no_such_record"] } } });
});

test("a booking that waits for an absence, shorter hours, another limit or the doctor's retirement sees them", async () => {
  const changes: [statement: string, status: number, code: string][] = [
    [
      "INSERT INTO absences (doctor_id, starts_at, ends_at, created_by) SELECT $1, $2, $2::timestamptz + interval '1 hour', created_by FROM doctors WHERE id = $1",
      409,
      "absent",
    ],
    ["UPDATE schedules SET week = '{}' WHERE doctor_id = $1 AND $2::text > ''", 409, "outside_hours"],
    ["UPDATE doctors SET max_appointments_per_day = 0 WHERE id = $1 AND $2::text > ''", 409, "day_full"],
    ["UPDATE doctors SET active = false WHERE id = $1 AND $2::text > ''", 400, "retired"],
  ];
  for (const [statement, status, code] of changes) {
    const pair = await bookablePair(nurse);
    const locked = `WITH locked AS MATERIALIZED (SELECT lock_calendar($1::int)), changed AS (${statement.replaceAll("$1", "$1::int")} RETURNING 1)
      SELECT * FROM locked, changed`;
    const lock = await holdLock(locked, [pair.doctor.id, nine]);
    const answer = await raceBehind(lock, 1, () => book(nurse, pair, nine));
    expect([code, answer.status, answer.body.rules ?? answer.body.error_codes.doctor]).toEqual([
      code,
      status,
      [code],
    ]);
  }
});

test("a caller who is disabled while a booking waits gets 401, and nothing is booked", async () => {
  const account = await newAccount(api);
  const pair = await bookablePair(account);
  const lock = await holdCalendar(pair.doctor);
  const booking = book(account, pair, nine);
  await lock.waiters(1);
  await asOwner`UPDATE users SET active = false WHERE id = ${account.id}`;
  await lock.release();
  expect((await booking).status).toBe(401);
  expect(await countOf(pair.doctor)).toBe(0);
});

test("moves in opposite directions between two doctors do not deadlock, and all that have a place succeed", async () => {
  const [one, two] = [await doctorWithPatients(nurse, CROWD / 2), await doctorWithPatients(nurse, CROWD / 2)];
  const appointments: { id: number; to: number }[] = [];
  for (const [from, to] of [
    [one, two],
    [two, one],
  ] as const)
    for (const [index, pair] of from.pairs.entries()) {
      await assignDoctor(nurse, { patient: pair.patient, doctor: to.doctor });
      const startsAt = at(30 * index + (from === one ? 0 : 600));
      appointments.push({ id: (await booked(nurse, pair, startsAt)).id, to: to.doctor.id });
    }
  await setLimit(one.doctor, CROWD);
  const send = () =>
    atOnce(CROWD, (index) =>
      nurse.patch(pathOf(appointments[index] ?? { id: 0 }), { doctor: appointments[index]?.to }),
    );
  const answers = await raceBehind(await holdCalendar(one.doctor), CROWD, send);
  const counts = tally(answers);
  expect(["200", "409"]).toEqual(expect.arrayContaining(Object.keys(counts)));
  expect(rulesOf(answers).filter((rule) => rule !== "day_full")).toEqual([]);
  // The second doctor has ten places: one that moves away frees its own.
  expect(await countOf(two.doctor)).toBeLessThanOrEqual(10);
  expect((await countOf(one.doctor)) + (await countOf(two.doctor))).toBe(CROWD);
});

test("of moves of one appointment at once, one succeeds and the others change nothing on stale data", async () => {
  const pair = await bookablePair(nurse);
  const { id } = await booked(nurse, pair, nine);
  const send = () =>
    atOnce(CROWD, (index) => nurse.patch(pathOf({ id }), { starts_at: at(30 * (index + 1)) }));
  const answers = await raceBehind(await holdCalendar(pair.doctor), CROWD, send);
  expect(tally(answers)).toEqual({ 200: 1, 409: CROWD - 1 });
  expect(new Set(answers.filter(({ status }) => status === 409).map(({ body }) => body.code))).toEqual(
    new Set(["write_conflict"]),
  );
  expect(await storedAppointment(id)).toMatchObject({ version: 2 });
});

test("a move to another doctor that waits is seen by a reassignment that cancels appointments, and by an absence", async () => {
  const pair = await bookablePair(nurse);
  const [to, next] = [await bookablePair(nurse), await postDoctor(nurse)];
  await assignDoctor(nurse, { patient: pair.patient, doctor: to.doctor });
  const { id } = await booked(nurse, pair, nine);
  const lock = await holdCalendar(to.doctor);
  const move = nurse.patch(pathOf({ id }), { doctor: to.doctor.id });
  await lock.waiters(1);
  const reassign = nurse.post(`/api/doctors/${pair.doctor.id}/reassign/`, {
    to: next.id,
    appointments: "cancel",
  });
  await lock.waiters(2);
  // The calendar of the doctor that it leaves: what an absence asks.
  const inAbsence = asOwner`SELECT id FROM booked_appointments(${pair.doctor.id}, tstzrange(${nine}, ${at(60)}))`;
  await lock.release();
  expect((await move).status).toBe(200);
  expect((await reassign).body).toMatchObject({ reassigned: 1, cancelled: 0 });
  expect(await storedAppointment(id)).toMatchObject({ status: "booked", doctor_id: to.doctor.id });
  expect(await inAbsence).toEqual([]);
});

test("a deletion that waits for a patient who arrives after all cancels the appointment; the other way round, it is 404", async () => {
  const pair = await bookablePair(nurse);
  const id = await insertAppointment(pair.patient, pair.doctor, { hours: -1, status: "no_show" });
  const arrive = () => nurse.patch(pathOf({ id }), { status: "arrived" });
  const remove = () => nurse.delete(patientPath(pair.patient));
  const lock = await holdLock("SELECT FROM appointments WHERE id = $1 FOR UPDATE", [id]);
  const arrival = arrive();
  await lock.waiters(1);
  const deletion = remove();
  await lock.waiters(2);
  await lock.release();
  expect([(await arrival).status, (await deletion).status]).toEqual([200, 204]);
  expect(await storedAppointment(id)).toMatchObject({ status: "cancelled", owner_id: null });
  await postRestore(nurse, pair.patient);
  await asOwner`UPDATE appointments SET status = 'no_show', cancel_reason = NULL WHERE id = ${id}`;
  const held = await holdLock("SELECT FROM patients WHERE id = $1 FOR UPDATE", [pair.patient.id]);
  const second = remove();
  await held.waiters(1);
  const late = arrive();
  await held.waiters(2);
  await held.release();
  expect([(await second).status, (await late).status]).toEqual([204, 404]);
});

test("a move that waits for a merge of its patient returns 409 and changes nothing", async () => {
  const pair = await bookablePair(nurse);
  const survivor = await postPatient(nurse);
  const { id } = await booked(nurse, pair, nine);
  const lock = await holdLock("SELECT FROM patients WHERE id = $1 FOR UPDATE", [pair.patient.id]);
  const merge = postMerge(nurse, pair.patient, survivor);
  await lock.waiters(1);
  const move = nurse.patch(pathOf({ id }), { starts_at: at(60) });
  await lock.waiters(2);
  await lock.release();
  expect((await merge).status).toBe(200);
  expect(await move).toMatchObject({ status: 409, body: { code: "write_conflict" } });
  expect(await storedAppointment(id)).toMatchObject({ patient_id: survivor.id, version: 2 });
});

test("bookings, moves, cancellations, deletions and restorations at once never deadlock, and keep the limit", async () => {
  const { doctor, pairs } = await doctorWithPatients(nurse);
  await setLimit(doctor, 5);
  const first = await booked(nurse, pairs[0], at(-60));
  const actions = [
    (index: number) => book(nurse, pairs[index] ?? pairs[0], at(30 * index)),
    (index: number) => nurse.patch(pathOf(first), { starts_at: at(1440 + index) }),
    (index: number) => nurse.delete(patientPath((pairs[index - 2] ?? pairs[0]).patient)),
    (index: number) => book(nurse, pairs[index] ?? pairs[0], at(30 * index)),
    (index: number) => postRestore(nurse, (pairs[index - 4] ?? pairs[0]).patient),
  ];
  const send = () =>
    atOnce<ApiResponse>(CROWD, (index) =>
      (actions[index % actions.length] as (index: number) => Promise<ApiResponse>)(index),
    );
  // A booking whose patient is deleted first does not wait.
  const answers = await raceBehind(await holdCalendar(doctor), CROWD / actions.length, send);
  expect(["200", "201", "204", "400", "404", "409"]).toEqual(
    expect.arrayContaining(Object.keys(tally(answers))),
  );
  const days = await asOwner`
    SELECT day, count(*)::int AS n FROM appointments WHERE doctor_id = ${doctor.id} AND status <> 'cancelled' GROUP BY day`;
  for (const { n } of days) expect(n).toBeLessThanOrEqual(5);
});
