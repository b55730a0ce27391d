import { expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import type { ApiResponse } from "../support/api.ts";
import { asOwner } from "../support/owner.ts";
import {
  deletedPatientsOf,
  patientPath,
  patientsOf,
  postRestore,
  postTransfer,
} from "../support/ownership.ts";
import { idsOf, insertRecords } from "../support/pages.ts";
import { atOnce, CROWD, connectWithoutLimits, onceReleased, tally } from "../support/races.ts";
import { assignDoctor, newPatient, postPatient } from "../support/resources.ts";

const api = connectWithoutLimits();
const admin = await newAccount(api, "admin");

test("a patient that is deleted, restored and transferred at once has one owner, who has its assignment too", async () => {
  const [from, to] = [await newAccount(api), await newAccount(api)];
  const { patient: id, doctor } = await assignDoctor(from);
  // Each begins with a request that waits for the patient; the second ones race with those that are left.
  const actions = [
    async () => [await from.delete(patientPath({ id })), await postRestore(admin, { id })],
    async () => [await postRestore(from, { id })],
    async () => [await postTransfer(admin, { id }, to), await to.delete(patientPath({ id }))],
    async () => [await postTransfer(admin, { id }, from)],
  ];
  const send = () =>
    atOnce(CROWD, (index) => (actions[index % actions.length] as () => Promise<ApiResponse[]>)());
  const answers = (await onceReleased("patients", from, send, CROWD)).flat();
  expect(["200", "204", "404"]).toEqual(expect.arrayContaining(Object.keys(tally(answers))));
  const lists = [
    await patientsOf(from),
    await deletedPatientsOf(from),
    await patientsOf(to),
    await deletedPatientsOf(to),
  ];
  expect(lists.flat()).toEqual([id]);
  await postRestore(admin, { id });
  const [assignment] = await asOwner`
    SELECT m.owner_id = p.owner_id AS same, current_doctor_id FROM mappings m JOIN patients p ON p.id = patient_id
    WHERE p.id = ${id}`;
  expect(assignment).toEqual({ same: true, current_doctor_id: doctor });
  const deletions = await asOwner`
    SELECT FROM audit_events WHERE ${id}::int = ANY (patients || patient_id) AND outcome = 'done' AND action = 'delete'`;
  expect(deletions).toHaveLength(answers.filter(({ status }) => status === 204).length);
});

test("a patient that is assigned, deleted and restored at once has every doctor whose assignment was 201", async () => {
  const account = await newAccount(api);
  const doctors = await insertRecords("doctors", account, CROWD);
  const { id } = await postPatient(account);
  const actions = [
    (index: number) => account.post("/api/mappings/", { patient: id, doctor: doctors[index] }),
    () => account.delete(patientPath({ id })),
    () => postRestore(account, { id }),
  ];
  const send = () =>
    atOnce(CROWD, (index) =>
      (actions[index % actions.length] as (index: number) => Promise<ApiResponse>)(index),
    );
  const answers = await onceReleased("patients", account, send, CROWD);
  await postRestore(account, { id });
  const assigned = answers.filter(({ status }) => status === 201).map(({ body }) => body.doctor);
  const { body } = await account.get(`/api/mappings/${id}/`);
  expect(idsOf({ body: body.doctors } as ApiResponse)).toEqual(assigned.sort((a, b) => a - b));
});

test("restoring a patient while others get its email: either the patient is restored or one of them has the email", async () => {
  const account = await newAccount(api);
  const patient = await postPatient(account);
  await account.delete(patientPath(patient));
  const send = () =>
    atOnce<ApiResponse>(CROWD, (index) =>
      index % 2
        ? postRestore(account, patient)
        : account.post("/api/patients/", newPatient({ email: patient.email })),
    );
  const answers = await onceReleased("patients", account, send, CROWD / 2);
  const [restored, created] = [
    tally(answers.filter((_, index) => index % 2)),
    tally(answers.filter((_, index) => index % 2 === 0)),
  ];
  const isBack = restored[200] !== undefined;
  expect([restored, created]).toEqual(
    isBack ? [{ 200: CROWD / 2 }, { 409: CROWD / 2 }] : [{ 409: CROWD / 2 }, { 201: 1, 409: CROWD / 2 - 1 }],
  );
  expect(await patientsOf(account)).toHaveLength(1);
});
