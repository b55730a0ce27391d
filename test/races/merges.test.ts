import { expect, test } from "vitest";
import { newAccount, type TestAccount } from "../support/accounts.ts";
import type { ApiResponse } from "../support/api.ts";
import { holdLock } from "../support/held-lock.ts";
import { asOwner } from "../support/owner.ts";
import {
  patientPath,
  patientsOf,
  postErase,
  postMerge,
  postRestore,
  postTransfer,
  postUnmerge,
  REASON,
} from "../support/ownership.ts";
import { fieldProblem, problem } from "../support/problems.ts";
import { atOnce, CROWD, connectWithoutLimits, lockRecords, onceReleased, tally } from "../support/races.ts";
import { assignDoctor, newPatient, postDoctor, postPatient } from "../support/resources.ts";

const api = connectWithoutLimits();
const admin = await newAccount(api, "admin");

type Send = () => Promise<ApiResponse>;

async function twoPatients() {
  const account = await newAccount(api);
  return { account, one: await postPatient(account), two: await postPatient(account) };
}

/**
 * Sends two requests that wait for the account's patients, one after the other, and then lets them go. The first one goes
 * first. Of more than two, PostgreSQL keeps no order between those behind the first.
 */
async function inOrder(account: TestAccount, ...sends: [Send, Send]) {
  const lock = await lockRecords("patients", account);
  const answers: Promise<ApiResponse>[] = [];
  for (const send of sends) {
    answers.push(send());
    await lock.waiters(answers.length);
  }
  await lock.release();
  return Promise.all(answers);
}

/** Merges a patient, and sends the other requests when the merge has locked both patients and waits for an assignment. */
async function whileMerging(
  { account, one, two }: Awaited<ReturnType<typeof twoPatients>>,
  body: object,
  ...sends: Send[]
) {
  await assignDoctor(account, { patient: one });
  const lock = await holdLock("SELECT FROM mappings WHERE patient_id = $1 FOR UPDATE", [one.id]);
  const answers: Promise<ApiResponse>[] = [];
  for (const send of [() => postMerge(account, one, two, body), ...sends]) {
    answers.push(send());
    await lock.waiters(answers.length);
  }
  await lock.release();
  return Promise.all(answers);
}

test("of two patients that are merged into each other at once one survives, and no request deadlocks", async () => {
  const { account, one, two } = await twoPatients();
  const send = () =>
    atOnce(CROWD, (index) => (index % 2 ? postMerge(account, one, two) : postMerge(account, two, one)));
  const answers = await onceReleased("patients", account, send, CROWD);
  // The others merge what is merged already, or into it.
  expect(tally(answers)).toEqual({ 200: 1, 400: CROWD / 2, 410: CROWD / 2 - 1 });
  expect(await patientsOf(account)).toHaveLength(1);
});

test("of a patient that is merged into two others at once one gets its fields and assignments", async () => {
  const account = await newAccount(api);
  const { patient } = await assignDoctor(account);
  const survivors = [await postPatient(account), await postPatient(account)] as const;
  const answers = await onceReleased("patients", account, () =>
    Promise.all(survivors.map((into) => postMerge(account, { id: patient }, into, { take: ["email"] }))),
  );
  expect(tally(answers)).toEqual({ 200: 1, 410: 1 });
  const { body } = await account.get("/api/mappings/");
  const winner = answers.find(({ status }) => status === 200)?.body;
  expect(body).toMatchObject([{ patient: { id: winner.id } }]);
});

test("a merge that waits for a change takes the changed value", async () => {
  const { account, one, two } = await twoPatients();
  const [changed, merged] = await inOrder(
    account,
    () => account.patch(patientPath(one), { age: 40 }),
    () => postMerge(account, one, two, { take: ["age"] }),
  );
  expect(changed?.status).toBe(200);
  expect(merged).toMatchObject({ status: 200, body: { age: 40 } });
});

test("a change that waits for a merge is 410 with the survivor", async () => {
  const pair = await twoPatients();
  const [merged, late] = await whileMerging(pair, {}, () =>
    pair.account.patch(patientPath(pair.one), { age: 41 }),
  );
  expect(merged?.status).toBe(200);
  expect(late).toMatchObject({ status: 410, body: { successor: pair.two.id } });
});

test("a change of the survivor that waits for a merge keeps what the merge took", async () => {
  const pair = await twoPatients();
  const [merged, changed] = await whileMerging(pair, { take: ["email"] }, () =>
    pair.account.patch(patientPath(pair.two), { age: 41 }),
  );
  expect(merged?.status).toBe(200);
  expect(changed?.body).toMatchObject({ email: pair.one.email, age: 41, version: 3 });
});

test("a merge that waits for a deletion is 404, or 400 when the survivor is deleted; the other way round the survivor is deleted", async () => {
  const first = await twoPatients();
  const merge =
    ({ account, one, two }: typeof first) =>
    () =>
      postMerge(account, one, two);
  const remove =
    ({ account }: typeof first, patient: { id: number }) =>
    () =>
      account.delete(patientPath(patient));
  expect((await inOrder(first.account, remove(first, first.one), merge(first)))[1]).toEqual(problem(404));
  const second = await twoPatients();
  const lock = await holdLock("SELECT FROM patients WHERE id = $1 FOR UPDATE", [second.two.id]);
  const deletion = remove(second, second.two)();
  await lock.waiters(1);
  const refusedMerge = merge(second)();
  await lock.waiters(2);
  await lock.release();
  expect([(await deletion).status, await refusedMerge]).toEqual([204, fieldProblem("into")]);
  const third = await twoPatients();
  const answers = await whileMerging(third, {}, remove(third, third.two), remove(third, third.one));
  expect(answers.map(({ status }) => status).slice(0, 2)).toEqual([200, 204]);
  // Its survivor may be deleted already.
  expect([404, 410]).toContain(answers[2]?.status);
  expect((await postRestore(third.account, third.two)).status).toBe(200);
});

test("a merge that waits for a transfer is 404, and a transfer that waits for a merge takes the survivor with both assignments", async () => {
  const to = await newAccount(api);
  const first = await twoPatients();
  const [, refused] = await inOrder(
    first.account,
    () => postTransfer(admin, first.one, to),
    () => postMerge(first.account, first.one, first.two),
  );
  expect(refused).toEqual(problem(404));
  const pair = await twoPatients();
  await assignDoctor(pair.account, { patient: pair.two });
  const answers = await whileMerging(
    pair,
    {},
    () => postTransfer(admin, pair.two, to),
    () => postTransfer(admin, pair.one, to),
  );
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 410]);
  expect((await to.get("/api/mappings/")).body).toHaveLength(2);
});

test("merges at once with transfers of all patients do not deadlock, and each patient is in one place", async () => {
  const [account, to] = [await newAccount(api), await newAccount(api)];
  const patients: { id: number }[] = [];
  for (let n = 0; n < CROWD; n++) patients.push(await postPatient(account));
  const transferAll = () =>
    admin.post("/api/patients/transfer/", { from: account.id, to: to.id, reason: REASON });
  const send = () =>
    atOnce(CROWD / 2, (index) => {
      const [one, two] = [patients[CROWD - 1 - index], patients[index]] as [{ id: number }, { id: number }];
      return index % 4 === 3 ? transferAll() : postMerge(account, one, two);
    });
  const answers = await onceReleased("patients", account, send, 1);
  expect(
    Object.keys(tally(answers)).filter((status) => !["200", "400", "404", "410"].includes(status)),
  ).toEqual([]);
  const merges = answers.filter(({ status, body }) => status === 200 && body.id).length;
  expect([...(await patientsOf(account)), ...(await patientsOf(to))]).toHaveLength(CROWD - merges);
});

test("an assignment that is made while a merge waits for the patient moves with it", async () => {
  const { account, one, two } = await twoPatients();
  const doctor = await postDoctor(account);
  // The foreign key of the new assignment locks the patient until the assignment is committed.
  const lock = await holdLock("INSERT INTO mappings (patient_id, owner_id, doctor_id) VALUES ($1, $2, $3)", [
    one.id,
    account.id,
    doctor.id,
  ]);
  const merge = postMerge(account, one, two);
  await lock.waiters(1);
  await lock.release();
  expect((await merge).status).toBe(200);
  expect((await account.get("/api/mappings/")).body).toMatchObject([{ patient: { id: two.id } }]);
});

test("an assignment of a patient that waits for its merge is 400", async () => {
  const { account, one, two } = await twoPatients();
  const { id: doctor } = await postDoctor(account);
  const [merge, assignment] = await inOrder(
    account,
    () => postMerge(account, one, two),
    () => account.post("/api/mappings/", { patient: one.id, doctor }),
  );
  expect(merge?.status).toBe(200);
  expect(assignment).toEqual(fieldProblem("patient"));
});

test("a merge by an account that is disabled while it waits is 401 and changes nothing", async () => {
  const { account, one, two } = await twoPatients();
  const lock = await lockRecords("patients", account);
  const merge = postMerge(account, one, two);
  await lock.waiters(1);
  await asOwner`UPDATE users SET active = false WHERE id = ${account.id}`;
  await lock.release();
  expect(await merge).toEqual(problem(401));
  expect(await asOwner`SELECT FROM patients WHERE owner_id = ${account.id} AND version = 1`).toHaveLength(2);
});

test("of two requests at once that undo a merge one is 200 and the other 409, and both patients are there", async () => {
  const { account, one, two } = await twoPatients();
  await postMerge(account, one, two);
  const answers = await onceReleased("patients", account, () =>
    Promise.all([postUnmerge(account, one), postUnmerge(account, one)]),
  );
  expect(tally(answers)).toEqual({ 200: 1, 409: 1 });
  expect(await patientsOf(account)).toEqual([one.id, two.id]);
});

test("an email that another patient gets while a merge is undone stays away", async () => {
  const { account, one, two } = await twoPatients();
  await postMerge(account, one, two);
  // The third patient is committed while the statement waits at the unique index.
  const { firstname, lastname, email } = newPatient({ email: one.email });
  const lock = await holdLock(
    "INSERT INTO patients (firstname, lastname, email, age, gender, created_by, owner_id) VALUES ($1, $2, $3, 1, 'F', $4, $4)",
    [firstname, lastname, email, account.id],
  );
  const undone = postUnmerge(account, one);
  await lock.waiters(1);
  await lock.release();
  expect((await undone).body).toEqual({ restored: [], kept: [{ field: "email", why: "in_use" }] });
});

test("an erasure and the undoing of a merge that wait for the survivor's deletion do not deadlock: 200 and 404", async () => {
  const { account, one, two } = await twoPatients();
  await postMerge(account, one, two);
  const lock = await holdLock("SELECT FROM patients WHERE id = $1 FOR UPDATE", [two.id]);
  const answers: Promise<ApiResponse>[] = [];
  for (const send of [
    () => account.delete(patientPath(two)),
    () => postUnmerge(account, one),
    () => postErase(admin, two),
  ]) {
    answers.push(send());
    await lock.waiters(answers.length);
  }
  await lock.release();
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([204, 404, 200]);
});
