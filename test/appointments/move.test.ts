import { describe, expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { bookablePair, insertAppointment, setSchedule, storedAppointment } from "../support/appointments.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { newClinic, newMember } from "../support/clinics.ts";
import { asOwner } from "../support/owner.ts";
import { postEmergencyAccess } from "../support/ownership.ts";
import { anyTimestamp, fieldProblem, problem } from "../support/problems.ts";
import { assignDoctor, postDoctor, postPatient } from "../support/resources.ts";
import { booked, daysFromNow, minutesAfter, pathOf, setLimit } from "./support.ts";

const nurse = await newAccount();
const nine = `${daysFromNow(3)}T09:00:00.000Z`;
const tomorrowsNine = minutesAfter(nine, 1440);
const REASON = "The patient is in pain.";

const move = (appointment: { id: number }, changes: object, account = nurse, headers = {}) =>
  account.patch(pathOf(appointment), changes, { headers });
const refusal = (...rules: string[]) =>
  problem(409, expect.any(String), "not_bookable", { rules, next_free: expect.any(Array) });

/** Another doctor of the patient, who can be booked at any time. */
async function secondDoctor(patient: { id: number }): Promise<{ id: number }> {
  const doctor = await postDoctor(nurse);
  await setSchedule(doctor, { zone: "Pacific/Auckland" });
  await assignDoctor(nurse, { patient, doctor });
  return { id: doctor.id };
}

/** Another patient of the doctor. */
async function secondPatient(doctor: { id: number }) {
  const patient = await postPatient(nurse);
  await assignDoctor(nurse, { patient, doctor });
  return { patient: { id: Number(patient.id) }, doctor };
}

test("PATCH with a time moves the appointment, which keeps its length, and audits what changed", async () => {
  const pair = await bookablePair(nurse);
  const appointment = await booked(nurse, pair, nine, { minutes: 45, note: "First visit" });
  const answer = await move(appointment, { starts_at: minutesAfter(nine, 1470) });
  expect(answer.status).toBe(200);
  expect(answer.body).toEqual({
    ...appointment,
    ...{ starts_at: minutesAfter(nine, 1470), ends_at: minutesAfter(nine, 1515), day: daysFromNow(4) },
    ...{ updated_at: anyTimestamp, version: 2 },
  });
  expect(answer.headers.get("ETag")).toBe('"2"');
  expect((await nurse.get(pathOf(appointment))).body).toEqual(answer.body);
  expect(await auditEventsOf(answer)).toMatchObject([
    {
      ...{ action: "reschedule", outcome: "done", patients: [pair.patient.id], doctor_id: pair.doctor.id },
      changes: {
        starts_at: { before: nine, after: minutesAfter(nine, 1470) },
        ends_at: { before: minutesAfter(nine, 45), after: minutesAfter(nine, 1515) },
      },
    },
  ]);
});

test("PATCH with minutes, a doctor and a note changes them together; the day is that of the new doctor's time zone", async () => {
  const pair = await bookablePair(nurse);
  const appointment = await booked(nurse, pair, `${daysFromNow(3)}T20:00:00Z`);
  const doctor = await secondDoctor(pair.patient);
  const answer = await move(appointment, { minutes: 60, doctor: doctor.id, note: "Longer" });
  expect(answer.body).toMatchObject({
    ...{ doctor: doctor.id, day: daysFromNow(4), time_zone: "Pacific/Auckland", note: "Longer", version: 2 },
    ends_at: `${daysFromNow(3)}T21:00:00.000Z`,
  });
  const [event] = await auditEventsOf(answer);
  expect(event?.["changes"]).toMatchObject({
    doctor: { before: pair.doctor.id, after: doctor.id },
    note: { before: null, after: "***" },
  });
});

test.each([
  ["a move and a status", { starts_at: nine, status: "cancelled" }, "status"],
  ["an override and a status", { override_reason: REASON, status: "arrived" }, "status"],
  ["a cancel_reason without a status", { cancel_reason: "Ill" }, "cancel_reason"],
  ["a cancel_reason and another status", { cancel_reason: "Ill", status: "arrived" }, "cancel_reason"],
  ["a time of the past", { starts_at: "2020-01-01T09:00:00Z" }, "starts_at"],
  ["a time that is too far ahead", { starts_at: `${daysFromNow(368)}T09:00:00Z` }, "starts_at"],
  ["an unknown doctor", { doctor: 2_147_483_647 }, "doctor"],
])("PATCH with %s returns 400 that names the field, and changes nothing", async (_, changes, field) => {
  const appointment = await booked(nurse, await bookablePair(nurse), nine);
  expect(await move(appointment, changes)).toEqual(fieldProblem(field));
  expect(await storedAppointment(appointment.id)).toMatchObject({ version: 1 });
});

test("PATCH to a doctor who is not assigned, or of one who is retired, returns 400 on doctor", async () => {
  const pair = await bookablePair(nurse);
  const appointment = await booked(nurse, pair, nine);
  const codes = async (changes: object) => (await move(appointment, changes)).body.error_codes;
  expect(await codes({ doctor: (await postDoctor(nurse)).id })).toEqual({ doctor: ["not_assigned"] });
  await asOwner`UPDATE doctors SET active = false WHERE id = ${pair.doctor.id}`;
  expect(await codes({ starts_at: tomorrowsNine })).toEqual({ doctor: ["retired"] });
});

test("an appointment that has begun can get longer, but not another doctor, and not another time of the past", async () => {
  const pair = await bookablePair(nurse);
  const id = await insertAppointment(pair.patient, pair.doctor, { hours: -2 });
  const answer = await move({ id }, { minutes: 60 });
  expect(answer.status).toBe(200);
  const doctor = await secondDoctor(pair.patient);
  expect(await move({ id }, { doctor: doctor.id })).toEqual(fieldProblem("starts_at"));
  expect(await move({ id }, { starts_at: minutesAfter(answer.body.starts_at, 5) })).toEqual(
    fieldProblem("starts_at"),
  );
});

describe("the limit of a day", () => {
  test("refuses a move to a full day, and none within a day that is full or above a lowered limit", async () => {
    const pair = await bookablePair(nurse);
    await setLimit(pair.doctor, 2);
    const [first] = [await booked(nurse, pair, nine), await booked(nurse, pair, minutesAfter(nine, 60))];
    const other = await booked(nurse, pair, tomorrowsNine);
    expect(await move(other, { starts_at: minutesAfter(nine, 120) })).toEqual(refusal("day_full"));
    await setLimit(pair.doctor, 1);
    expect((await move(first, { starts_at: minutesAfter(nine, 120) })).status).toBe(200);
    expect((await move(first, { minutes: 60 })).status).toBe(200);
    // Over midnight, and back.
    expect(await move(first, { starts_at: tomorrowsNine })).toEqual(
      refusal("day_full", "doctor_busy", "patient_busy"),
    );
    await move(other, { status: "cancelled" });
    expect((await move(first, { starts_at: minutesAfter(nine, 900) })).body.day).toBe(daysFromNow(4));
    expect(await move(first, { starts_at: minutesAfter(nine, 840) })).toEqual(refusal("day_full"));
  });

  test("counts by the local day: a move over midnight of the doctor's time zone needs a place", async () => {
    const pair = await bookablePair(nurse, { zone: "America/Los_Angeles" });
    await setLimit(pair.doctor, 1);
    // 08:00 UTC is midnight in winter, and 07:00 UTC in summer.
    const before = `${daysFromNow(10)}T06:30:00.000Z`;
    const appointment = await booked(nurse, pair, before);
    expect(appointment.day).toBe(daysFromNow(9));
    await booked(nurse, await secondPatient(pair.doctor), `${daysFromNow(10)}T18:00:00Z`);
    expect(await move(appointment, { starts_at: `${daysFromNow(10)}T08:00:00Z` })).toEqual(
      refusal("day_full"),
    );
    expect((await move(appointment, { starts_at: `${daysFromNow(9)}T18:00:00Z` })).status).toBe(200);
  });
});

test("a move does not collide with itself, but with others of the doctor and of the patient", async () => {
  const pair = await bookablePair(nurse);
  const appointment = await booked(nurse, pair, nine);
  expect((await move(appointment, { starts_at: minutesAfter(nine, 10) })).status).toBe(200);
  await booked(nurse, await secondPatient(pair.doctor), minutesAfter(nine, 60));
  const answer = await move(appointment, { starts_at: minutesAfter(nine, 45) });
  expect(answer).toEqual(refusal("doctor_busy"));
  expect(await auditEventsOf(answer)).toMatchObject([
    { action: "reschedule", outcome: "refused", patients: [pair.patient.id], changes: null },
  ]);
});

describe("override_reason", () => {
  test("holds for the move that brings it: the next one removes it and needs its own", async () => {
    const pair = await bookablePair(nurse);
    await setLimit(pair.doctor, 1);
    await booked(nurse, await secondPatient(pair.doctor), tomorrowsNine);
    const appointment = await booked(nurse, pair, nine);
    const later = minutesAfter(tomorrowsNine, 60);
    const forced = await move(appointment, { starts_at: later, override_reason: REASON });
    expect(forced.body).toMatchObject({ override_reason: REASON, starts_at: later });
    expect(await auditEventsOf(forced)).toMatchObject([{ reason: REASON }]);
    const within = await move(appointment, { starts_at: minutesAfter(later, 60) });
    expect(within.body).toMatchObject({ override_reason: null, day: daysFromNow(4) });
    await move(appointment, { starts_at: nine });
    expect(await move(appointment, { starts_at: later })).toEqual(refusal("day_full"));
  });

  test("of a clerk returns 403", async () => {
    const clinic = await newClinic();
    const manager = await newMember(nurse.api, clinic, "manager");
    const appointment = await booked(manager, await bookablePair(manager), nine);
    const clerk = await newMember(nurse.api, clinic, "clerk");
    const changes = { starts_at: tomorrowsNine };
    expect(await move(appointment, { ...changes, override_reason: REASON }, clerk)).toEqual(
      problem(403, expect.any(String), "clinic_role_required"),
    );
    expect((await move(appointment, changes, clerk)).status).toBe(200);
    expect((await move(appointment, { ...changes, override_reason: REASON }, manager)).status).toBe(200);
  });
});

test.each(["arrived", "fulfilled", "cancelled", "no_show"])(
  "PATCH that moves a %s appointment returns 409 with its status",
  async (status) => {
    const pair = await bookablePair(nurse);
    const id = await insertAppointment(pair.patient, pair.doctor, { hours: -1, status });
    const members = { appointment_status: status };
    expect(await move({ id }, { starts_at: nine })).toEqual(
      problem(409, expect.any(String), "invalid_transition", members),
    );
  },
);

test("PATCH with a stale If-Match returns 412, with the current one 200", async () => {
  const appointment = await booked(nurse, await bookablePair(nurse), nine);
  const headers = (version: number) => ({ "If-Match": `"${version}"` });
  expect((await move(appointment, { starts_at: tomorrowsNine }, nurse, headers(2))).status).toBe(412);
  expect((await move(appointment, { starts_at: tomorrowsNine }, nurse, headers(1))).status).toBe(200);
  expect((await move(appointment, { note: "x" }, nurse, headers(1))).status).toBe(412);
});

test("PATCH with an empty body changes nothing but the version, as of other records", async () => {
  const appointment = await booked(nurse, await bookablePair(nurse), nine, { note: "First visit" });
  const { status, body } = await move(appointment, {});
  expect([status, body]).toEqual([200, { ...appointment, updated_at: anyTimestamp, version: 2 }]);
});

describe("who may move an appointment", () => {
  const moved = { starts_at: tomorrowsNine };

  test("a reader of the clinic gets 403, a member of another clinic 404, a clerk 200", async () => {
    const clinic = await newClinic();
    const manager = await newMember(nurse.api, clinic, "manager");
    const appointment = await booked(manager, await bookablePair(manager), nine);
    const reader = await newMember(nurse.api, clinic, "reader");
    const refused = await move(appointment, moved, reader);
    expect(refused).toEqual(problem(403, expect.any(String), "clinic_role_required"));
    expect(await auditEventsOf(refused)).toMatchObject([{ action: "reschedule", outcome: "refused" }]);
    const stranger = await newMember(nurse.api, await newClinic(), "manager");
    expect(await move(appointment, moved, stranger)).toEqual(problem(404));
    expect((await move(appointment, moved, await newMember(nurse.api, clinic, "clerk"))).status).toBe(200);
  });

  test("the doctor's own account moves it in time, and gets 403 for another doctor", async () => {
    const pair = await bookablePair(nurse);
    const appointment = await booked(nurse, pair, nine);
    const doctor = await newAccount();
    await asOwner`UPDATE users SET doctor_id = ${pair.doctor.id} WHERE id = ${doctor.id}`;
    const { id } = await secondDoctor(pair.patient);
    expect((await move(appointment, moved, doctor)).status).toBe(200);
    expect(await move(appointment, { doctor: id }, doctor)).toEqual(
      problem(403, expect.any(String), "not_appointment_owner"),
    );
  });

  test("a reader who is the doctor gets 403 for another doctor, too", async () => {
    const clinic = await newClinic();
    const pair = await bookablePair(await newMember(nurse.api, clinic, "manager"));
    const [reader, other] = [await newMember(nurse.api, clinic, "reader"), await bookablePair(nurse)];
    await asOwner`UPDATE users SET doctor_id = ${pair.doctor.id} WHERE id = ${reader.id}`;
    const appointment = await booked(reader, pair, nine);
    expect((await move(appointment, moved, reader)).status).toBe(200);
    expect(await move(appointment, { doctor: other.doctor.id }, reader)).toEqual(
      problem(403, expect.any(String), "clinic_role_required"),
    );
  });

  test("an admin with an emergency access gets 403 for every change", async () => {
    const [pair, admin] = [await bookablePair(nurse), await newAccount(undefined, "admin")];
    const appointment = await booked(nurse, pair, nine);
    await postEmergencyAccess(admin, pair.patient);
    for (const changes of [moved, { status: "cancelled" }, { note: "x" }])
      expect(await move(appointment, changes, admin)).toEqual(
        problem(403, expect.any(String), "not_appointment_owner"),
      );
  });
});
