import { expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import type { ApiResponse } from "../support/api.ts";
import { holdLock } from "../support/held-lock.ts";
import { asOwner } from "../support/owner.ts";
import { patientPath, postMerge, postRestore, postTransfer, postUnmerge } from "../support/ownership.ts";
import { insertRecords } from "../support/pages.ts";
import { atOnce, CROWD, connectWithoutLimits, onceReleased, raceBehind, tally } from "../support/races.ts";
import { assignDoctor, postPatient } from "../support/resources.ts";

const api = connectWithoutLimits();
const admin = await newAccount(api, "admin");
const pathOf = ({ id }: { id: number }) => `/api/mappings/${id}/`;

/** An account's patient with as many doctors as a race has requests, and doctors who are not assigned. */
async function patientWithDoctors() {
  const account = await newAccount(api);
  const patient = await postPatient(account);
  const doctors = await insertRecords("doctors", account, 2 * CROWD);
  const assignments: { id: number }[] = [];
  for (const id of doctors.slice(0, CROWD))
    assignments.push(await assignDoctor(account, { patient, doctor: { id } }));
  return { account, patient, assignments, free: doctors.slice(CROWD) };
}
const primaryOf = ({ id }: { id: number }) =>
  asOwner`SELECT id FROM mappings WHERE patient_id = ${id} AND is_primary`;

test(`of ${CROWD} assignments of one patient that become primary at once, by PATCH and POST, all succeed and one is primary`, async () => {
  const { account, patient, assignments, free } = await patientWithDoctors();
  const send = () =>
    atOnce<ApiResponse>(CROWD, (index) =>
      index % 2
        ? account.patch(pathOf(assignments[index] as { id: number }), { primary: true })
        : account.post("/api/mappings/", { patient: patient.id, doctor: free[index], primary: true }),
    );
  const answers = await onceReleased("patients", account, send, CROWD);
  expect(tally(answers)).toEqual({ 200: CROWD / 2, 201: CROWD / 2 });
  const [primary, ...others] = await primaryOf(patient);
  expect([answers.map(({ body }) => body.id).includes(primary?.["id"]), others]).toEqual([true, []]);
});

test("of two changes of one assignment with the same If-Match at once, one is 200 and the other 412", async () => {
  const account = await newAccount(api);
  const assignment = await assignDoctor(account);
  const send = () =>
    atOnce(CROWD, () =>
      account.patch(pathOf(assignment), { primary: true }, { headers: { "If-Match": '"1"' } }),
    );
  const answers = await onceReleased("patients", account, send, CROWD);
  expect(tally(answers)).toEqual({ 200: 1, 412: CROWD - 1 });
});

test("an assignment that is ended by many at once has ended once, and may be assigned again meanwhile", async () => {
  const account = await newAccount(api);
  const { patient, doctor, ...assignment } = await assignDoctor(account);
  const send = () =>
    atOnce<ApiResponse>(CROWD, (index) =>
      index % 2 ? account.delete(pathOf(assignment)) : account.post("/api/mappings/", { patient, doctor }),
    );
  const answers = await onceReleased("patients", account, send, CROWD / 2);
  const ends = tally(answers.filter((_, index) => index % 2));
  expect(ends).toEqual({ 204: 1, 404: CROWD / 2 - 1 });
  expect(await asOwner`SELECT id FROM ended_assignments WHERE patient_id = ${patient}`).toEqual([
    { id: assignment.id },
  ]);
});

test("assignments that change, end and begin while their patient is deleted, restored and transferred deadlock with none of it", async () => {
  const { account, patient, assignments, free } = await patientWithDoctors();
  const other = await newAccount(api);
  const actions = [
    (index: number) => account.patch(pathOf(assignments[index] as { id: number }), { primary: true }),
    (index: number) => account.delete(pathOf(assignments[index] as { id: number })),
    (index: number) =>
      account.post("/api/mappings/", { patient: patient.id, doctor: free[index], primary: true }),
    () => account.delete(patientPath(patient)),
    () => postRestore(account, patient),
    (index: number) => postTransfer(admin, patient, index % 2 ? other : account),
  ];
  const send = () =>
    atOnce<ApiResponse>(CROWD, (index) =>
      (actions[index % actions.length] as (index: number) => Promise<ApiResponse>)(index),
    );
  const answers = await onceReleased("patients", account, send, CROWD);
  // 400: the patient that a doctor is assigned to has another owner now.
  expect(["200", "201", "204", "400", "404"]).toEqual(expect.arrayContaining(Object.keys(tally(answers))));
  expect((await primaryOf(patient)).length).toBeLessThanOrEqual(1);
  await postRestore(admin, patient);
  const owners = await asOwner`
    SELECT DISTINCT m.owner_id = p.owner_id AS same FROM patients p
      JOIN (SELECT patient_id, owner_id FROM mappings UNION ALL SELECT patient_id, owner_id FROM ended_assignments) m ON m.patient_id = p.id
    WHERE p.id = ${patient.id}`;
  expect(owners).toEqual([{ same: true }]);
});

test.each([
  ["PATCH", { status: 200, body: { primary: true } }],
  ["DELETE", { status: 204 }],
])("a %s that waits for a merge changes the assignment of the survivor", async (method, expected) => {
  const account = await newAccount(api);
  const [card, survivor] = [await postPatient(account), await postPatient(account)];
  const assignment = await assignDoctor(account, { patient: card });
  const lock = await holdLock("SELECT FROM mappings WHERE id = $1 FOR UPDATE", [assignment.id]);
  const answers = [postMerge(account, card, survivor)];
  await lock.waiters(1);
  answers.push(
    account.request(method, pathOf(assignment), method === "PATCH" ? { primary: true } : undefined),
  );
  await raceBehind(lock, 2, () => Promise.all(answers));
  expect(await answers[0]).toMatchObject({ status: 200 });
  expect(await answers[1]).toMatchObject(expected);
  const table = method === "PATCH" ? "mappings" : "ended_assignments";
  const rows =
    table === "mappings"
      ? await asOwner`SELECT patient_id FROM mappings WHERE id = ${assignment.id}`
      : await asOwner`SELECT patient_id FROM ended_assignments WHERE id = ${assignment.id}`;
  expect(rows).toEqual([{ patient_id: survivor.id }]);
  expect((await postUnmerge(account, card)).status).toBe(200);
});
