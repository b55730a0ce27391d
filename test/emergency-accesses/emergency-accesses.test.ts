import { expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { newClinic, newMember } from "../support/clinics.ts";
import { asOwner } from "../support/owner.ts";
import { postEmergencyAccess } from "../support/ownership.ts";
import { idsOf, pagesFrom } from "../support/pages.ts";
import { fieldProblem, problem } from "../support/problems.ts";
import { postPatient } from "../support/resources.ts";

const [nurse, admin] = [await newAccount(), await newAccount(undefined, "admin")];
const path = "/api/emergency-accesses/";

/** The list's entries for a patient, from all pages. */
async function entriesOf(patient: number) {
  const entries: Record<string, unknown>[] = [];
  for await (const page of pagesFrom(admin, `${path}?limit=200`)) entries.push(...page.body);
  return entries.filter((entry) => entry["patient"] === patient);
}

test("GET returns the open emergency accesses of all admins, each with the latest reason, and no others", async () => {
  const { id } = await postPatient(nurse);
  const [one, other] = [await newAccount(undefined, "admin"), await newAccount(undefined, "admin")];
  const [expired, demoted] = [await newAccount(undefined, "admin"), await newAccount(undefined, "admin")];
  for (const account of [one, other, expired, demoted]) await postEmergencyAccess(account, { id });
  const { body: latest } = await postEmergencyAccess(one, { id }, "Still unconscious.");
  await asOwner`UPDATE emergency_accesses SET expires_at = now() WHERE account_id = ${expired.id}`;
  await admin.patch(`/api/accounts/${demoted.id}/`, { role: "clinician" });
  expect(await entriesOf(id)).toEqual([
    {
      id: expect.any(Number),
      account: { id: one.id, username: one.username },
      ...{ patient: id, reason: "Still unconscious.", expires_at: latest.expires_at },
    },
    expect.objectContaining({ account: { id: other.id, username: other.username } }),
  ]);
});

test("GET has pages in both orders, and is audited with the patients of the page", async () => {
  const patients = [await postPatient(nurse), await postPatient(nurse), await postPatient(nurse)];
  for (const patient of patients) await postEmergencyAccess(admin, patient);
  const newestFirst = await admin.get(`${path}?sort=-id&limit=2`);
  expect(newestFirst.body.map(({ patient }: { patient: number }) => patient)).toEqual([
    patients[2]?.id,
    patients[1]?.id,
  ]);
  expect(await auditEventsOf(newestFirst)).toMatchObject([
    { action: "list_emergency_accesses", outcome: "done", patients: [patients[1]?.id, patients[2]?.id] },
  ]);
  const visited: number[] = [];
  for await (const page of pagesFrom(admin, `${path}?limit=1`)) visited.push(...idsOf(page));
  expect(visited.slice(-2)).toEqual(idsOf(newestFirst).reverse());
  expect(new Set(visited).size).toBe(visited.length);
});

test("an emergency access from before reasons were stored has the reason null", async () => {
  const { id } = await postPatient(nurse);
  await asOwner`
    INSERT INTO emergency_accesses (account_id, patient_id, expires_at)
    VALUES (${admin.id}, ${id}, now() + interval '1 hour')`;
  expect(await entriesOf(id)).toMatchObject([{ patient: id, reason: null }]);
});

test("GET by a clerk of a clinic is 403, audited as refused and without patients; an unknown parameter is 400", async () => {
  const clerk = await newMember(connectApi(), await newClinic(), "clerk");
  const refused = await clerk.get(path);
  expect(refused).toEqual(
    problem(403, "Only an admin or a manager of the clinic may list emergency accesses."),
  );
  expect(await auditEventsOf(refused)).toMatchObject([{ outcome: "refused", patients: [] }]);
  expect(await admin.get(`${path}?patient=1`)).toEqual(fieldProblem("patient"));
});
