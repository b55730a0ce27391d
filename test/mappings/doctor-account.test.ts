import { describe, expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { link } from "../support/custody.ts";
import { bothWays, idsOf, pagesFrom } from "../support/pages.ts";
import { comparable, problem, refusal } from "../support/problems.ts";
import { recordOf } from "../support/record.ts";
import { assign, createDoctor, createPatient } from "../support/records.ts";

const api = connectApi();
const [nurse, admin, account] = [
  await newAccount(api),
  await newAccount(api, "admin"),
  await newAccount(api),
];
const [doctor, other] = [await createDoctor(admin), await createDoctor(admin)];
await link(account, doctor);
const [theirs, own, strange] = [
  await createPatient(nurse),
  await createPatient(account),
  await createPatient(nurse),
];
/** Of which the account sees those of its doctor, and those of its own patient. */
const assignments: { id: number }[] = [];
for (const [patient, doctors] of [
  [theirs, [other, doctor]],
  [own, [doctor, other]],
  [strange, [other]],
] as const)
  for (const doctor of doctors)
    assignments.push(await assign(patient === own ? account : nurse, { patient, doctor }));

describe("the assignments of a doctor's account", () => {
  test.each([
    ["sort=id", [1, 2, 3]],
    ["sort=created_at", [1, 2, 3]],
    [`patient=${theirs.id}`, [1]],
    [`patient=${own.id}`, [2, 3]],
    [`patient=${own.id}&sort=created_at`, [2, 3]],
    [`patient=${strange.id}`, []],
    [`doctor=${doctor.id}`, [1, 2]],
    [`doctor=${doctor.id}&sort=created_at`, [1, 2]],
    [`doctor=${other.id}`, [3]],
    [`doctor=${other.id}&sort=created_at`, [3]],
    [`patient=${theirs.id}&doctor=${doctor.id}`, [1]],
    [`patient=${theirs.id}&doctor=${other.id}`, []],
    [`patient=${own.id}&doctor=${other.id}`, [3]],
  ])(
    "are the doctor's and those of its own patients, each once, by %s, backwards and one at a time too",
    async (query, found) => {
      for (const [asked, expected] of bothWays(query, found))
        for (const limit of [1, 200]) {
          const listed = [];
          for await (const page of pagesFrom(account, `/api/mappings/?limit=${limit}&${asked}`))
            listed.push(...idsOf(page));
          const indexes = listed.map((id) => assignments.findIndex((one) => one.id === id));
          expect([asked, limit, indexes]).toEqual([asked, limit, expected]);
        }
    },
  );

  test("are had in one database request, on record with their patients", async () => {
    await account.api.databaseRequests();
    const answer = await account.get("/api/mappings/");
    expect(await account.api.databaseRequests()).toBe(1);
    expect(answer.body).toMatchObject([
      { patient: { id: theirs.id }, doctor: { id: doctor.id } },
      { patient: { id: own.id }, doctor: { id: doctor.id } },
      { patient: { id: own.id }, doctor: { id: other.id } },
    ]);
    expect(await recordOf(answer)).toMatchObject([{ action: "list", patients: [theirs.id, own.id] }]);
  });

  test("of a patient of the doctor's are read with all its doctors", async () => {
    const answer = await account.get(`/api/mappings/${theirs.id}/`);
    expect(answer.body.doctors).toMatchObject([{ id: doctor.id }, { id: other.id }]);
    expect(await recordOf(answer)).toMatchObject([{ action: "read", patients: [theirs.id] }]);
    expect(await account.get(`/api/mappings/${strange.id}/`)).toEqual(problem(404));
  });

  test("are nobody else's, and an admin's own doctor adds nothing to what an admin sees of a doctor", async () => {
    const [plain, chief] = [await newAccount(api), await newAccount(api, "admin")];
    expect([(await plain.get("/api/mappings/")).body, (await chief.get("/api/mappings/")).body]).toEqual([
      [],
      [],
    ]);
    await link(chief, doctor);
    expect(idsOf(await chief.get("/api/mappings/"))).toEqual([assignments[1]?.id, assignments[2]?.id]);
    expect(idsOf(await chief.get(`/api/mappings/?doctor=${doctor.id}&sort=-id`))).toEqual([
      assignments[2]?.id,
      assignments[1]?.id,
    ]);
    expect(idsOf(await chief.get(`/api/mappings/?doctor=${other.id}`))).toHaveLength(3);
  });
});

describe("a doctor's account", () => {
  test("is refused to end an assignment that it sees, and finds no others", async () => {
    const [hidden, seen] = assignments as [{ id: number }, { id: number }];
    for (const path of [`/api/mappings/${seen.id}/`, `/api/mappings/${seen.id}/delete/`]) {
      const refused = await account.delete(path);
      expect(refused).toEqual(
        problem(403, "Only the account whose patient this is, or an admin, may end this assignment."),
      );
      expect(await recordOf(refused)).toMatchObject([
        { action: "unassign", outcome: "refused", patients: [theirs.id], changes: null },
      ]);
    }
    const theirOther = comparable(await account.delete(`/api/mappings/${hidden.id}/`));
    expect(theirOther).toMatchObject({ status: 404 });
    expect(theirOther).toEqual(comparable(await account.delete("/api/mappings/2147483647/")));
    expect(idsOf(await nurse.get(`/api/mappings/?patient=${theirs.id}`))).toEqual([hidden.id, seen.id]);
  });

  test("assigns nobody to a patient that is not its own", async () => {
    const third = await createDoctor(admin);
    const answer = await account.post("/api/mappings/", { patient: theirs.id, doctor: third.id });
    expect(answer).toEqual(refusal("patient"));
    expect(await recordOf(answer)).toMatchObject([{ action: "assign", outcome: "not_found" }]);
  });

  test("ends that of a patient of its own, its doctor's too; and sees one no more that its owner or an admin ends", async () => {
    const both = await assign(account, { doctor });
    expect((await account.delete(`/api/mappings/${both.id}/`)).status).toBe(204);
    for (const by of [nurse, admin]) {
      const { id, patient } = await assign(nurse, { doctor });
      expect((await by.delete(`/api/mappings/${id}/`)).status).toBe(204);
      expect(await account.delete(`/api/mappings/${id}/`)).toEqual(problem(404));
      expect(await account.get(`/api/mappings/${patient}/`)).toEqual(problem(404));
      expect((await account.get(`/api/mappings/?patient=${patient}`)).body).toEqual([]);
    }
  });
});
