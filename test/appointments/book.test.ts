import { describe, expect, test } from "vitest";
import { newAccount, uniqueName } from "../support/accounts.ts";
import {
  assignedPair,
  bookablePair,
  hoursFromNow,
  insertAppointment,
  setSchedule,
} from "../support/appointments.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { newClinic, newMember } from "../support/clinics.ts";
import { asOwner } from "../support/owner.ts";
import { patientPath, postEmergencyAccess } from "../support/ownership.ts";
import { anyTimestamp, fieldProblem, problem } from "../support/problems.ts";
import { assignDoctor, postDoctor, postPatient } from "../support/resources.ts";
import { book, booked, bookingOf, daysFromNow, list, minutesAfter, pathOf, setLimit } from "./support.ts";

const nurse = await newAccount();
/** Nine o'clock UTC, in three days. */
const nine = `${daysFromNow(3)}T09:00:00.000Z`;
const REASON = "The patient is in pain.";
const lastId = async () =>
  Number((await asOwner`SELECT last_value AS id FROM appointments_id_seq`)[0]?.["id"]);

test("POST returns 201 with the appointment, its Location and its ETag, and GET the same, or 304", async () => {
  const pair = await bookablePair(nurse, { zone: "Pacific/Auckland", slotMinutes: 20 });
  const answer = await book(nurse, pair, nine.replace("09:00:00.000Z", "20:00:00+11:00"), {
    note: " First visit ",
  });
  expect(answer).toMatchObject({ status: 201 });
  expect(answer.body).toEqual({
    ...{ id: expect.any(Number), patient: pair.patient.id, doctor: pair.doctor.id },
    ...{
      starts_at: nine,
      ends_at: minutesAfter(nine, 20),
      day: daysFromNow(3),
      time_zone: "Pacific/Auckland",
    },
    ...{ status: "booked", note: "First visit", cancel_reason: null, override_reason: null },
    ...{ created_by: nurse.id, created_at: anyTimestamp, updated_at: anyTimestamp, version: 1 },
  });
  const path = pathOf(answer.body);
  expect([answer.headers.get("Location"), answer.headers.get("ETag")]).toEqual([path, '"1"']);
  expect(await nurse.get(path)).toMatchObject({ status: 200, body: answer.body });
  const known = { headers: { "If-None-Match": '"1"' } };
  expect((await nurse.get(path, known)).status).toBe(304);
  const patients = [pair.patient.id];
  expect(await auditEventsOf(answer)).toMatchObject([
    {
      ...{ action: "book", outcome: "done", patients, doctor_id: pair.doctor.id, reason: null },
      changes: {
        starts_at: { before: null, after: nine },
        ends_at: { before: null, after: minutesAfter(nine, 20) },
        status: { before: null, after: "booked" },
        note: { before: null, after: "***" },
      },
    },
  ]);
  const read = await nurse.get(path);
  expect(await auditEventsOf(read)).toMatchObject([{ action: "read", outcome: "done", patients }]);
});

test("the day is that of the doctor's time zone", async () => {
  const pair = await bookablePair(nurse, { zone: "Pacific/Auckland" });
  const { body } = await book(nurse, pair, `${daysFromNow(3)}T20:00:00Z`);
  expect(body).toMatchObject({ starts_at: `${daysFromNow(3)}T20:00:00.000Z`, day: daysFromNow(4) });
});

test.each([
  ["a time without an offset", { starts_at: nine.slice(0, -1) }, "starts_at"],
  ["a time that is not on a whole minute", { starts_at: nine.replace("00.000", "30.000") }, "starts_at"],
  ["a fraction of a minute", { starts_at: nine.replace("00.000", "00.001") }, "starts_at"],
  [
    "the year 1 in local time, which is before it in UTC",
    { starts_at: "0001-01-01T00:00:00+01:00" },
    "starts_at",
  ],
  ["the year 10000 in UTC", { starts_at: "9999-12-31T23:30:00-01:00" }, "starts_at"],
  ["a time of the past", { starts_at: "2020-01-01T09:00:00Z" }, "starts_at"],
  ["the year 1", { starts_at: "0001-01-01T00:00:00Z" }, "starts_at"],
  ["the year 9999", { starts_at: "9999-12-31T23:59:00Z" }, "starts_at"],
  ["four minutes", { minutes: 4 }, "minutes"],
  ["more than eight hours", { minutes: 481 }, "minutes"],
  ["a note of 501 characters", { note: "x".repeat(501) }, "note"],
  ["a reason of nine characters", { override_reason: "x".repeat(9) }, "override_reason"],
])("POST with %s returns 400 that names the field", async (_, fields, field) => {
  const pair = await assignedPair(nurse);
  expect(await book(nurse, pair, nine, fields)).toEqual(fieldProblem(field));
});

test("an offset of 23 hours is that moment, a note may have 500 characters, and a blank one is stored as null", async () => {
  const pair = await bookablePair(nurse);
  const { body } = await book(nurse, pair, `${daysFromNow(4)}T08:00:00+23:00`, { note: "😀".repeat(500) });
  expect(body).toMatchObject({ starts_at: nine, note: "😀".repeat(500) });
  expect((await booked(nurse, pair, hoursFromNow(30), { note: " \n" })).note).toBeNull();
});

const currentMinute = () => `${new Date().toISOString().slice(0, 17)}00.000Z`;

/** The status of a booking for the minute in which it is sent and answered. */
async function statusInCurrentMinute(): Promise<number> {
  const minute = currentMinute();
  const { status } = await book(nurse, await bookablePair(nurse), minute);
  return minute === currentMinute() ? status : statusInCurrentMinute();
}

test("the current minute is not past, the one before it is; 366 days ahead are possible, more are not", async () => {
  const pair = await bookablePair(nurse);
  const minute = currentMinute();
  const codes = async (startsAt: string) => (await book(nurse, pair, startsAt)).body.error_codes;
  expect(await codes(minutesAfter(minute, -1))).toEqual({ starts_at: ["past"] });
  const days = 366 * 24 * 60;
  expect(await codes(minutesAfter(minute, days + 5))).toEqual({ starts_at: ["too_far_ahead"] });
  await booked(nurse, pair, minutesAfter(minute, days));
  expect(await statusInCurrentMinute()).toBe(201);
});

test("POST for another's patient, an unknown, unassigned or retired doctor returns 400 on the field, and takes no id", async () => {
  const [own, foreign] = [await bookablePair(nurse), await bookablePair(await newAccount())];
  const retired = await bookablePair(nurse);
  await asOwner`UPDATE doctors SET active = false WHERE id = ${retired.doctor.id}`;
  const before = await lastId();
  const codes = async (pair: Parameters<typeof book>[1]) => {
    const answer = await book(nurse, pair, nine);
    return [answer.status, answer.body.error_codes];
  };
  const unknown = { id: 2_147_483_647 };
  expect(await codes(foreign)).toEqual([400, { patient: ["no_such_record"] }]);
  expect(await codes({ patient: unknown, doctor: unknown })).toEqual([
    400,
    { patient: ["no_such_record"], doctor: ["no_such_record"] },
  ]);
  expect(await codes({ ...own, doctor: unknown })).toEqual([400, { doctor: ["no_such_record"] }]);
  expect(await codes({ ...own, doctor: foreign.doctor })).toEqual([400, { doctor: ["not_assigned"] }]);
  expect(await codes(retired)).toEqual([400, { doctor: ["retired"] }]);
  await setLimit(own.doctor, 0);
  expect((await book(nurse, own, nine)).status).toBe(409);
  expect(await lastId()).toBe(before);
});

describe("POST returns 409 not_bookable", () => {
  const refusal = (...rules: string[]) =>
    problem(409, expect.any(String), "not_bookable", { rules, next_free: expect.any(Array) });

  test("with no_schedule, without slots, for a doctor without hours", async () => {
    const answer = await book(nurse, await assignedPair(nurse), nine);
    expect(answer).toEqual(
      problem(409, expect.any(String), "not_bookable", { rules: ["no_schedule"], next_free: [] }),
    );
    expect(await auditEventsOf(answer)).toMatchObject([
      { action: "book", outcome: "refused", changes: null },
    ]);
  });

  test("with outside_hours, and the next three free slots", async () => {
    // From 10 to 12 o'clock on every day of the week.
    const hours = Array.from({ length: 7 }, (_, day) => `[${day * 1440 + 600},${day * 1440 + 720})`);
    const pair = await bookablePair(nurse, { slotMinutes: 60, week: `{${hours}}` });
    const ten = minutesAfter(nine, 60);
    await booked(nurse, await withPatient(pair.doctor), minutesAfter(ten, 60));
    const answer = await book(nurse, pair, nine);
    const slots = [ten, minutesAfter(ten, 1440), minutesAfter(ten, 1500)];
    const next_free = slots.map((starts_at) => ({ starts_at, ends_at: minutesAfter(starts_at, 60) }));
    expect(answer).toEqual(
      problem(409, expect.any(String), "not_bookable", { rules: ["outside_hours"], next_free }),
    );
    // It need not lie on the grid of slots, but ends within the hours.
    expect((await book(nurse, pair, minutesAfter(ten, 1445), { minutes: 115 })).status).toBe(201);
    expect(await book(nurse, pair, minutesAfter(ten, 2885), { minutes: 116 })).toEqual(
      refusal("outside_hours"),
    );
  });

  test("with absent, for a time that overlaps an absence", async () => {
    const pair = await bookablePair(nurse);
    await insertAbsence(pair.doctor, nine, minutesAfter(nine, 60));
    expect(await book(nurse, pair, minutesAfter(nine, -5))).toEqual(refusal("absent"));
    expect((await book(nurse, pair, minutesAfter(nine, 60))).status).toBe(201);
  });

  test("with day_full; a cancelled appointment frees its place, one that was kept does not", async () => {
    const pair = await bookablePair(nurse);
    await setLimit(pair.doctor, 1);
    const first = await booked(nurse, pair, nine);
    const later = minutesAfter(nine, 60);
    const answer = await book(nurse, pair, later);
    expect(answer).toEqual(refusal("day_full"));
    expect(answer.body.next_free[0].starts_at).toBe(`${daysFromNow(4)}T00:00:00.000Z`);
    await nurse.patch(pathOf(first), { status: "cancelled" });
    expect((await book(nurse, pair, later)).status).toBe(201);
  });

  test("with doctor_busy and patient_busy; one appointment may begin when another ends", async () => {
    const pair = await bookablePair(nurse);
    await booked(nurse, pair, nine);
    expect(await book(nurse, pair, nine)).toEqual(refusal("doctor_busy", "patient_busy"));
    expect(await book(nurse, await withPatient(pair.doctor), minutesAfter(nine, 29))).toEqual(
      refusal("doctor_busy"),
    );
    const other = await bookablePair(nurse);
    await assignDoctor(nurse, { patient: pair.patient, doctor: other.doctor });
    expect(await book(nurse, { ...other, patient: pair.patient }, nine)).toEqual(refusal("patient_busy"));
    expect((await book(nurse, pair, minutesAfter(nine, 30))).status).toBe(201);
  });

  test("with all rules that it breaks", async () => {
    const pair = await bookablePair(nurse, { week: "{}" });
    await insertAbsence(pair.doctor, nine, minutesAfter(nine, 60));
    await insertAppointment(pair.patient, pair.doctor, { hours: 24 });
    await setLimit(pair.doctor, 1);
    expect(await book(nurse, pair, hoursFromNow(24))).toEqual(
      refusal("outside_hours", "day_full", "doctor_busy", "patient_busy"),
    );
  });
});

/** Another patient of the doctor. */
async function withPatient(doctor: { id: number }) {
  const patient = await postPatient(nurse);
  await assignDoctor(nurse, { patient, doctor });
  return { patient: { id: Number(patient.id) }, doctor };
}

const insertAbsence = (doctor: { id: number }, from: string, to: string) => asOwner`
  INSERT INTO absences (doctor_id, starts_at, ends_at, created_by) VALUES (${doctor.id}, ${from}, ${to}, ${nurse.id})`;

describe("override_reason", () => {
  test("passes the limit, the hours and absences, and is the reason in the audit log", async () => {
    const pair = await bookablePair(nurse, { week: "{}" });
    await setLimit(pair.doctor, 0);
    await insertAbsence(pair.doctor, nine, minutesAfter(nine, 60));
    const answer = await book(nurse, pair, nine, { override_reason: REASON });
    expect(answer).toMatchObject({ status: 201, body: { override_reason: REASON } });
    expect(await auditEventsOf(answer)).toMatchObject([
      { reason: REASON, changes: { override_reason: { before: null, after: "***" } } },
    ]);
  });

  test("does not pass no_schedule, and never allows two at once", async () => {
    const [pair, without] = [await bookablePair(nurse), await assignedPair(nurse)];
    await booked(nurse, pair, nine);
    const rulesOf = async (of: typeof pair) =>
      (await book(nurse, of, nine, { override_reason: REASON })).body.rules;
    expect(await rulesOf(pair)).toEqual(["doctor_busy", "patient_busy"]);
    expect(await rulesOf(without)).toEqual(["no_schedule"]);
  });

  test("of a clerk or a clinician returns 403, of a manager and of the doctor's own account 201", async () => {
    const clinic = await newClinic();
    const manager = await newMember(nurse.api, clinic, "manager");
    const pair = await bookablePair(manager, { week: "{}" });
    const doctor = await newAccount();
    await asOwner`UPDATE users SET doctor_id = ${pair.doctor.id} WHERE id = ${doctor.id}`;
    const sent = { override_reason: REASON };
    for (const role of ["clerk", "clinician"] as const) {
      const member = await newMember(nurse.api, clinic, role);
      const refused = await book(member, pair, nine, sent);
      expect(refused).toEqual(problem(403, expect.any(String), "clinic_role_required"));
      expect(await auditEventsOf(refused)).toMatchObject([{ action: "book", outcome: "refused" }]);
    }
    expect((await book(manager, pair, nine, sent)).status).toBe(201);
    expect((await book(doctor, pair, minutesAfter(nine, 30), sent)).status).toBe(201);
  });
});

describe("who may book", () => {
  test("a reader of the clinic gets 403, a clerk 201", async () => {
    const clinic = await newClinic();
    const manager = await newMember(nurse.api, clinic, "manager");
    const pair = await bookablePair(manager);
    const reader = await newMember(nurse.api, clinic, "reader");
    const refused = await book(reader, pair, nine);
    expect(refused).toEqual(problem(403, expect.any(String), "clinic_role_required"));
    expect(await auditEventsOf(refused)).toMatchObject([{ outcome: "refused" }]);
    expect((await book(await newMember(nurse.api, clinic, "clerk"), pair, nine)).status).toBe(201);
  });

  test("the doctor's own account books its patients with that doctor, and with no other one", async () => {
    const pair = await bookablePair(nurse);
    const other = await postDoctor(nurse);
    await setSchedule(other);
    await assignDoctor(nurse, { patient: pair.patient, doctor: other });
    const doctor = await newAccount();
    await asOwner`UPDATE users SET doctor_id = ${pair.doctor.id} WHERE id = ${doctor.id}`;
    expect(await book(doctor, pair, nine)).toMatchObject({ status: 201, body: { created_by: doctor.id } });
    expect(await book(doctor, { ...pair, doctor: other }, hoursFromNow(30))).toEqual(fieldProblem("patient"));
  });

  test("an admin with an emergency access reads appointments, and books none", async () => {
    const [pair, admin] = [await bookablePair(nurse), await newAccount(undefined, "admin")];
    const appointment = await booked(nurse, pair, nine);
    expect(await admin.get(pathOf(appointment))).toEqual(problem(404));
    await postEmergencyAccess(admin, pair.patient);
    expect((await admin.get(pathOf(appointment))).status).toBe(200);
    expect(await book(admin, pair, hoursFromNow(30))).toEqual(fieldProblem("patient"));
  });
});

describe("Idempotency-Key", () => {
  const send = async (pair: Parameters<typeof book>[1], key: string, startsAt: string, fields = {}) =>
    book(nurse, pair, startsAt, fields, { "Idempotency-Key": key });

  test("the same moment, written in another way, gets the stored response; another note is 422", async () => {
    const [pair, key] = [await bookablePair(nurse), uniqueName("key-")];
    const first = await send(pair, key, nine);
    const again = await send(pair, key, nine.replace("09:00:00.000Z", "14:30:00+05:30"));
    expect([again.status, again.body, again.headers.get("Idempotency-Replayed")]).toEqual([
      201,
      first.body,
      "true",
    ]);
    expect(again.headers.get("Location")).toBe(first.headers.get("Location"));
    expect(await auditEventsOf(again)).toMatchObject([{ action: "replay", outcome: "done" }]);
    for (const fields of [{ note: "null" }, { minutes: 30 }, { override_reason: REASON }])
      expect((await send(pair, key, nine, fields)).status).toBe(422);
  });

  test("of a refused booking is free again", async () => {
    const [pair, key] = [await assignedPair(nurse), uniqueName("key-")];
    expect((await send(pair, key, nine)).status).toBe(409);
    await setSchedule(pair.doctor);
    expect((await send(pair, key, nine)).headers.get("Idempotency-Replayed")).toBeNull();
  });

  test("of an appointment that cannot be read any more returns 409", async () => {
    const [pair, key] = [await bookablePair(nurse), uniqueName("key-")];
    await send(pair, key, nine);
    await nurse.delete(patientPath(pair.patient));
    expect(await send(pair, key, nine)).toEqual(problem(409, expect.any(String), "replay_unreadable"));
  });
});

test("read-only fields may be sent, and are ignored", async () => {
  const pair = await bookablePair(nurse);
  const { body } = await nurse.post(list, {
    ...bookingOf(pair, nine),
    id: 1,
    status: "fulfilled",
    version: 7,
  });
  expect(body).toMatchObject({ status: "booked", version: 1 });
});
