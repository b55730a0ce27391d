import { expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { holdLock } from "../support/held-lock.ts";
import { newDoctorsAccount } from "../support/ownership.ts";
import { postPatient } from "../support/resources.ts";
import { patient, readAll, readChanges, withoutDoctors } from "./feed.ts";

const changePatient = (id: number) =>
  holdLock("UPDATE patients SET age = 40, version = version + 1 WHERE id = $1", [id]);

test("a change whose transaction is open while others commit and the feed is read comes after it has committed", async () => {
  const account = await newAccount();
  const { id } = await postPatient(account);
  const { cursor } = await readAll(account);
  const open = await changePatient(id);
  const other = await postPatient(account);
  let last = cursor;
  for (let reads = 0; reads < 3; reads += 1) {
    const page = await readChanges(account, last);
    expect(page.changes).toEqual([]);
    last = page.cursor;
  }
  await open.release();
  expect(withoutDoctors(await readAll(account, last))).toEqual([patient(id, 2), patient(other.id)]);
});

test("a request that waits for a row lock is in the feed after it has its lock", async () => {
  const account = await newAccount();
  const { id } = await postPatient(account);
  const { cursor } = await readAll(account);
  const lock = await holdLock("SELECT FROM patients WHERE id = $1 FOR UPDATE", [id]);
  const waiting = account.patch(`/api/patients/${id}/`, { age: 41 });
  await lock.waiters(1);
  const other = await postPatient(account);
  const before = await readChanges(account, cursor);
  await lock.release();
  expect(await waiting).toMatchObject({ status: 200 });
  const after = await readAll(account, before.cursor);
  expect([...before.changes, ...after.changes]).toEqual(
    expect.arrayContaining([patient(id, 2), patient(other.id)]),
  );
});

test("a change that is open while everything is read for the first time comes after it has committed", async () => {
  const account = await newAccount();
  const { id } = await postPatient(account);
  const open = await changePatient(id);
  const first = await readChanges(account);
  expect(first.changes).toContainEqual(patient(id));
  await open.release();
  expect(withoutDoctors(await readAll(account, first.cursor))).toContainEqual(patient(id, 2));
});

test("a patient that is assigned while another transaction changes it reaches the doctor's account with that change", async () => {
  const owner = await newAccount();
  const { account, doctor } = await newDoctorsAccount(owner);
  const { id } = await postPatient(owner);
  const { cursor } = await readAll(account);
  // Neither transaction sees what the other one does, and the older one commits first.
  const assigned = await holdLock(
    "INSERT INTO mappings (patient_id, owner_id, doctor_id) SELECT id, owner_id, $2 FROM patients WHERE id = $1",
    [id, doctor.id],
  );
  const changed = await changePatient(id);
  await assigned.release();
  const before = await readChanges(account, cursor);
  await changed.release();
  const after = await readAll(account, before.cursor);
  expect(withoutDoctors({ ...after, changes: [...before.changes, ...after.changes] })).toContainEqual(
    patient(id, 2),
  );
});
