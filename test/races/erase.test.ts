import { expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { holdLock } from "../support/held-lock.ts";
import { asOwner } from "../support/owner.ts";
import { patientPath, postEmergencyAccess, postErase, postRestore } from "../support/ownership.ts";
import { fieldProblem } from "../support/problems.ts";
import { connectWithoutLimits, lockRecords, onceReleased, raceBehind, tally } from "../support/races.ts";
import { postDoctor, postPatient } from "../support/resources.ts";

const api = connectWithoutLimits();
const admin = await newAccount(api, "admin");

async function deletedPatient() {
  const account = await newAccount(api);
  const patient = await postPatient(account);
  await account.delete(patientPath(patient));
  return { account, patient };
}
/** The patient's row, and how many of its audit events have values. */
const stateOf = ({ id }: { id: number }) => asOwner`
  SELECT (SELECT count(*)::int FROM patients WHERE id = ${id}) AS patients,
    (SELECT count(*)::int FROM audit_events WHERE patient_id = ${id} AND changes IS NOT NULL) AS changes`;

test("of two erasures at once one is 200 and the other 404", async () => {
  const { account, patient } = await deletedPatient();
  const answers = await onceReleased("patients", account, () =>
    Promise.all([postErase(admin, patient), postErase(admin, patient)]),
  );
  expect(tally(answers)).toEqual({ 200: 1, 404: 1 });
  expect(await stateOf(patient)).toEqual([{ patients: 0, changes: 0 }]);
});

test("an erasure that waits for a restore is 409 and removes nothing", async () => {
  const { account, patient } = await deletedPatient();
  const lock = await lockRecords("patients", account);
  const restore = postRestore(account, patient);
  await lock.waiters(1);
  const erasure = postErase(admin, patient);
  await lock.waiters(2);
  await lock.release();
  expect([(await restore).status, (await erasure).status]).toEqual([200, 409]);
  expect(await stateOf(patient)).toEqual([{ patients: 1, changes: 1 }]);
});

test("a restore that waits for an erasure is 404", async () => {
  const { account, patient } = await deletedPatient();
  const lock = await lockRecords("patients", account);
  const erasure = postErase(admin, patient);
  await lock.waiters(1);
  const restore = postRestore(account, patient);
  await lock.waiters(2);
  await lock.release();
  expect([(await erasure).status, (await restore).status]).toEqual([200, 404]);
  expect(await stateOf(patient)).toEqual([{ patients: 0, changes: 0 }]);
});

test("an erasure removes the values of a change that was committed while it waited", async () => {
  const { account, patient } = await deletedPatient();
  await postRestore(account, patient);
  const lock = await lockRecords("patients", account);
  const change = account.patch(patientPath(patient), { lastname: "Byron" });
  await lock.waiters(1);
  const deletion = account.delete(patientPath(patient));
  await lock.waiters(2);
  const erasure = postErase(admin, patient);
  await lock.waiters(3);
  await lock.release();
  expect([(await change).status, (await deletion).status]).toEqual([200, 204]);
  // Who waits for a row that was changed meanwhile is served in any order: before the deletion, the erasure is 409.
  if ((await erasure).status === 409) expect((await postErase(admin, patient)).status).toBe(200);
  else expect((await erasure).status).toBe(200);
  expect(await stateOf(patient)).toEqual([{ patients: 0, changes: 0 }]);
});

/** A transaction that has erased a patient, and has not ended yet. */
const erasing = ({ id }: { id: number }) => holdLock("DELETE FROM patients WHERE id = $1", [id]);

test("emergency access to a patient that is erased while it waits is 404", async () => {
  const [patient, opener] = [await postPatient(await newAccount(api)), await newAccount(api, "admin")];
  const answer = await raceBehind(await erasing(patient), 1, () => postEmergencyAccess(opener, patient));
  expect(answer.status).toBe(404);
});

test("an assignment of a patient that is erased while it waits is 400 and names the patient", async () => {
  const account = await newAccount(api);
  const [patient, doctor] = [await postPatient(account), await postDoctor(account)];
  const answer = await raceBehind(await erasing(patient), 1, () =>
    account.post("/api/mappings/", { patient: patient.id, doctor: doctor.id }),
  );
  expect(answer).toEqual(fieldProblem("patient"));
});
