import { expect, test } from "vitest";
import { newAccount, type TestAccount } from "../support/accounts.ts";
import type { ApiResponse } from "../support/api.ts";
import { hoursFromNow } from "../support/appointments.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { asOwner } from "../support/owner.ts";
import { nextOf, pagesFrom } from "../support/pages.ts";
import { fieldProblem, problem } from "../support/problems.ts";
import { assignDoctor, postDoctor, postPatient } from "../support/resources.ts";
import { postAbsence, postDoctorWithSchedule } from "../support/schedules.ts";

const account = await newAccount();

/** A Monday that is not over soon. */
const MONDAY = "2090-06-05";
const morning = [{ weekday: 1, from: "09:00", to: "11:00" }];

const slotsPath = ({ id }: { id: number }, query = `from=${MONDAY}&to=${MONDAY}`) =>
  `/api/doctors/${id}/slots/?${query}`;

/** The times of day of the free slots in UTC: `09:00`. */
const timesOf = async (doctor: { id: number }, query?: string, caller: TestAccount = account) => {
  const { body } = await caller.get(slotsPath(doctor, query));
  return body.slots.map(({ starts_at }: { starts_at: string }) => starts_at.slice(11, 16));
};

/** Inserts an appointment on the Monday. */
const insertOnMonday = (
  patient: { id: number },
  doctor: { id: number },
  time: string,
  status = "booked",
) => asOwner`
  INSERT INTO appointments (patient_id, owner_id, doctor_id, starts_at, ends_at, time_zone, status, created_by)
  SELECT id, owner_id, ${doctor.id}, ${`${MONDAY}T${time}Z`}::timestamptz, ${`${MONDAY}T${time}Z`}::timestamptz + interval '30 minutes',
    'UTC', ${status}, created_by FROM patients WHERE id = ${patient.id}`;

/** A doctor who works on Monday morning, with an assigned patient. */
async function morningPair(limit = 10) {
  const doctor = await postDoctorWithSchedule(
    account,
    { hours: morning },
    { max_appointments_per_day: limit },
  );
  const patient = await postPatient(account);
  await assignDoctor(account, { patient, doctor });
  return { doctor, patient };
}

test("the slots have their ends, their local day, the time zone and the usual minutes", async () => {
  const doctor = await postDoctorWithSchedule(account, {
    ...{ time_zone: "Asia/Tokyo", slot_minutes: 60, hours: [{ weekday: 1, from: "08:00", to: "10:30" }] },
  });
  const answer = await (await newAccount()).get(slotsPath(doctor));
  expect(answer.body).toEqual({
    ...{ doctor: doctor.id, time_zone: "Asia/Tokyo", minutes: 60 },
    slots: [
      { starts_at: "2090-06-04T23:00:00.000Z", ends_at: "2090-06-05T00:00:00.000Z", day: MONDAY },
      { starts_at: "2090-06-05T00:00:00.000Z", ends_at: "2090-06-05T01:00:00.000Z", day: MONDAY },
    ],
  });
  expect(answer.headers.get("Link")).toBeNull();
  expect(await auditEventsOf(answer)).toEqual([]);
});

test("what is booked and the doctor's absences are not free, what is cancelled is", async () => {
  const { doctor, patient } = await morningPair();
  await insertOnMonday(patient, doctor, "09:15");
  await insertOnMonday(patient, doctor, "10:00", "cancelled");
  await postAbsence(account, doctor, {
    ...{ starts_at: `${MONDAY}T10:30:00Z`, ends_at: `${MONDAY}T10:40:00Z` },
  });
  expect(await timesOf(doctor)).toEqual(["10:00"]);
});

test("minutes is how long a slot is; they still begin at the usual steps, and end within the hours", async () => {
  const { doctor, patient } = await morningPair();
  expect(await timesOf(doctor, `from=${MONDAY}&to=${MONDAY}&minutes=60`)).toEqual([
    "09:00",
    "09:30",
    "10:00",
  ]);
  await insertOnMonday(patient, doctor, "10:00");
  expect(await timesOf(doctor, `from=${MONDAY}&to=${MONDAY}&minutes=45`)).toEqual(["09:00"]);
  expect(await timesOf(doctor, `from=${MONDAY}&to=${MONDAY}&minutes=180`)).toEqual([]);
});

test("a day with as many appointments as the doctor's limit has no slots, the others have theirs", async () => {
  const { doctor, patient } = await morningPair(1);
  await insertOnMonday(patient, doctor, "09:00");
  const { body } = await account.get(slotsPath(doctor, `from=${MONDAY}&to=2090-06-12`));
  expect(new Set(body.slots.map(({ day }: { day: string }) => day))).toEqual(new Set(["2090-06-12"]));
});

test("with a patient, only the slots in which the patient is free too; the access is audited", async () => {
  const { doctor, patient } = await morningPair();
  const other = await postDoctorWithSchedule(account, { hours: morning });
  await assignDoctor(account, { patient, doctor: other });
  await insertOnMonday(patient, other, "09:30");
  const query = `from=${MONDAY}&to=${MONDAY}&patient=${patient.id}`;
  expect(await timesOf(doctor)).toEqual(["09:00", "09:30", "10:00", "10:30"]);
  expect(await timesOf(doctor, query)).toEqual(["09:00", "10:00", "10:30"]);
  expect(await auditEventsOf(await account.get(slotsPath(doctor, query)))).toMatchObject([
    { action: "read", outcome: "done", patients: [patient.id] },
  ]);
});

test("another account's patient and an unknown one are the same 400, and audited", async () => {
  const { doctor, patient } = await morningPair();
  const stranger = await newAccount();
  for (const id of [patient.id, 2_147_483_647]) {
    const answer = await stranger.get(slotsPath(doctor, `from=${MONDAY}&to=${MONDAY}&patient=${id}`));
    expect(answer).toEqual(fieldProblem("patient"));
    expect(answer.body.error_codes).toEqual({ patient: ["no_such_record"] });
    expect(await auditEventsOf(answer)).toMatchObject([
      { action: "read", outcome: "not_found", patients: [id] },
    ]);
  }
});

test("following the links finds each slot once, whatever the limit", async () => {
  const { doctor, patient } = await morningPair();
  await insertOnMonday(patient, doctor, "09:30");
  const query = `from=${MONDAY}&to=2090-06-12&minutes=30&patient=${patient.id}&limit=2`;
  const pages: ApiResponse[] = [];
  for await (const page of pagesFrom(account, slotsPath(doctor, query))) pages.push(page);
  expect(pages.map(({ body }) => body.slots.length)).toEqual([2, 2, 2, 1]);
  const all = (await account.get(slotsPath(doctor, query.replace("&limit=2", "")))).body.slots;
  expect(pages.flatMap(({ body }) => body.slots)).toEqual(all);
  expect(nextOf(pages[0] as ApiResponse)).toContain(
    `limit=2&after=${encodeURIComponent("2090-06-05T10:30:00.000Z")}`,
  );
});

test("a page of exactly as many slots as there are has no link", async () => {
  const { doctor } = await morningPair();
  const answer = await account.get(slotsPath(doctor, `from=${MONDAY}&to=${MONDAY}&limit=4`));
  expect([answer.body.slots.length, nextOf(answer)]).toEqual([4, undefined]);
});

test("no slot begins before the current minute, and the past has none", async () => {
  const doctor = await postDoctorWithSchedule(account, { slot_minutes: 5 });
  const minute = `${new Date().toISOString().slice(0, 16)}:00.000Z`;
  const today = minute.slice(0, 10);
  const { body } = await account.get(slotsPath(doctor, `from=${today}&to=${hoursFromNow(24).slice(0, 10)}`));
  expect(body.slots[0].starts_at >= minute).toBe(true);
  expect(await timesOf(doctor, "from=2001-01-01&to=2001-01-31")).toEqual([]);
});

test("without a schedule there are no slots and no time zone; the minutes are those that were asked for", async () => {
  const doctor = await postDoctor(account);
  const empty = { doctor: doctor.id, time_zone: null, minutes: null, slots: [] };
  expect((await account.get(slotsPath(doctor))).body).toEqual(empty);
  const asked = await account.get(slotsPath(doctor, `from=${MONDAY}&to=${MONDAY}&minutes=20`));
  expect(asked.body).toEqual({ ...empty, minutes: 20 });
});

test("a doctor who is not active, or whose limit is 0, has no slots", async () => {
  for (const fields of [{ active: false }, { max_appointments_per_day: 0 }]) {
    const doctor = await postDoctorWithSchedule(account, {}, fields);
    expect(await timesOf(doctor)).toEqual([]);
  }
});

test.each([
  ["from", `to=${MONDAY}`],
  ["to", `from=${MONDAY}`],
  ["from", `from=2090-02-30&to=${MONDAY}`],
  ["to", `from=${MONDAY}&to=2090-6-5`],
  ["to", `from=${MONDAY}&to=2090-06-04`],
  ["to", `from=${MONDAY}&to=2090-07-06`],
  ["to", "from=9999-12-30&to=9999-12-31"],
  ["from", "from=0000-01-01&to=0001-01-01"],
  ["minutes", `from=${MONDAY}&to=${MONDAY}&minutes=4`],
  ["minutes", `from=${MONDAY}&to=${MONDAY}&minutes=481`],
  ["limit", `from=${MONDAY}&to=${MONDAY}&limit=0`],
  ["limit", `from=${MONDAY}&to=${MONDAY}&limit=1001`],
  ["after", `from=${MONDAY}&to=${MONDAY}&after=${MONDAY}`],
  ["patient", `from=${MONDAY}&to=${MONDAY}&patient=0`],
])("a query with an invalid %s is 400: %s", async (parameter, query) => {
  const { status, body } = await account.get(slotsPath({ id: 1 }, query));
  expect([status, body.errors]).toMatchObject([400, { [parameter]: [expect.any(String)] }]);
});

test("31 days and the first and the last possible dates are 200", async () => {
  const doctor = await postDoctorWithSchedule(account, { slot_minutes: 480 });
  expect(await timesOf(doctor, `from=${MONDAY}&to=2090-07-05&limit=1000`)).toHaveLength(93);
  for (const query of ["from=0001-01-01&to=0001-01-31", "from=9999-12-01&to=9999-12-30&limit=1"])
    expect((await account.get(slotsPath(doctor, query))).status).toBe(200);
});

test("the slots of an unknown doctor are 404, also with a patient", async () => {
  const patient = await postPatient(account);
  const answer = await account.get(
    slotsPath({ id: 2_147_483_647 }, `from=${MONDAY}&to=${MONDAY}&patient=${patient.id}`),
  );
  expect(answer).toEqual(problem(404, "There is no such doctor.", "not_found"));
});
