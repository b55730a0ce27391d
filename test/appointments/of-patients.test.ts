import { expect, test } from "vitest";
import { endOfTransactions, readAll, readChanges } from "../changes/feed.ts";
import { newMark } from "../pii-leaks/marks.ts";
import { newAccount } from "../support/accounts.ts";
import {
  assignedPair,
  bookablePair,
  hoursFromNow,
  insertAppointment,
  storedAppointment,
} from "../support/appointments.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { asOwner } from "../support/owner.ts";
import {
  patientPath,
  postErase,
  postMerge,
  postRestore,
  postTransfer,
  postUnmerge,
} from "../support/ownership.ts";
import { problem } from "../support/problems.ts";
import { assignDoctor, postDoctor, postPatient } from "../support/resources.ts";
import { searchTables } from "../support/search-tables.ts";

// What becomes of the appointments of a patient who is deleted, restored, transferred, merged or erased.

test("DELETE of a patient cancels its open appointments and no others; restored, they come back as cancelled", async () => {
  const account = await newAccount();
  const { patient, doctor } = await assignedPair(account);
  const booked = await insertAppointment(patient, doctor);
  const arrived = await insertAppointment(patient, doctor, { hours: -1, status: "arrived" });
  const fulfilled = await insertAppointment(patient, doctor, { hours: -24, status: "fulfilled" });
  const answer = await account.delete(patientPath(patient));
  expect(answer.status).toBe(204);
  for (const id of [booked, arrived])
    expect(await storedAppointment(id)).toMatchObject({
      ...{ status: "cancelled", cancel_reason: "The patient was deleted.", owner_id: null, version: 2 },
    });
  expect(await storedAppointment(fulfilled)).toMatchObject({
    status: "fulfilled",
    owner_id: null,
    version: 1,
  });
  expect(await auditEventsOf(answer)).toMatchObject([
    { action: "delete", changes: { appointments: { before: [booked, arrived], after: [] } } },
  ]);
  await postRestore(account, patient);
  expect(await storedAppointment(booked)).toMatchObject({ status: "cancelled", owner_id: account.id });
  expect(await storedAppointment(fulfilled)).toMatchObject({ status: "fulfilled", owner_id: account.id });
});

test("a transferred patient takes its appointments along, and the change feeds of both owners say so", async () => {
  const [admin, from, to] = [await newAccount(undefined, "admin"), await newAccount(), await newAccount()];
  const { patient, doctor } = await assignedPair(from);
  const id = await insertAppointment(patient, doctor);
  const [before, after] = [await readAll(from), await readAll(to)];
  expect(before.changes).toContainEqual({ kind: "appointment", id, version: 1 });
  await postTransfer(admin, patient, to);
  expect(await storedAppointment(id)).toMatchObject({ owner_id: to.id, status: "booked" });
  await endOfTransactions();
  const entries = (page: { changes: { kind: string }[] }) =>
    page.changes.filter(({ kind }) => kind === "appointment");
  expect(entries(await readChanges(from, before.cursor))).toEqual([
    { kind: "appointment", id, version: 1, deleted: true },
  ]);
  expect(entries(await readChanges(to, after.cursor))).toEqual([{ kind: "appointment", id, version: 1 }]);
});

test("a merge moves the appointments to the survivor, and unmerge moves them back", async () => {
  const account = await newAccount();
  const { patient, doctor } = await assignedPair(account);
  const survivor = await postPatient(account);
  await assignDoctor(account, { patient: survivor, doctor });
  const moved = await insertAppointment(patient, doctor);
  const own = await insertAppointment(survivor, doctor, { hours: 30 });
  const read = async () => (await account.get(`/api/appointments/${moved}/`)).body;
  const before = await read();
  expect((await postMerge(account, patient, survivor)).status).toBe(200);
  const merged = await read();
  expect(merged).toMatchObject({ patient: survivor.id, status: "booked", version: 2 });
  expect((await postUnmerge(account, patient)).status).toBe(200);
  const returned = await read();
  expect(returned).toMatchObject({ patient: patient.id, status: "booked", version: 3 });
  const times = [before, merged, returned].map(({ updated_at }) => updated_at);
  expect(new Set(times).size).toBe(3);
  expect(times).toEqual(times.toSorted());
  expect(await storedAppointment(own)).toMatchObject({ patient_id: survivor.id, version: 1 });
});

test("two patients with open appointments at the same time are not merged: 409 with both ids; past ones do not matter", async () => {
  const account = await newAccount();
  const { patient, doctor } = await assignedPair(account);
  const { patient: survivor, doctor: other } = await assignedPair(account);
  await insertAppointment(patient, doctor, { hours: -24, status: "fulfilled" });
  await insertAppointment(survivor, other, { hours: -24, status: "no_show" });
  const ids = [await insertAppointment(patient, doctor), await insertAppointment(survivor, other)];
  const refused = await postMerge(account, patient, survivor);
  expect(refused).toEqual(problem(409, expect.any(String), "appointments_overlap", { appointments: ids }));
  expect(await storedAppointment(ids[0] as number)).toMatchObject({ patient_id: patient.id, version: 1 });
});

test("unmerge returns 409 while the survivor has an appointment that needs an assignment of the merged patient", async () => {
  const account = await newAccount();
  const { patient, doctor } = await assignedPair(account);
  const survivor = await postPatient(account);
  await postMerge(account, patient, survivor);
  await insertAppointment(survivor, doctor);
  expect(await postUnmerge(account, patient)).toEqual(problem(409, expect.any(String), "open_appointments"));
});

test("unmerge returns 409 while an appointment of the merged patient is with a doctor of the survivor only", async () => {
  const account = await newAccount();
  const { patient, doctor } = await assignedPair(account);
  const survivor = await postPatient(account);
  const { doctor: other } = await assignDoctor(account, { patient: survivor });
  const id = await insertAppointment(patient, doctor);
  await postMerge(account, patient, survivor);
  await asOwner`UPDATE appointments SET doctor_id = ${other} WHERE id = ${id}`;
  expect(await postUnmerge(account, patient)).toEqual(problem(409, expect.any(String), "open_appointments"));
  expect(await storedAppointment(id)).toMatchObject({ patient_id: survivor.id, status: "booked" });
  await asOwner`UPDATE appointments SET status = 'cancelled' WHERE id = ${id}`;
  expect((await postUnmerge(account, patient)).status).toBe(200);
  expect(await storedAppointment(id)).toMatchObject({ patient_id: patient.id });
});

test("an erased patient's appointments are removed, and counted; of their texts only an override_reason stays, in the audit log", async () => {
  const [account, admin] = [await newAccount(), await newAccount(undefined, "admin")];
  const { patient, doctor } = await bookablePair(account, { week: "{}" });
  const [note, override_reason, cancel_reason] = [newMark(), newMark(), newMark()];
  const body = { patient: patient.id, doctor: doctor.id, starts_at: hoursFromNow(24), note, override_reason };
  const headers = { "Idempotency-Key": newMark() };
  const booked = await account.post("/api/appointments/", body, { headers });
  expect(booked.status).toBe(201);
  const path = `/api/appointments/${booked.body.id}/`;
  expect((await account.patch(path, { status: "cancelled", cancel_reason })).status).toBe(200);
  await account.delete(patientPath(patient));
  expect((await postErase(admin, patient)).body).toMatchObject({
    removed: { patients: 1, appointments: 1, stored_responses: 1 },
  });
  expect(await storedAppointment(booked.body.id)).toBeUndefined();
  for (const text of [note, cancel_reason]) expect(await searchTables(text)).toEqual({});
  expect(await searchTables(override_reason)).toEqual({ audit_events: 1 });
  expect(await auditEventsOf(booked)).toMatchObject([{ action: "book", reason: override_reason }]);
});

test("an assignment with open appointments does not end: 409 with their ids; with others it does", async () => {
  const [account, admin] = [await newAccount(), await newAccount(undefined, "admin")];
  const { patient, doctor, assignment } = await assignedPair(account);
  const id = await insertAppointment(patient, doctor);
  await insertAppointment(patient, doctor, { hours: -24, status: "no_show" });
  const path = `/api/mappings/${assignment.id}/`;
  const refused = await account.delete(path);
  expect(refused).toEqual(
    problem(409, expect.any(String), "open_appointments", { appointments: [id], others: 0 }),
  );
  expect(await auditEventsOf(refused)).toMatchObject([{ action: "unassign", outcome: "refused" }]);
  // An admin sees no appointments of others' patients.
  expect(await admin.delete(path)).toEqual(
    problem(409, expect.any(String), "open_appointments", { appointments: [], others: 1 }),
  );
  await account.delete(patientPath(patient));
  await postRestore(account, patient);
  expect((await account.delete(path)).status).toBe(204);
});

test("a doctor who ever had an appointment is not deleted", async () => {
  const account = await newAccount();
  const { patient, doctor, assignment } = await assignedPair(account);
  await insertAppointment(patient, doctor, { status: "cancelled" });
  await account.delete(`/api/mappings/${assignment.id}/`);
  expect(await account.delete(`/api/doctors/${doctor.id}/`)).toEqual(
    problem(409, expect.any(String), "doctor_has_appointments"),
  );
  const unused = await postDoctor(account);
  expect((await account.delete(`/api/doctors/${unused.id}/`)).status).toBe(204);
});

test("a reassignment returns 409 with the open appointments, and cancels them when asked", async () => {
  const account = await newAccount();
  const { patient, doctor } = await assignedPair(account);
  const to = await postDoctor(account);
  const id = await insertAppointment(patient, doctor);
  const path = `/api/doctors/${doctor.id}/reassign/`;
  const refused = await account.post(path, { to: to.id });
  expect(refused).toEqual(
    problem(409, expect.any(String), "open_appointments", { appointments: [id], others: 0 }),
  );
  const answer = await account.post(path, { to: to.id, appointments: "cancel" });
  expect(answer.body).toEqual({ reassigned: 1, already: 0, cancelled: 1, more: false });
  expect(await storedAppointment(id)).toMatchObject({
    status: "cancelled",
    cancel_reason: "The doctor has left.",
  });
  const events = await auditEventsOf(answer);
  expect(events.find(({ action }) => action === "cancel")).toMatchObject({
    ...{
      patients: [patient.id],
      doctor_id: doctor.id,
      changes: { appointments: { before: [id], after: [] } },
    },
  });
});

test("an appointment that was missed is not open again when a merge has brought another one at that time: 409 not_bookable", async () => {
  const account = await newAccount();
  const { patient, doctor } = await assignedPair(account);
  const { patient: survivor, doctor: other } = await assignedPair(account);
  const missed = await insertAppointment(patient, doctor, { hours: -1, status: "no_show" });
  await insertAppointment(survivor, other, { hours: -1, status: "arrived" });
  expect((await postMerge(account, patient, survivor)).status).toBe(200);
  const answer = await account.patch(`/api/appointments/${missed}/`, { status: "arrived" });
  expect(answer).toEqual(problem(409, expect.any(String), "not_bookable"));
});
