import { describe, expect, test } from "vitest";
import { newAccount, type TestAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import {
  deletedPatientsOf,
  linkDoctor,
  newDoctorsAccount,
  patientPath,
  patientsOf,
  postRestore,
  postTransfer,
} from "../support/ownership.ts";
import { fieldProblem, problem } from "../support/problems.ts";
import { assignDoctor, newPatient, postDoctor, postPatient } from "../support/resources.ts";

const api = connectApi();
const [nurse, admin] = [await newAccount(api), await newAccount(api, "admin")];

/** Assigns a patient of the nurse to the doctor of another account. */
async function assignToAccount() {
  const { account, doctor } = await newDoctorsAccount(admin);
  const patient = await postPatient(nurse);
  const assignment = await assignDoctor(nurse, { patient, doctor });
  return { account, doctor, patient, assignment };
}
const readBy = async (account: TestAccount, patient: { id: number }) => [
  (await account.get(patientPath(patient))).status,
  (await patientsOf(account)).includes(patient.id),
];
/** The status of GET, and whether the list has the patient. */
const [VISIBLE, HIDDEN] = [
  [200, true],
  [404, false],
];

describe("a patient that is assigned to an account's doctor", () => {
  test("can be read with its history and accesses, is audited, and gets 403 for changes", async () => {
    const { account, patient } = await assignToAccount();
    await account.api.databaseRequests();
    const answer = await account.get(patientPath(patient));
    expect(await account.api.databaseRequests()).toBe(1);
    expect(answer).toMatchObject({ status: 200, body: patient });
    const event = { account_id: account.id, outcome: "done", patients: [patient.id] };
    expect(await auditEventsOf(answer)).toMatchObject([{ ...event, action: "read" }]);
    for (const [subpath, action] of [
      ["history", "history"],
      ["accesses", "accesses"],
    ]) {
      const events = await account.get(`${patientPath(patient)}${subpath}/`);
      expect(events).toMatchObject({ status: 200, body: expect.arrayContaining([expect.anything()]) });
      expect(await auditEventsOf(events)).toMatchObject([{ ...event, action }]);
    }
    const forbidden = problem(403, "Only the patient's owner may change or delete it.");
    for (const [method, action, body] of [
      ["PUT", "update", { age: 1 }],
      ["PATCH", "update", { age: 1 }],
      ["DELETE", "delete"],
    ] as const) {
      const refused = await account.request(method, patientPath(patient), body);
      expect(refused).toEqual(forbidden);
      expect(await auditEventsOf(refused)).toMatchObject([
        { ...event, action, outcome: "refused", changes: null },
      ]);
    }
    expect((await nurse.get(patientPath(patient))).body).toEqual(patient);
  });

  test("is hidden from an account without a doctor, from another doctor's account and from an admin", async () => {
    const { patient } = await assignToAccount();
    const { account: another } = await newDoctorsAccount(admin);
    for (const account of [await newAccount(api), another, admin])
      expect(await readBy(account, patient)).toEqual(HIDDEN);
  });

  test("is hidden when the assignment is deleted, with the same token, and visible again with a new one", async () => {
    const { account, doctor, patient, assignment } = await assignToAccount();
    expect(await readBy(account, patient)).toEqual(VISIBLE);
    expect((await nurse.delete(`/api/mappings/${assignment.id}/`)).status).toBe(204);
    expect(await readBy(account, patient)).toEqual(HIDDEN);
    for (const subpath of ["history", "accesses"])
      expect(await account.get(`${patientPath(patient)}${subpath}/`)).toEqual(problem(404));
    expect(await account.patch(patientPath(patient), { age: 1 })).toEqual(problem(404));
    await assignDoctor(nurse, { patient, doctor });
    expect(await readBy(account, patient)).toEqual(VISIBLE);
  });

  test("is hidden from an account that is linked to another doctor or to none", async () => {
    const { account, doctor, patient } = await assignToAccount();
    await linkDoctor(account, await postDoctor(admin));
    expect(await readBy(account, patient)).toEqual(HIDDEN);
    await linkDoctor(account, doctor);
    expect(await readBy(account, patient)).toEqual(VISIBLE);
    await linkDoctor(account, null);
    expect(await readBy(account, patient)).toEqual(HIDDEN);
  });

  test("is visible for the account of an inactive doctor", async () => {
    const { account, doctor, patient } = await assignToAccount();
    await admin.patch(`/api/doctors/${doctor.id}/`, { active: false });
    expect(await readBy(account, patient)).toEqual(VISIBLE);
  });

  test("is hidden while it is deleted, cannot be restored by the doctor's account, and is visible again when its owner restores it", async () => {
    const { account, patient } = await assignToAccount();
    await nurse.delete(patientPath(patient));
    expect(await readBy(account, patient)).toEqual(HIDDEN);
    expect(await account.get(`${patientPath(patient)}history/`)).toEqual(problem(404));
    expect(await deletedPatientsOf(account)).toEqual([]);
    expect(await postRestore(account, patient)).toEqual(problem(404));
    await postRestore(nurse, patient);
    expect(await readBy(account, patient)).toEqual(VISIBLE);
  });

  test("stays visible when it is transferred, and can be changed when it is transferred to the doctor's account", async () => {
    const { account, patient } = await assignToAccount();
    expect(await postTransfer(account, patient, account)).toEqual(problem(403));
    await postTransfer(admin, patient, await newAccount(api));
    expect(await readBy(account, patient)).toEqual(VISIBLE);
    await postTransfer(admin, patient, account);
    expect(await patientsOf(account)).toEqual([patient.id]);
    expect((await account.patch(patientPath(patient), { age: 7 })).body).toMatchObject({ age: 7 });
    expect((await account.delete(patientPath(patient))).status).toBe(204);
    expect(await deletedPatientsOf(account)).toEqual([patient.id]);
  });

  test("is not in the account's export, and does not take its email from the account's own patients", async () => {
    const { account, patient } = await assignToAccount();
    const own = await postPatient(account, newPatient({ email: patient.email }));
    const lines = (await account.get("/api/patients/export/")).body.trim().split("\n");
    expect(lines.map((line: string) => JSON.parse(line).id)).toEqual([own.id]);
  });
});

test("an account keeps working when its doctor is deleted", async () => {
  const { account, doctor, assignment } = await assignToAccount();
  await nurse.delete(`/api/mappings/${assignment.id}/`);
  expect((await admin.delete(`/api/doctors/${doctor.id}/`)).status).toBe(204);
  expect(await patientsOf(account)).toEqual([]);
  expect(await account.post("/api/mappings/", { patient: 1, doctor: doctor.id })).toEqual(
    fieldProblem("patient", "doctor"),
  );
});
