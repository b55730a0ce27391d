import { describe, expect, test } from "vitest";
import { type Account, newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { deletedOf, link, newDoctorsAccount, ownOf, pathOf, restore, transfer } from "../support/custody.ts";
import { problem, refusal } from "../support/problems.ts";
import { recordOf } from "../support/record.ts";
import { assign, createDoctor, createPatient, newPatient } from "../support/records.ts";

const api = connectApi();
const [nurse, admin] = [await newAccount(api), await newAccount(api, "admin")];

/** One of the nurse's patients, who is assigned to the doctor of an account. */
async function assigned() {
  const { account, doctor } = await newDoctorsAccount(admin);
  const patient = await createPatient(nurse);
  const assignment = await assign(nurse, { patient, doctor });
  return { account, doctor, patient, assignment };
}
const sees = async (account: Account, patient: { id: number }) => [
  (await account.get(pathOf(patient))).status,
  (await ownOf(account)).includes(patient.id),
];
const [SEEN, NOT_SEEN] = [
  [200, true],
  [404, false],
];

describe("a patient that is assigned to an account's doctor", () => {
  test("is read by it, with history and accesses, on record, and changed by its owner alone", async () => {
    const { account, patient } = await assigned();
    await account.api.databaseRequests();
    const answer = await account.get(pathOf(patient));
    expect(await account.api.databaseRequests()).toBe(1);
    expect(answer).toMatchObject({ status: 200, body: patient });
    const event = { account_id: account.id, outcome: "done", patients: [patient.id] };
    expect(await recordOf(answer)).toMatchObject([{ ...event, action: "read" }]);
    for (const [of, action] of [
      ["history", "history"],
      ["accesses", "accesses"],
    ]) {
      const events = await account.get(`${pathOf(patient)}${of}/`);
      expect(events).toMatchObject({ status: 200, body: expect.arrayContaining([expect.anything()]) });
      expect(await recordOf(events)).toMatchObject([{ ...event, action }]);
    }
    const forbidden = problem(403, "Only the account whose patient this is may change or delete it.");
    for (const [method, action, body] of [
      ["PUT", "update", { age: 1 }],
      ["PATCH", "update", { age: 1 }],
      ["DELETE", "delete"],
    ] as const) {
      const refused = await account.request(method, pathOf(patient), body);
      expect(refused).toEqual(forbidden);
      expect(await recordOf(refused)).toMatchObject([
        { ...event, action, outcome: "refused", changes: null },
      ]);
    }
    expect((await nurse.get(pathOf(patient))).body).toEqual(patient);
  });

  test("is nobody else's: not an account's without a doctor, nor another doctor's, nor an admin's", async () => {
    const { patient } = await assigned();
    const { account: another } = await newDoctorsAccount(admin);
    for (const account of [await newAccount(api), another, admin])
      expect(await sees(account, patient)).toEqual(NOT_SEEN);
  });

  test("is no longer seen once the assignment ends, with the same token, and is again with the next one", async () => {
    const { account, doctor, patient, assignment } = await assigned();
    expect(await sees(account, patient)).toEqual(SEEN);
    expect((await nurse.delete(`/api/mappings/${assignment.id}/`)).status).toBe(204);
    expect(await sees(account, patient)).toEqual(NOT_SEEN);
    for (const of of ["history", "accesses"])
      expect(await account.get(`${pathOf(patient)}${of}/`)).toEqual(problem(404));
    expect(await account.patch(pathOf(patient), { age: 1 })).toEqual(problem(404));
    await assign(nurse, { patient, doctor });
    expect(await sees(account, patient)).toEqual(SEEN);
  });

  test("is not seen by an account that is the doctor's no more, or another's", async () => {
    const { account, doctor, patient } = await assigned();
    await link(account, await createDoctor(admin));
    expect(await sees(account, patient)).toEqual(NOT_SEEN);
    await link(account, doctor);
    expect(await sees(account, patient)).toEqual(SEEN);
    await link(account, null);
    expect(await sees(account, patient)).toEqual(NOT_SEEN);
  });

  test("is seen by the account of one who has retired", async () => {
    const { account, doctor, patient } = await assigned();
    await admin.patch(`/api/doctors/${doctor.id}/`, { active: false });
    expect(await sees(account, patient)).toEqual(SEEN);
  });

  test("is not there while it is deleted, not to be restored either, and is again afterwards", async () => {
    const { account, patient } = await assigned();
    await nurse.delete(pathOf(patient));
    expect(await sees(account, patient)).toEqual(NOT_SEEN);
    expect(await account.get(`${pathOf(patient)}history/`)).toEqual(problem(404));
    expect(await deletedOf(account)).toEqual([]);
    expect(await restore(account, patient)).toEqual(problem(404));
    await restore(nurse, patient);
    expect(await sees(account, patient)).toEqual(SEEN);
  });

  test("is seen when it is handed over to another account, and changed when that is the doctor's", async () => {
    const { account, patient } = await assigned();
    expect(await transfer(account, patient, account)).toEqual(problem(403));
    await transfer(admin, patient, await newAccount(api));
    expect(await sees(account, patient)).toEqual(SEEN);
    await transfer(admin, patient, account);
    expect(await ownOf(account)).toEqual([patient.id]);
    expect((await account.patch(pathOf(patient), { age: 7 })).body).toMatchObject({ age: 7 });
    expect((await account.delete(pathOf(patient))).status).toBe(204);
    expect(await deletedOf(account)).toEqual([patient.id]);
  });

  test("is not in its export, and its email is free for a patient of its own", async () => {
    const { account, patient } = await assigned();
    const own = await createPatient(account, newPatient({ email: patient.email }));
    const lines = (await account.get("/api/patients/export/")).body.trim().split("\n");
    expect(lines.map((line: string) => JSON.parse(line).id)).toEqual([own.id]);
  });
});

test("an account outlives its doctor", async () => {
  const { account, doctor, assignment } = await assigned();
  await nurse.delete(`/api/mappings/${assignment.id}/`);
  expect((await admin.delete(`/api/doctors/${doctor.id}/`)).status).toBe(204);
  expect(await ownOf(account)).toEqual([]);
  expect(await account.post("/api/mappings/", { patient: 1, doctor: doctor.id })).toEqual(
    refusal("patient", "doctor"),
  );
});
