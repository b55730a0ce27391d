import { describe, expect, test } from "vitest";
import { type Account, newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { deletedOf, link, ownOf, pathOf, restore, transfer } from "../support/custody.ts";
import { asOwner } from "../support/owner.ts";
import { bothWays, idsOf, pagesFrom } from "../support/pages.ts";
import { problem, refusal } from "../support/problems.ts";
import { recordOf } from "../support/record.ts";
import { assign, createDoctor, createPatient, newPatient } from "../support/records.ts";

const api = connectApi();
const [nurse, admin] = [await newAccount(api), await newAccount(api, "admin")];

/** An account of a doctor's own, and the doctor. */
async function newDoctorsAccount() {
  const [account, doctor] = [await newAccount(api), await createDoctor(admin)];
  await link(account, doctor);
  return { account, doctor };
}
/** One of the nurse's patients, who is assigned to the doctor of an account. */
async function assigned() {
  const { account, doctor } = await newDoctorsAccount();
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

describe("the list of a doctor's account", async () => {
  const { account, doctor } = await newDoctorsAccount();
  const other = await createDoctor(admin);
  const people = [
    { lastname: "Fox", age: 20, gender: "F", by: account },
    { lastname: "Cole", age: 30, gender: "M", by: nurse, doctors: [doctor] },
    { lastname: "Adams", age: 40, gender: "F", by: account, doctors: [doctor, other] },
    { lastname: "Nobody", age: 40, gender: "F", by: nurse, doctors: [other] },
    { lastname: "Evans", age: 50, gender: "F", by: nurse, doctors: [other, doctor] },
    { lastname: "Dean", age: 60, gender: "M", by: account },
    { lastname: "Baker", age: 70, gender: "O", by: nurse, doctors: [doctor] },
  ];
  const ids: number[] = [];
  for (const { by, doctors = [], ...fields } of people) {
    const patient = await createPatient(by, fields);
    for (const doctor of doctors) await assign(by, { patient, doctor });
    ids.push(patient.id);
  }

  test.each([
    ["sort=id", [0, 1, 2, 4, 5, 6]],
    ["sort=lastname", [2, 6, 1, 5, 4, 0]],
    ["sort=created_at", [0, 1, 2, 4, 5, 6]],
    ["gender=F", [0, 2, 4]],
    ["gender=F&sort=lastname", [2, 4, 0]],
    ["min_age=30&max_age=60&sort=created_at", [1, 2, 4, 5]],
    ["search=e&sort=lastname", [4]],
    [`doctor=${doctor.id}`, [1, 2, 4, 6]],
    [`doctor=${doctor.id}&sort=lastname`, [2, 6, 1, 4]],
    [`doctor=${other.id}`, [2, 4]],
    [`doctor=${other.id}&sort=created_at`, [2, 4]],
    [`doctor=${other.id}&gender=M`, []],
  ])(
    "has its own patients and the doctor's, each once, by %s, forwards and backwards, a record at a time too",
    async (query, found) => {
      for (const [asked, expected] of bothWays(query, found))
        for (const limit of [1, 2, 200]) {
          const pages = [];
          for await (const page of pagesFrom(account, `/api/patients/?limit=${limit}&${asked}`))
            pages.push(page);
          const listed = pages.flatMap(idsOf);
          expect([asked, limit, listed.map((id) => ids.indexOf(id))]).toEqual([asked, limit, expected]);
          const [event] = await recordOf(pages[0] as (typeof pages)[0]);
          expect(event).toMatchObject({
            action: "list",
            outcome: "done",
            patients: idsOf(pages[0] as (typeof pages)[0]),
          });
        }
    },
  );

  test("is one database request, and goes on where a page ended when an assignment ends meanwhile", async () => {
    await account.api.databaseRequests();
    const [page] = [await account.get("/api/patients/?limit=2&sort=lastname")];
    expect(await account.api.databaseRequests()).toBe(1);
    expect(idsOf(page)).toEqual([ids[2], ids[6]]);
    const [row] = await asOwner`DELETE FROM mappings WHERE patient_id = ${ids[6]} RETURNING *`;
    const rest = [];
    for await (const next of pagesFrom(account, "/api/patients/?limit=2&sort=lastname"))
      rest.push(...idsOf(next));
    expect(rest.map((id) => ids.indexOf(id))).toEqual([2, 1, 5, 4, 0]);
    await assign(nurse, { patient: { id: row?.["patient_id"] }, doctor });
  });
});

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
    const { account: another } = await newDoctorsAccount();
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
