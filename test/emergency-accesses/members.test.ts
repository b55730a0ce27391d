import { expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { addMember, movedTo, newClinic, newMember } from "../support/clinics.ts";
import { patientPath, postEmergencyAccess } from "../support/ownership.ts";
import { postPatient } from "../support/resources.ts";

// Emergency access of members of shared clinics, where the installation allows it.

const api = connectApi({ EMERGENCY_ACCESS: "members" });
const [clinic, ownClinic] = [await newClinic(), await newClinic()];
const manager = await newMember(api, ownClinic, "manager");
const clinician = await newMember(api, clinic, "clinician");

test("a clinician of another clinic who gives a reason reads the patient, changes nothing, and the clinic's managers see it", async () => {
  const { id } = await postPatient(manager);
  expect((await clinician.get(patientPath({ id }))).status).toBe(404);
  expect((await postEmergencyAccess(clinician, { id })).status).toBe(201);
  expect((await clinician.get(patientPath({ id }))).status).toBe(200);
  expect((await clinician.patch(patientPath({ id }), { age: 40 })).status).toBe(403);
  expect((await manager.get("/api/emergency-accesses/?limit=200")).body).toMatchObject([
    { account: { id: clinician.id }, patient: id },
  ]);
});

test("it counts only in the clinic in which it was granted, and as long as the role lasts", async () => {
  const { id } = await postPatient(manager);
  const account = await newMember(api, clinic, "clinician");
  await postEmergencyAccess(account, { id });
  const other = await newClinic();
  await addMember(other, account, "manager");
  expect((await (await movedTo(other, account)).get(patientPath({ id }))).status).toBe(404);
  const back = await movedTo(clinic, account);
  expect((await back.get(patientPath({ id }))).status).toBe(200);
  await addMember(clinic, account, "clerk");
  expect((await back.get(patientPath({ id }))).status).toBe(404);
});

test("a clerk, an account in its personal clinic, and a clinician where only admins may get 403", async () => {
  const { id } = await postPatient(manager);
  const callers = [
    await newMember(api, clinic, "clerk"),
    await newAccount(api),
    await newMember(connectApi(), clinic, "clinician"),
  ];
  for (const caller of callers)
    expect(await postEmergencyAccess(caller, { id })).toMatchObject({
      status: 403,
      body: { code: "admin_required" },
    });
});

test("managers see the emergency accesses to the patients of their clinic, and clerks get 403", async () => {
  const other = await newMember(api, await newClinic(), "manager");
  const { id } = await postPatient(other);
  await postEmergencyAccess(clinician, { id });
  expect((await other.get("/api/emergency-accesses/")).body).toMatchObject([{ patient: id }]);
  const ofManager = (await manager.get("/api/emergency-accesses/?limit=200")).body;
  expect(ofManager.map(({ patient }: { patient: number }) => patient)).not.toContain(id);
  expect((await (await newMember(api, ownClinic, "clerk")).get("/api/emergency-accesses/")).status).toBe(403);
});
