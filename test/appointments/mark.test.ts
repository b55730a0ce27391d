import { describe, expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import {
  assignedPair,
  bookablePair,
  hoursFromNow,
  insertAppointment,
  storedAppointment,
} from "../support/appointments.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { newClinic, newMember } from "../support/clinics.ts";
import { asOwner } from "../support/owner.ts";
import { problem } from "../support/problems.ts";
import { assignDoctor } from "../support/resources.ts";
import { booked, pathOf } from "./support.ts";

const nurse = await newAccount();
const mark = (id: number, changes: object, account = nurse) => account.patch(pathOf({ id }), changes);
const invalid = (status: string) =>
  problem(409, expect.any(String), "invalid_transition", { appointment_status: status });

const statuses = ["booked", "arrived", "fulfilled", "cancelled", "no_show"];
const allowed: Record<string, string[]> = {
  booked: ["arrived", "fulfilled", "cancelled", "no_show"],
  arrived: ["booked", "fulfilled", "cancelled"],
  fulfilled: [],
  cancelled: [],
  no_show: ["arrived"],
};
const pairs = statuses.flatMap((from) =>
  statuses.map((to) => ({ from, to, status: allowed[from]?.includes(to) ? 200 : 409 })),
);

test.each(pairs)(
  "PATCH of a past appointment from $from to $to returns $status",
  async ({ from, to, status }) => {
    const { patient, doctor } = await assignedPair(nurse);
    const id = await insertAppointment(patient, doctor, { hours: -30, status: from });
    const answer = await mark(id, { status: to });
    const action = to === "cancelled" ? "cancel" : "update_appointment";
    const event = { action, patients: [patient.id], doctor_id: doctor.id };
    if (status === 409) {
      expect(answer).toEqual(invalid(from));
      expect(await auditEventsOf(answer)).toMatchObject([{ ...event, outcome: "refused", changes: null }]);
      return;
    }
    expect(answer).toMatchObject({ status: 200, body: { id, status: to, version: 2 } });
    expect(await auditEventsOf(answer)).toMatchObject([
      { ...event, outcome: "done", changes: { status: { before: from, after: to } } },
    ]);
  },
);

describe("the time of a status", () => {
  test("arrived and fulfilled are possible from the local day on, no_show from the start on", async () => {
    const { patient, doctor } = await assignedPair(nurse);
    const id = await insertAppointment(patient, doctor, { hours: 30 });
    for (const status of ["arrived", "fulfilled", "no_show"])
      expect(await mark(id, { status })).toEqual(invalid("booked"));
    const zone = "Etc/GMT-14";
    const atMidnight = (minutes: number) => asOwner`
      UPDATE appointments SET time_zone = ${zone}, starts_at = m.starts_at, ends_at = m.starts_at + interval '30 minutes'
      FROM (SELECT (date_trunc('day', now() AT TIME ZONE ${zone}) + interval '1 day' + make_interval(mins => ${minutes}::int))
        AT TIME ZONE ${zone} AS starts_at) m WHERE id = ${id}`;
    await atMidnight(0);
    expect(await mark(id, { status: "arrived" })).toEqual(invalid("booked"));
    await atMidnight(-1);
    expect((await mark(id, { status: "arrived" })).status).toBe(200);
  });

  test("no_show is not possible before the start, and cancelled always is", async () => {
    const { patient, doctor } = await assignedPair(nurse);
    const id = await insertAppointment(patient, doctor, { hours: 1 });
    expect(await mark(id, { status: "no_show" })).toEqual(invalid("booked"));
    expect((await mark(id, { status: "cancelled" })).status).toBe(200);
  });
});

test("a patient who arrives after all needs an assignment: no appointment is open without one", async () => {
  const { patient, doctor, assignment } = await assignedPair(nurse);
  const id = await insertAppointment(patient, doctor, { hours: -1, status: "no_show" });
  await nurse.delete(`/api/mappings/${assignment.id}/`);
  expect(await mark(id, { status: "arrived" })).toEqual(invalid("no_show"));
  await assignDoctor(nurse, { patient, doctor });
  expect((await mark(id, { status: "arrived" })).status).toBe(200);
});

test("cancelled has a cancel_reason, which the audit log masks; the appointment frees its time", async () => {
  const pair = await bookablePair(nurse);
  const { id, starts_at } = await booked(nurse, pair, hoursFromNow(30));
  const answer = await mark(id, { status: "cancelled", cancel_reason: " Ill ", note: "Called" });
  expect(answer.body).toMatchObject({ status: "cancelled", cancel_reason: "Ill", note: "Called" });
  expect(await auditEventsOf(answer)).toMatchObject([
    {
      action: "cancel",
      changes: {
        status: { before: "booked", after: "cancelled" },
        note: { before: null, after: "***" },
        cancel_reason: { before: null, after: "***" },
      },
    },
  ]);
  await booked(nurse, pair, starts_at);
});

test("a note alone is changed in every status, and removed by null and by a blank one", async () => {
  const { patient, doctor } = await assignedPair(nurse);
  const id = await insertAppointment(patient, doctor, { hours: -30, status: "fulfilled" });
  const changed = await mark(id, { note: "Second visit" });
  expect(changed.body).toMatchObject({ status: "fulfilled", note: "Second visit" });
  const again = await mark(id, { note: "Third visit" });
  expect(await auditEventsOf(again)).toMatchObject([
    { action: "update_appointment", changes: { note: { before: "***", after: "***" } } },
  ]);
  expect((await mark(id, { note: " " })).body.note).toBeNull();
  expect((await mark(id, { note: null })).body.note).toBeNull();
});

test("a reader gets 403, a clerk marks; the doctor's own account marks its own, and others get 404", async () => {
  const clinic = await newClinic();
  const { patient, doctor } = await assignedPair(await newMember(nurse.api, clinic, "manager"));
  const id = await insertAppointment(patient, doctor, { hours: -1 });
  const own = await newAccount();
  await asOwner`UPDATE users SET doctor_id = ${doctor.id} WHERE id = ${own.id}`;
  expect(await mark(id, { status: "arrived" }, await newMember(nurse.api, clinic, "reader"))).toEqual(
    problem(403, expect.any(String), "clinic_role_required"),
  );
  const stranger = await mark(id, { status: "arrived" });
  expect(stranger).toEqual(problem(404));
  expect(await auditEventsOf(stranger)).toMatchObject([{ outcome: "not_found", patients: [patient.id] }]);
  expect(await storedAppointment(id)).toMatchObject({ status: "booked", version: 1 });
  expect((await mark(id, { status: "fulfilled" }, own)).status).toBe(200);
});
