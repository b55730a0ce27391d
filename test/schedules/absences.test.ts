import { describe, expect, test } from "vitest";
import { newAccount, uniqueName } from "../support/accounts.ts";
import { assignedPair, hoursFromNow, insertAppointment, storedAppointment } from "../support/appointments.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { addMember, newClinic, newMember } from "../support/clinics.ts";
import { linkDoctor } from "../support/ownership.ts";
import { idsOf, pagesFrom } from "../support/pages.ts";
import { anyTimestamp, fieldProblem, problem } from "../support/problems.ts";
import { assignDoctor, postDoctor, postPatient } from "../support/resources.ts";
import { absencesPath, postAbsence } from "../support/schedules.ts";

const account = await newAccount();
const tomorrow = { starts_at: hoursFromNow(12), ends_at: hoursFromNow(36) };

const post = (caller: typeof account, doctor: { id: number }, fields: object = {}, key?: string) =>
  caller.post(
    absencesPath(doctor),
    { ...tomorrow, ...fields },
    { headers: key ? { "Idempotency-Key": key } : {} },
  );

test("POST returns 201 with the absence in UTC, everybody reads it, DELETE removes it", async () => {
  const doctor = await postDoctor(account);
  const answer = await post(account, doctor, {
    starts_at: "2090-06-05T09:00:00+02:00",
    ends_at: "2090-06-06T09:00:00+02:00",
  });
  expect(answer).toMatchObject({
    status: 201,
    body: {
      ...{ id: expect.any(Number), doctor: doctor.id, created_by: account.id, created_at: anyTimestamp },
      ...{ starts_at: "2090-06-05T07:00:00.000Z", ends_at: "2090-06-06T07:00:00.000Z" },
    },
  });
  const path = `/api/absences/${answer.body.id}/`;
  expect(answer.headers.get("Location")).toBe(path);
  const reader = await newAccount();
  expect((await reader.get(absencesPath(doctor))).body).toEqual([answer.body]);
  expect(await reader.get(path)).toMatchObject({ status: 200, body: answer.body });
  expect((await account.delete(path)).status).toBe(204);
  expect((await reader.get(absencesPath(doctor))).body).toEqual([]);
  for (const gone of [await account.get(path), await account.delete(path)])
    expect(gone).toEqual(problem(404, "There is no such absence.", "not_found"));
});

test("the list has the absences of the doctor in order of time, page by page", async () => {
  const [doctor, other] = [await postDoctor(account), await postDoctor(account)];
  const at = (hours: number) => ({ starts_at: hoursFromNow(hours), ends_at: hoursFromNow(hours + 1) });
  const ids: Record<number, number> = {};
  for (const hours of [30, 10, 20, -40]) ids[hours] = (await postAbsence(account, doctor, at(hours))).id;
  const twin = (await postAbsence(account, doctor, at(20))).id;
  await postAbsence(account, other, at(15));
  const found: number[] = [];
  for await (const page of pagesFrom(account, `${absencesPath(doctor)}?limit=2`)) found.push(...idsOf(page));
  expect(found).toEqual([ids[-40], ids[10], ids[20], twin, ids[30]]);
});

test.each([
  ["ends_at", { ends_at: tomorrow.starts_at }],
  ["ends_at", { ends_at: hoursFromNow(11) }],
  ["ends_at", { starts_at: "2090-01-01T00:00:00Z", ends_at: "2091-01-02T00:00:00.001Z" }],
  ["ends_at", { starts_at: "2090-01-01T00:00:00.0006Z", ends_at: "2090-01-01T00:00:00.0009Z" }],
  ["starts_at", { starts_at: "2090-06-05T09:00:00", ends_at: "2090-06-06T09:00:00Z" }],
  ["starts_at", { starts_at: undefined }],
  ["existing", { existing: "move" }],
])("POST returns 400 on %s for %j", async (field, fields) => {
  expect(await post(account, await postDoctor(account), fields)).toEqual(fieldProblem(field));
});

test("an absence of 366 days is 201", async () => {
  const year = { starts_at: "2090-01-01T00:00:00Z", ends_at: "2091-01-02T00:00:00Z" };
  expect((await post(account, await postDoctor(account), year)).status).toBe(201);
});

test("the same idempotency key creates one absence, however the moments are written, and none after it was deleted", async () => {
  const [doctor, key] = [await postDoctor(account), uniqueName("key-")];
  const [starts_at, ends_at] = ["2090-06-05T09:00:00Z", "2090-06-06T09:00:00Z"];
  const first = await post(account, doctor, { starts_at, ends_at }, key);
  const again = await post(account, doctor, { starts_at: "2090-06-05T11:00:00.000+02:00", ends_at }, key);
  expect([again.status, again.body, again.headers.get("Idempotency-Replayed")]).toEqual([
    ...[201, first.body, "true"],
  ]);
  expect(await auditEventsOf(again)).toMatchObject([{ action: "replay", outcome: "done" }]);
  expect((await account.get(absencesPath(doctor))).body).toHaveLength(1);
  expect((await post(account, doctor, { starts_at, ends_at, existing: "keep" }, key)).status).toBe(422);
  await account.delete(`/api/absences/${first.body.id}/`);
  expect((await post(account, doctor, { starts_at, ends_at }, key)).body.code).toBe("replay_unreadable");
});

describe("over booked appointments", () => {
  /** A doctor of `account` with one appointment in its clinic and one in another one. */
  async function sharedDoctor() {
    const { patient, doctor } = await assignedPair(account);
    const other = await newAccount();
    const othersPatient = await postPatient(other);
    await assignDoctor(other, { patient: othersPatient, doctor });
    const own = await insertAppointment(patient, doctor);
    const others = await insertAppointment(othersPatient, doctor, { hours: 25 });
    return { doctor, patient, othersPatient, other, own, others };
  }

  test("refuse, which is usual, is 409 with the ids that the caller may see and the number of the others", async () => {
    const { doctor, own } = await sharedDoctor();
    const refused = await post(account, doctor);
    expect(refused).toEqual(
      problem(409, expect.stringContaining('"existing"'), "open_appointments", {
        ...{ appointments: [own], others: 1 },
      }),
    );
    expect((await account.get(absencesPath(doctor))).body).toEqual([]);
    expect((await storedAppointment(own))?.["status"]).toBe("booked");
    expect(await auditEventsOf(refused)).toMatchObject([
      { action: "absence", outcome: "refused", doctor_id: doctor.id, patients: null, changes: null },
    ]);
  });

  test("only those that are booked and in its time are in the way", async () => {
    const { patient, doctor } = await assignedPair(account);
    await insertAppointment(patient, doctor, { hours: 36 });
    await insertAppointment(patient, doctor, { hours: 24, status: "cancelled" });
    await insertAppointment(patient, doctor, { hours: 25, status: "arrived" });
    expect((await post(account, doctor)).status).toBe(201);
  });

  test("keep leaves them as they are", async () => {
    const { doctor, own } = await sharedDoctor();
    const answer = await post(account, doctor, { existing: "keep" });
    expect([answer.status, (await storedAppointment(own))?.["status"]]).toEqual([201, "booked"]);
    const [event] = await auditEventsOf(answer);
    expect(event).toMatchObject({
      ...{ action: "absence", outcome: "done", doctor_id: doctor.id, patients: null },
      changes: { starts_at: { before: null, after: tomorrow.starts_at } },
    });
    expect(event?.["changes"]).not.toHaveProperty("appointments");
  });

  test("cancel by the doctor's own account or an admin cancels all, audited with the patients", async () => {
    const [own, admin] = [await newAccount(), await newAccount(undefined, "admin")];
    for (const caller of [own, admin]) {
      const { doctor, patient, othersPatient, ...ids } = await sharedDoctor();
      await linkDoctor(own, doctor);
      const answer = await post(caller, doctor, { existing: "cancel" });
      expect(answer.status).toBe(201);
      for (const id of [ids.own, ids.others])
        expect(await storedAppointment(id)).toMatchObject({
          ...{ status: "cancelled", cancel_reason: "The doctor is absent.", version: 2 },
        });
      expect(await auditEventsOf(answer)).toMatchObject([
        {
          ...{ action: "absence", outcome: "done", doctor_id: doctor.id },
          patients: [patient.id, othersPatient.id],
          changes: { appointments: { before: [ids.own, ids.others], after: [] } },
        },
      ]);
    }
  });

  test("cancel by the account that created the doctor is 403 when one is of another clinic, and nothing is done", async () => {
    const { doctor, own, others } = await sharedDoctor();
    const refused = await post(account, doctor, { existing: "cancel" });
    expect(refused).toEqual(problem(403, expect.any(String), "not_appointment_owner"));
    for (const id of [own, others]) expect((await storedAppointment(id))?.["status"]).toBe("booked");
    expect((await account.get(absencesPath(doctor))).body).toEqual([]);
    expect(await auditEventsOf(refused)).toMatchObject([{ action: "absence", outcome: "refused" }]);
  });

  test("cancel also cancels those of a clinic that the caller manages, in whichever clinic its session works", async () => {
    const creator = await newAccount();
    const { doctor } = await assignedPair(creator);
    const clinic = await newClinic();
    const manager = await newMember(creator.api, clinic, "manager");
    const patient = await postPatient(manager);
    await assignDoctor(manager, { patient, doctor });
    const id = await insertAppointment(patient, doctor);
    expect((await post(creator, doctor, { existing: "cancel" })).status).toBe(403);
    await addMember(clinic, creator, "manager");
    expect((await post(creator, doctor, { existing: "cancel" })).status).toBe(201);
    expect((await storedAppointment(id))?.["status"]).toBe("cancelled");
  });

  test("cancel of one's own clinic's needs a clerk", async () => {
    const clinic = await newClinic();
    const manager = await newMember(account.api, clinic, "manager");
    for (const [role, status] of [
      ["clerk", 201],
      ["reader", 403],
    ] as const) {
      const caller = await newMember(account.api, clinic, role);
      const [patient, doctor] = [await postPatient(manager), await postDoctor(caller)];
      await assignDoctor(manager, { patient, doctor });
      await insertAppointment(patient, doctor);
      expect([role, (await post(caller, doctor, { existing: "cancel" })).status]).toEqual([role, status]);
    }
  });
});

test("POST and DELETE are for the account that created the doctor, the doctor's own account and admins", async () => {
  const doctor = await postDoctor(account);
  const [own, admin, other] = [await newAccount(), await newAccount(undefined, "admin"), await newAccount()];
  await linkDoctor(own, doctor);
  const { id } = await postAbsence(account, doctor, tomorrow);
  const refused = await other.delete(`/api/absences/${id}/`);
  expect(refused).toEqual(problem(403, expect.any(String), "not_doctor_creator"));
  expect(await auditEventsOf(refused)).toMatchObject([
    { action: "absence", outcome: "refused", doctor_id: doctor.id },
  ]);
  expect((await post(other, doctor)).body.code).toBe("not_doctor_creator");
  for (const caller of [own, admin]) {
    const { body } = await post(caller, doctor);
    const deleted = await caller.delete(`/api/absences/${body.id}/`);
    expect(deleted.status).toBe(204);
    expect(await auditEventsOf(deleted)).toMatchObject([
      {
        ...{ action: "absence", outcome: "done", doctor_id: doctor.id },
        changes: { starts_at: { before: tomorrow.starts_at, after: null } },
      },
    ]);
  }
});
