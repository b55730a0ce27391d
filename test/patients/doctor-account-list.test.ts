import { describe, expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { asOwner } from "../support/owner.ts";
import { newDoctorsAccount } from "../support/ownership.ts";
import { bothDirections, idsOf, pagesFrom } from "../support/pages.ts";
import { assignDoctor, postDoctor, postPatient } from "../support/resources.ts";

const api = connectApi();
const [nurse, admin] = [await newAccount(api), await newAccount(api, "admin")];

describe("the list of a doctor's account", async () => {
  const { account, doctor } = await newDoctorsAccount(admin);
  const other = await postDoctor(admin);
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
    const patient = await postPatient(by, fields);
    for (const doctor of doctors) await assignDoctor(by, { patient, doctor });
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
    "has its own patients and the doctor's, each once, by %s, in both directions and with any limit",
    async (query, expectedIndexes) => {
      for (const [asked, expected] of bothDirections(query, expectedIndexes))
        for (const limit of [1, 2, 200]) {
          const pages = [];
          for await (const page of pagesFrom(account, `/api/patients/?limit=${limit}&${asked}`))
            pages.push(page);
          const found = pages.flatMap(idsOf);
          expect([asked, limit, found.map((id) => ids.indexOf(id))]).toEqual([asked, limit, expected]);
          const [event] = await auditEventsOf(pages[0] as (typeof pages)[0]);
          expect(event).toMatchObject({
            action: "list",
            outcome: "done",
            patients: idsOf(pages[0] as (typeof pages)[0]),
          });
        }
    },
  );

  test("takes one database request, and omits a patient whose assignment was deleted", async () => {
    await account.api.databaseRequests();
    const page = await account.get("/api/patients/?limit=2&sort=lastname");
    expect(await account.api.databaseRequests()).toBe(1);
    expect(idsOf(page)).toEqual([ids[2], ids[6]]);
    const [row] = await asOwner`DELETE FROM mappings WHERE patient_id = ${ids[6]} RETURNING *`;
    const rest = [];
    for await (const next of pagesFrom(account, "/api/patients/?limit=2&sort=lastname"))
      rest.push(...idsOf(next));
    expect(rest.map((id) => ids.indexOf(id))).toEqual([2, 1, 5, 4, 0]);
    await assignDoctor(nurse, { patient: { id: row?.["patient_id"] }, doctor });
  });
});
