import { expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { asOwner } from "../support/owner.ts";
import { newDoctor } from "../support/resources.ts";
import { newSchedule, postAbsence, postDoctorWithSchedule } from "../support/schedules.ts";

// The doctors of all tests of a worker are in one directory: each test has a specialization of its own, and begins with no
// schedules of it.

const account = await newAccount();
const MONDAY = "2090-06-05";
const SUNDAY = "2090-06-11";

const removeSchedules = (specialization: string) => asOwner`
  DELETE FROM schedules WHERE doctor_id IN (SELECT id FROM doctors WHERE specialization = ${specialization})`;

interface Found {
  doctor: number;
  time_zone: string;
  slots: { starts_at: string; ends_at: string; day: string }[];
}

async function earliest(specialization: string, query = `from=${MONDAY}&to=${SUNDAY}`): Promise<Found[]> {
  const { body } = await account.get(`/api/slots/?${query}&specialization=${specialization}`);
  return body;
}

const opensAt = (weekday: number, from: string) => ({ hours: [{ weekday, from, to: "24:00" }] });

test("returns the first three slots of each doctor who is free, the earliest doctor first", async () => {
  await removeSchedules("DERM");
  type Fields = Record<string, unknown>;
  const add = (schedule: Fields, fields: Fields = {}) =>
    postDoctorWithSchedule(account, newSchedule(schedule), { specialization: "DERM", ...fields });
  const late = await add(opensAt(1, "12:00"));
  const early = await add({ ...opensAt(1, "08:00"), time_zone: "Asia/Tokyo" });
  const nextDay = await add(opensAt(2, "00:00"));
  const absent = await add(opensAt(1, "00:00"));
  await postAbsence(account, absent, {
    ...{ starts_at: `${MONDAY}T00:00:00Z`, ends_at: `${MONDAY}T23:00:00Z` },
  });
  await add({}, { active: false });
  await add({}, { max_appointments_per_day: 0 });
  await add({ hours: [] });
  await add({}, { specialization: "CARD" });
  const found = await earliest("DERM");
  expect(found.map(({ doctor }) => doctor)).toEqual([early.id, late.id, absent.id, nextDay.id]);
  expect(found.map(({ slots }) => slots.length)).toEqual([3, 3, 2, 3]);
  expect(found[0]).toEqual({
    ...{ doctor: early.id, time_zone: "Asia/Tokyo" },
    slots: ["2090-06-04T23:00", "2090-06-04T23:30", "2090-06-05T00:00"].map((start) => ({
      starts_at: `${start}:00.000Z`,
      ends_at: `${new Date(Date.parse(`${start}Z`) + 30 * 60_000).toISOString()}`,
      day: MONDAY,
    })),
  });
  const long = await earliest("DERM", `from=${MONDAY}&to=${MONDAY}&minutes=480`);
  expect(long.map(({ doctor, slots }) => [doctor, slots[0]?.starts_at])).toEqual([
    [early.id, "2090-06-04T23:00:00.000Z"],
    [late.id, "2090-06-05T12:00:00.000Z"],
  ]);
});

/** Inserts doctors who work from a time of one day on. @returns their ids */
async function insertDoctors(count: number, week: string, zone: string): Promise<number[]> {
  const { firstname, lastname, gender } = newDoctor();
  const rows = await asOwner`
    WITH doctor AS (
      INSERT INTO doctors (firstname, lastname, email, gender, specialization, created_by)
      SELECT ${firstname}, ${lastname}, gen_random_uuid() || '@example.org', ${gender}, 'ORTH', ${account.id}::int
      FROM generate_series(1, ${count}::int) RETURNING id)
    INSERT INTO schedules (doctor_id, time_zone, slot_minutes, week) SELECT id, ${zone}, 30, ${week}::int4multirange FROM doctor
    RETURNING doctor_id`;
  return rows.map((row) => Number(row["doctor_id"])).sort((a, b) => a - b);
}

test("of more than 50 doctors returns the 50 who are free earliest, in whatever time zone and on whatever day", async () => {
  await removeSchedules("ORTH");
  const onWednesday = await insertDoctors(40, "{[2880,4320)}", "UTC");
  const onTuesday = await insertDoctors(20, "{[1440,2880)}", "UTC");
  // On Wednesday in Auckland it is still Tuesday in UTC.
  const inAuckland = await insertDoctors(5, "{[2880,4320)}", "Pacific/Auckland");
  const inLosAngeles = await insertDoctors(5, "{[2820,2880)}", "America/Los_Angeles");
  const found = await earliest("ORTH");
  expect(found.map(({ doctor }) => doctor)).toEqual([
    ...[...onTuesday, ...inAuckland, ...onWednesday.slice(0, 25)],
  ]);
  expect(found.some(({ doctor }) => inLosAngeles.includes(doctor))).toBe(false);
  expect(found.every(({ slots }) => slots.length === 3)).toBe(true);
});

test("without a specialization returns doctors of all", async () => {
  await postDoctorWithSchedule(account, {}, { specialization: "PED" });
  const { status, body } = await account.get(`/api/slots/?from=${MONDAY}&to=${MONDAY}`);
  expect([status, body.length > 0]).toEqual([200, true]);
});

test.each([
  ["to", `from=${MONDAY}&to=2090-06-12`],
  ["to", `from=${MONDAY}&to=2090-06-04`],
  ["from", `to=${MONDAY}`],
  ["specialization", `from=${MONDAY}&to=${MONDAY}&specialization=SURG`],
  ["minutes", `from=${MONDAY}&to=${MONDAY}&minutes=3`],
  ["patient", `from=${MONDAY}&to=${MONDAY}&patient=1`],
])("an invalid %s is 400: %s", async (parameter, query) => {
  const { status, body } = await account.get(`/api/slots/?${query}`);
  expect([status, body.errors]).toMatchObject([400, { [parameter]: [expect.any(String)] }]);
});
