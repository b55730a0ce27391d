import { describe, expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { assignedPair, insertAppointment, storedAppointment } from "../support/appointments.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { linkDoctor } from "../support/ownership.ts";
import { anyTimestamp, fieldProblem, problem } from "../support/problems.ts";
import { postDoctor } from "../support/resources.ts";
import { newSchedule, postDoctorWithSchedule, putSchedule, schedulePath } from "../support/schedules.ts";

const account = await newAccount();
const hours = [{ weekday: 1, from: "09:00", to: "12:00" }];

test("the first PUT returns 201, the next one 200 and version 2, and GET what was set last", async () => {
  const doctor = await postDoctor(account);
  expect(await account.get(schedulePath(doctor))).toEqual(
    problem(404, "There is no such schedule.", "not_found"),
  );
  const first = await account.put(schedulePath(doctor), { time_zone: "Europe/Berlin", hours });
  expect(first).toMatchObject({
    status: 201,
    body: {
      ...{ doctor: doctor.id, time_zone: "Europe/Berlin", slot_minutes: 30, hours },
      ...{ updated_at: anyTimestamp, version: 1 },
    },
  });
  expect(first.headers.get("ETag")).toBe('"1"');
  const second = await account.put(schedulePath(doctor), { ...first.body, slot_minutes: 480 });
  expect(second).toMatchObject({ status: 200, body: { slot_minutes: 480, version: 2 } });
  const read = await (await newAccount()).get(schedulePath(doctor));
  expect(read).toMatchObject({ status: 200, body: second.body });
  expect(read.headers.get("ETag")).toBe('"2"');
  const again = await account.get(schedulePath(doctor), { headers: { "If-None-Match": '"2"' } });
  expect([again.status, again.body]).toEqual([304, ""]);
});

test.each([
  ["none", [], []],
  [
    "entries that touch or overlap, in any order",
    [
      ["5", "12:00", "14:00"],
      ["1", "10:00", "11:00"],
      ["1", "09:00", "10:00"],
      ["1", "10:30", "11:30"],
      ["1", "12:00", "13:00"],
    ],
    [
      ["1", "09:00", "11:30"],
      ["1", "12:00", "13:00"],
      ["5", "12:00", "14:00"],
    ],
  ],
  [
    "nights, also over the end of the week",
    [
      ["7", "22:00", "24:00"],
      ["1", "00:00", "06:00"],
      ["1", "22:00", "24:00"],
      ["2", "00:00", "06:00"],
    ],
    [
      ["1", "00:00", "06:00"],
      ["1", "22:00", "24:00"],
      ["2", "00:00", "06:00"],
      ["7", "22:00", "24:00"],
    ],
  ],
])("PUT with hours that are %s returns them merged for each day", async (_, sent, merged) => {
  const entries = (all: string[][]) => all.map(([day, from, to]) => ({ weekday: Number(day), from, to }));
  const doctor = await postDoctor(account);
  expect((await putSchedule(account, doctor, { hours: entries(sent) })).hours).toEqual(entries(merged));
});

const entry = (changes: object) => ({ hours: [{ weekday: 1, from: "09:00", to: "10:00", ...changes }] });

test.each<[field: string, fields: Record<string, unknown>]>([
  ["hours", entry({ to: "09:00" })],
  ["hours", entry({ to: "08:00" })],
  ["hours", entry({ to: "24:01" })],
  ["hours", entry({ from: "24:00", to: "24:00" })],
  ["hours", entry({ from: "9:00" })],
  ["hours", entry({ to: "10:60" })],
  ["hours", { hours: Array(51).fill(entry({}).hours[0]) }],
  ["hours", { hours: undefined }],
  ["hours.0.weekday", entry({ weekday: 0 })],
  ["hours.0.weekday", entry({ weekday: 8 })],
  ["hours.0.until", entry({ until: "10:00" })],
  ["slot_minutes", { slot_minutes: 4 }],
  ["slot_minutes", { slot_minutes: 481 }],
  ["time_zone", { time_zone: undefined }],
  ...["UTC+3", "FOO3", "+03:00", "CET", "Europe/Atlantis", "Etc/GMT+99"].map(
    (time_zone): [string, Record<string, unknown>] => ["time_zone", { time_zone }],
  ),
])("PUT returns 400 on %s for %j", async (field, fields) => {
  const doctor = await postDoctor(account);
  expect(await account.put(schedulePath(doctor), newSchedule(fields))).toEqual(fieldProblem(field));
});

test("PUT takes 50 entries, and a time zone as it is sent", async () => {
  const many = Array.from({ length: 50 }, (_, n) => ({
    ...{ weekday: 1 + (n % 7), from: `${10 + Math.floor(n / 7)}:00`, to: `${10 + Math.floor(n / 7)}:59` },
  }));
  const schedule = await putSchedule(account, await postDoctor(account), {
    ...{ hours: many, time_zone: "america/new_york" },
  });
  expect([schedule.hours.length, schedule.time_zone]).toEqual([50, "america/new_york"]);
});

describe("preconditions", () => {
  const put = (doctor: { id: number }, headers: Record<string, string>, caller = account) =>
    caller.put(schedulePath(doctor), newSchedule(), { headers });

  test("without a schedule, If-None-Match: * creates it, and any If-Match is 412", async () => {
    const doctor = await postDoctor(account);
    for (const match of ['"1"', "*"])
      expect(await put(doctor, { "If-Match": match })).toMatchObject(
        problem(412, expect.any(String), "precondition_failed"),
      );
    expect((await put(doctor, { "If-None-Match": "*" })).status).toBe(201);
  });

  test("with a schedule, only its version changes it", async () => {
    const doctor = await postDoctorWithSchedule(account);
    for (const headers of [{ "If-None-Match": "*" }, { "If-None-Match": '"1"' }, { "If-Match": '"2"' }])
      expect([headers, (await put(doctor, headers)).status]).toEqual([headers, 412]);
    expect((await put(doctor, { "If-Match": '"1"' })).body.version).toBe(2);
    expect((await put(doctor, { "If-Match": "*" })).body.version).toBe(3);
  });

  test("where If-Match is required, a PUT needs it or If-None-Match: *", async () => {
    const strict = await newAccount(connectApi({ REQUIRE_IF_MATCH: "true" }));
    const doctor = await postDoctor(account);
    await linkDoctor(strict, doctor);
    expect((await put(doctor, {}, strict)).status).toBe(428);
    expect((await put(doctor, { "If-None-Match": "*" }, strict)).status).toBe(201);
    expect((await put(doctor, { "If-None-Match": '"2"' }, strict)).status).toBe(428);
    expect((await put(doctor, { "If-Match": '"1"' }, strict)).status).toBe(200);
  });
});

test("PUT is for the account that created the doctor, the doctor's own account and admins", async () => {
  const doctor = await postDoctor(account);
  const [own, admin, other] = [await newAccount(), await newAccount(undefined, "admin"), await newAccount()];
  await linkDoctor(own, doctor);
  for (const caller of [own, admin])
    expect((await caller.put(schedulePath(doctor), newSchedule())).status).toBeLessThan(300);
  const refused = await other.put(schedulePath(doctor), newSchedule());
  expect(refused).toEqual(
    problem(
      403,
      "Only the account that created the doctor, the doctor's own account or an admin may change or delete it.",
      "not_doctor_creator",
    ),
  );
  expect(await auditEventsOf(refused)).toMatchObject([
    { action: "schedule", outcome: "refused", doctor_id: doctor.id, changes: null },
  ]);
});

test("a PUT is audited with the settings that changed", async () => {
  const doctor = await postDoctor(account);
  const first = await account.put(schedulePath(doctor), { time_zone: "UTC", hours });
  expect(await auditEventsOf(first)).toMatchObject([
    {
      ...{ action: "schedule", outcome: "done", doctor_id: doctor.id },
      changes: {
        time_zone: { before: null, after: "UTC" },
        slot_minutes: { before: null, after: 30 },
        hours: { before: null, after: hours },
      },
    },
  ]);
  const second = await account.put(schedulePath(doctor), { time_zone: "UTC", hours: [] });
  const [event] = await auditEventsOf(second);
  expect(event?.["changes"]).toEqual({ hours: { before: hours, after: [] } });
});

test("another time zone is 409 while open appointments that have not ended count their days in the one so far", async () => {
  const { patient, doctor } = await assignedPair(account);
  await putSchedule(account, doctor);
  await insertAppointment(patient, doctor, { hours: 24 });
  await insertAppointment(patient, doctor, { hours: 25, status: "arrived" });
  await insertAppointment(patient, doctor, { hours: -24 });
  await insertAppointment(patient, doctor, { hours: 26, status: "cancelled" });
  const refused = await account.put(schedulePath(doctor), newSchedule({ time_zone: "Asia/Tokyo" }));
  expect(refused).toEqual(problem(409, expect.stringContaining("(2)"), "open_appointments", { others: 2 }));
  expect((await account.get(schedulePath(doctor))).body).toMatchObject({ time_zone: "UTC", version: 1 });
  expect(await auditEventsOf(refused)).toMatchObject([{ action: "schedule", outcome: "refused" }]);
});

test("the same time zone in another case, and hours without them, leave appointments as they are", async () => {
  const { patient, doctor } = await assignedPair(account);
  await putSchedule(account, doctor);
  const id = await insertAppointment(patient, doctor);
  const before = await storedAppointment(id);
  expect(await putSchedule(account, doctor, { time_zone: "utc", hours: [] })).toMatchObject({
    ...{ time_zone: "utc", hours: [], version: 2 },
  });
  expect(await storedAppointment(id)).toEqual(before);
});
