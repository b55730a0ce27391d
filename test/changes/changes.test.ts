import { expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { asOwner } from "../support/owner.ts";
import { newDoctorsAccount, patientPath, postRestore, postTransfer } from "../support/ownership.ts";
import { insertRecords } from "../support/pages.ts";
import { assignDoctor, postDoctor, postPatient } from "../support/resources.ts";
import {
  applyChanges,
  assignment,
  changesPath,
  deleted,
  endOfTransactions,
  patient,
  readAll,
  readChanges,
  withoutDoctors,
} from "./feed.ts";

test("without since, the feed has the account's patients and assignments and all doctors, and no others", async () => {
  const [account, other] = [await newAccount(), await newAccount()];
  const { id, patient: patientId, doctor } = await assignDoctor(account);
  await account.patch(`/api/patients/${patientId}/`, { age: 40 });
  await assignDoctor(other, { doctor: { id: doctor } });
  await account.delete(patientPath(await postPatient(account)));
  const all = await readAll(account);
  expect(withoutDoctors(all)).toEqual([patient(patientId, 2), assignment(id)]);
  const [{ count = 0 } = {}] = await asOwner`SELECT count(*)::int FROM doctors WHERE id <= ${doctor}`;
  const doctors = all.changes.filter(({ kind, id }) => kind === "doctor" && id <= doctor);
  expect(new Set(doctors.map(({ id }) => id)).size).toBe(count);
  expect(doctors.at(-1)).toEqual({ kind: "doctor", id: doctor, version: 1 });
});

test("since a cursor, the feed has what was created and changed, each once, with its version now", async () => {
  const account = await newAccount();
  const old = await postPatient(account);
  const { cursor } = await readAll(account);
  const { id } = await postPatient(account);
  await account.patch(`/api/patients/${old.id}/`, { age: 40 });
  await account.patch(`/api/patients/${old.id}/`, { age: 41 });
  const house = await postDoctor(account);
  await account.patch(`/api/doctors/${house.id}/`, { active: false });
  await endOfTransactions();
  const page = await readChanges(account, cursor);
  expect(withoutDoctors(page)).toEqual([patient(id), patient(old.id, 3)]);
  expect(page.changes).toContainEqual({ kind: "doctor", id: house.id, version: 2 });
});

test("nothing new is an empty page with Retry-After and another cursor", async () => {
  const account = await newAccount();
  await postPatient(account);
  const { cursor } = await readAll(account);
  const answer = await account.get(changesPath(cursor));
  expect(answer.body.changes).toEqual([]);
  expect(answer.headers.get("Retry-After")).toBe("10");
  await postPatient(account);
  await endOfTransactions();
  const next = await account.get(changesPath(answer.body.cursor));
  expect(next.body.changes).not.toEqual([]);
  expect(next.headers.get("Retry-After")).toBeNull();
});

test("a deleted patient leaves with its assignments, and a restored one comes back with them", async () => {
  const account = await newAccount();
  const { id, patient: patientId } = await assignDoctor(account);
  const start = await readAll(account);
  await account.delete(`/api/patients/${patientId}/`);
  const gone = await readAll(account, start.cursor);
  expect(withoutDoctors(gone)).toEqual([deleted(patient(patientId, 2)), deleted(assignment(id))]);
  await postRestore(account, { id: patientId });
  const back = await readAll(account, gone.cursor);
  expect(withoutDoctors(back)).toEqual([patient(patientId, 3), assignment(id)]);
  // A client that missed the pages between has no entry that is not true any more.
  expect(withoutDoctors(await readAll(account, start.cursor))).toEqual([
    patient(patientId, 3),
    assignment(id),
  ]);
});

test("a transferred patient leaves its old owner and comes to the new one, with its assignments, also back", async () => {
  const [from, to, admin] = [await newAccount(), await newAccount(), await newAccount(undefined, "admin")];
  const { id, patient: patientId } = await assignDoctor(from);
  const [old, fresh] = [await readAll(from), await readAll(to)];
  await postTransfer(admin, { id: patientId }, to);
  const [left, came] = [await readAll(from, old.cursor), await readAll(to, fresh.cursor)];
  expect(withoutDoctors(left)).toEqual([deleted(patient(patientId, 2)), deleted(assignment(id))]);
  expect(withoutDoctors(came)).toEqual([patient(patientId, 2), assignment(id)]);
  await to.patch(`/api/patients/${patientId}/`, { age: 40 });
  expect(withoutDoctors(await readAll(from, left.cursor))).toEqual([]);
  await postTransfer(admin, { id: patientId }, from);
  expect(withoutDoctors(await readAll(from, left.cursor))).toEqual([patient(patientId, 4), assignment(id)]);
  expect(withoutDoctors(await readAll(to, came.cursor))).toEqual([
    deleted(patient(patientId, 4)),
    deleted(assignment(id)),
  ]);
});

test("a deleted doctor and an ended assignment are deleted: true", async () => {
  const account = await newAccount();
  const { id, doctor } = await assignDoctor(account);
  const { cursor } = await readAll(account);
  await account.delete(`/api/mappings/${id}/`);
  await account.delete(`/api/doctors/${doctor}/`);
  const { changes } = await readAll(account, cursor);
  expect(changes).toContainEqual(deleted(assignment(id)));
  expect(changes).toContainEqual(deleted({ kind: "doctor", id: doctor, version: 1 }));
});

test("a changed assignment is there with its version, and so is one that is not primary any more; its patient is not", async () => {
  const owner = await newAccount();
  const { account, doctor } = await newDoctorsAccount(owner);
  const first = await assignDoctor(owner, { doctor });
  const second = await assignDoctor(owner, { patient: { id: first.patient } });
  await owner.patch(`/api/mappings/${first.id}/`, { primary: true });
  const [ofOwner, ofDoctor] = [await readAll(owner), await readAll(account)];
  await owner.patch(`/api/mappings/${second.id}/`, { primary: true });
  expect(withoutDoctors(await readAll(owner, ofOwner.cursor))).toEqual([
    assignment(first.id, 3),
    assignment(second.id, 2),
  ]);
  expect(withoutDoctors(await readAll(account, ofDoctor.cursor))).toEqual([assignment(first.id, 3)]);
});

test("the own account of a doctor gets the doctor's patients and assignments, their changes, and their end", async () => {
  const owner = await newAccount();
  const { account, doctor } = await newDoctorsAccount(owner);
  const first = await assignDoctor(owner, { doctor });
  const own = await postPatient(account);
  const start = await readAll(account);
  const of = (page: Parameters<typeof withoutDoctors>[0]) =>
    withoutDoctors(page).filter(({ id }) => ids.has(id));
  const ids = new Set([first.patient, first.id, own.id]);
  expect(of(start)).toEqual(
    [patient(first.patient), patient(own.id)].sort((a, b) => a.id - b.id).concat(assignment(first.id)),
  );
  await owner.patch(`/api/patients/${first.patient}/`, { age: 40 });
  const second = await assignDoctor(owner, { doctor });
  const changed = await readAll(account, start.cursor);
  expect(withoutDoctors(changed)).toEqual([
    patient(first.patient, 2),
    patient(second.patient),
    assignment(second.id),
  ]);
  await owner.delete(`/api/mappings/${first.id}/`);
  await owner.delete(`/api/patients/${second.patient}/`);
  await owner.patch(`/api/patients/${first.patient}/`, { age: 41 });
  const ended = await readAll(account, changed.cursor);
  expect(withoutDoctors(ended)).toEqual([
    deleted(patient(first.patient, 2)),
    deleted(assignment(first.id)),
    deleted(patient(second.patient, 2)),
    deleted(assignment(second.id)),
  ]);
});

test("pages have at most 500 entries, from the start and since a cursor, and miss none", async () => {
  const account = await newAccount();
  const ids = await insertRecords("patients", account, 1100);
  const first = await readChanges(account);
  expect(first.changes).toHaveLength(500);
  const all = await readAll(account);
  expect(all.changes.filter(({ kind }) => kind === "patient").map(({ id }) => id)).toEqual(ids);
  await asOwner`UPDATE patients SET version = 2 WHERE owner_id = ${account.id}`;
  await endOfTransactions();
  const page = await readChanges(account, all.cursor);
  expect(page.changes).toHaveLength(500);
  const copy = applyChanges(new Map(), (await readAll(account, all.cursor)).changes);
  for (const id of ids) expect(copy.get(`patient ${id}`)).toBe(2);
});

test("records that change while everything is being read are right in the end", async () => {
  const account = await newAccount();
  const ids = await insertRecords("patients", account, 600);
  const { changes, cursor } = await readChanges(account);
  const copy = applyChanges(new Map(), changes);
  await account.patch(`/api/patients/${ids[0]}/`, { age: 40 });
  await account.delete(`/api/patients/${ids[1]}/`);
  await account.delete(`/api/patients/${ids[599]}/`);
  const { id } = await postPatient(account);
  applyChanges(copy, (await readAll(account, cursor)).changes);
  const patients = [...copy].filter(([key]) => key.startsWith("patient "));
  expect(patients).toHaveLength(600 - 2 + 1);
  expect(Object.fromEntries(patients)).toMatchObject({ [`patient ${ids[0]}`]: 2, [`patient ${id}`]: 1 });
});

test("changes of the owner of the database and of old versions are in the feed too", async () => {
  const account = await newAccount();
  const { id } = await postPatient(account);
  const { cursor } = await readAll(account);
  await asOwner`UPDATE patients SET age = 40 WHERE id = ${id}`;
  expect(withoutDoctors(await readAll(account, cursor))).toEqual([patient(id)]);
});

test("a read is one database request, audited with the patients of the page", async () => {
  const account = await newAccount();
  const [kept, removed] = [await postPatient(account), await postPatient(account)];
  const { cursor } = await readAll(account);
  await account.patch(`/api/patients/${kept.id}/`, { age: 40 });
  await account.delete(`/api/patients/${removed.id}/`);
  await endOfTransactions();
  await account.api.databaseRequests();
  const answer = await account.get(changesPath(cursor));
  expect(await account.api.databaseRequests()).toBe(1);
  expect(await auditEventsOf(answer)).toMatchObject([
    { action: "list_changes", outcome: "done", patients: [kept.id, removed.id] },
  ]);
});
