import { describe, expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { linkDoctor } from "../support/ownership.ts";
import { bothDirections, idsOf, pagesFrom } from "../support/pages.ts";
import { fieldProblem, problem, withoutRequestDetails } from "../support/problems.ts";
import { assignDoctor, postDoctor, postPatient } from "../support/resources.ts";

const api = connectApi();
const [nurse, admin, account] = [
  await newAccount(api),
  await newAccount(api, "admin"),
  await newAccount(api),
];
const [doctor, other] = [await postDoctor(admin), await postDoctor(admin)];
await linkDoctor(account, doctor);
const [visible, own, hidden] = [
  await postPatient(nurse),
  await postPatient(account),
  await postPatient(nurse),
];
/** The account sees those of its doctor and those of its own patient: 1, 2 and 3. */
const assignments: { id: number }[] = [];
for (const [patient, doctors] of [
  [visible, [other, doctor]],
  [own, [doctor, other]],
  [hidden, [other]],
] as const)
  for (const doctor of doctors)
    assignments.push(await assignDoctor(patient === own ? account : nurse, { patient, doctor }));

describe("the assignments that a doctor's account reads", () => {
  test.each([
    ["sort=id", [1, 2, 3]],
    ["sort=created_at", [1, 2, 3]],
    [`patient=${visible.id}`, [1]],
    [`patient=${own.id}`, [2, 3]],
    [`patient=${own.id}&sort=created_at`, [2, 3]],
    [`patient=${hidden.id}`, []],
    [`doctor=${doctor.id}`, [1, 2]],
    [`doctor=${doctor.id}&sort=created_at`, [1, 2]],
    [`doctor=${other.id}`, [3]],
    [`doctor=${other.id}&sort=created_at`, [3]],
    [`patient=${visible.id}&doctor=${doctor.id}`, [1]],
    [`patient=${visible.id}&doctor=${other.id}`, []],
    [`patient=${own.id}&doctor=${other.id}`, [3]],
  ])(
    "are the doctor's and its own patients', each once, by %s, in both directions and with any limit",
    async (query, found) => {
      for (const [asked, expected] of bothDirections(query, found))
        for (const limit of [1, 200]) {
          const ids = [];
          for await (const page of pagesFrom(account, `/api/mappings/?limit=${limit}&${asked}`))
            ids.push(...idsOf(page));
          const indexes = ids.map((id) => assignments.findIndex((one) => one.id === id));
          expect([asked, limit, indexes]).toEqual([asked, limit, expected]);
        }
    },
  );

  test("take one database request, and are audited with their patients", async () => {
    await account.api.databaseRequests();
    const answer = await account.get("/api/mappings/");
    expect(await account.api.databaseRequests()).toBe(1);
    expect(answer.body).toMatchObject([
      { patient: { id: visible.id }, doctor: { id: doctor.id } },
      { patient: { id: own.id }, doctor: { id: doctor.id } },
      { patient: { id: own.id }, doctor: { id: other.id } },
    ]);
    expect(await auditEventsOf(answer)).toMatchObject([{ action: "list", patients: [visible.id, own.id] }]);
  });

  test("of a patient of the doctor include all of the patient's doctors", async () => {
    const answer = await account.get(`/api/mappings/${visible.id}/`);
    expect(answer.body.doctors).toMatchObject([{ id: doctor.id }, { id: other.id }]);
    expect(await auditEventsOf(answer)).toMatchObject([{ action: "read", patients: [visible.id] }]);
    expect(await account.get(`/api/mappings/${hidden.id}/`)).toEqual(problem(404));
  });

  test("are not read by other accounts; an admin with a doctor of its own reads those, and every doctor's by filter", async () => {
    const [clinician, linkedAdmin] = [await newAccount(api), await newAccount(api, "admin")];
    expect([
      (await clinician.get("/api/mappings/")).body,
      (await linkedAdmin.get("/api/mappings/")).body,
    ]).toEqual([[], []]);
    await linkDoctor(linkedAdmin, doctor);
    expect(idsOf(await linkedAdmin.get("/api/mappings/"))).toEqual([assignments[1]?.id, assignments[2]?.id]);
    expect(idsOf(await linkedAdmin.get(`/api/mappings/?doctor=${doctor.id}&sort=-id`))).toEqual([
      assignments[2]?.id,
      assignments[1]?.id,
    ]);
    expect(idsOf(await linkedAdmin.get(`/api/mappings/?doctor=${other.id}`))).toHaveLength(3);
  });
});

describe("a doctor's account", () => {
  test("gets 403 for DELETE of an assignment that it reads, and 404 for others", async () => {
    const [unseen, seen] = assignments as [{ id: number }, { id: number }];
    for (const path of [`/api/mappings/${seen.id}/`, `/api/mappings/${seen.id}/delete/`]) {
      const refused = await account.delete(path);
      expect(refused).toEqual(problem(403, "Only the patient's owner or an admin may end this assignment."));
      expect(await auditEventsOf(refused)).toMatchObject([
        { action: "unassign", outcome: "refused", patients: [visible.id], changes: null },
      ]);
    }
    const notFound = withoutRequestDetails(await account.delete(`/api/mappings/${unseen.id}/`));
    expect(notFound).toMatchObject({ status: 404 });
    expect(notFound).toEqual(withoutRequestDetails(await account.delete("/api/mappings/2147483647/")));
    expect(idsOf(await nurse.get(`/api/mappings/?patient=${visible.id}`))).toEqual([unseen.id, seen.id]);
  });

  test("gets 400 for an assignment to a patient that is not its own", async () => {
    const third = await postDoctor(admin);
    const answer = await account.post("/api/mappings/", { patient: visible.id, doctor: third.id });
    expect(answer).toEqual(fieldProblem("patient"));
    expect(await auditEventsOf(answer)).toMatchObject([{ action: "assign", outcome: "not_found" }]);
  });

  test("deletes assignments of its own patients; one that the owner or an admin deletes is 404 for it", async () => {
    const assignment = await assignDoctor(account, { doctor });
    expect((await account.delete(`/api/mappings/${assignment.id}/`)).status).toBe(204);
    for (const by of [nurse, admin]) {
      const { id, patient } = await assignDoctor(nurse, { doctor });
      expect((await by.delete(`/api/mappings/${id}/`)).status).toBe(204);
      expect(await account.delete(`/api/mappings/${id}/`)).toEqual(problem(404));
      expect(await account.get(`/api/mappings/${patient}/`)).toEqual(problem(404));
      expect((await account.get(`/api/mappings/?patient=${patient}`)).body).toEqual([]);
    }
  });
});
