import { expect, test } from "vitest";
import { imported } from "../patients/files.ts";
import { newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { addMember, movedTo, newClinic, newMember } from "../support/clinics.ts";
import { asOwner } from "../support/owner.ts";
import { newDoctorsAccount, patientPath, patientsOf } from "../support/ownership.ts";
import { assignDoctor, newPatient, postIdentifierSystem, postPatient } from "../support/resources.ts";

// What clinics do not tell each other, and what a caller may do who is more than a member of one clinic. The roles
// alone are in test/permissions/table.ts.

const api = connectApi();

test("a patient with the names, email, phone number and identifier of another clinic's is created and imported, and no duplicate is named", async () => {
  const { name: system } = await postIdentifierSystem(await newAccount(api, "admin"));
  const [clerk, stranger] = [
    await newMember(api, await newClinic(), "clerk"),
    await newMember(api, await newClinic(), "clerk"),
  ];
  const known = newPatient({ phones: ["+12025550143"], identifiers: [{ system, value: "A77" }] });
  const { id } = await postPatient(clerk, known);
  const created = await stranger.post("/api/patients/?duplicates=refuse", known);
  expect([created.status, created.headers.get("Link")]).toEqual([201, null]);
  expect((await stranger.get(`${patientPath(created.body)}duplicates/`)).body).toEqual([]);
  const other = await newMember(api, await newClinic(), "clerk");
  const answer = await imported(other, JSON.stringify(known));
  expect(answer.body).toMatchObject({ created: [{ line: 1 }], refused: [] });
  const free = await postPatient(other);
  const taken = await other.patch(patientPath(free), { email: known.email });
  expect(taken.body).toMatchObject({ code: "email_taken", existing: answer.body.created[0].id });
  for (const account of [stranger, other]) expect(await patientsOf(account)).not.toContain(id);
});

test("a doctor's own account reads the doctor's patients in every clinic, and writes those of the clinic in which it works as a clerk", async () => {
  const [own, other] = [await newClinic(), await newClinic()];
  const [manager, stranger] = [await newMember(api, own, "manager"), await newMember(api, other, "manager")];
  const { account, doctor } = await newDoctorsAccount(manager);
  const [mine, foreign] = [await postPatient(manager), await postPatient(stranger)];
  await assignDoctor(manager, { patient: mine, doctor });
  await assignDoctor(stranger, { patient: foreign, doctor });
  await addMember(own, account, "clerk");
  const change = { lastname: "Hopper" };
  expect(await patientsOf(account)).toEqual([mine.id, foreign.id]);
  for (const patient of [mine, foreign])
    expect((await account.patch(patientPath(patient), change)).status).toBe(403);
  const clerk = await movedTo(own, account);
  expect(await patientsOf(clerk)).toEqual([mine.id, foreign.id]);
  expect((await clerk.patch(patientPath(mine), change)).status).toBe(200);
  expect(await clerk.patch(patientPath(foreign), change)).toMatchObject({
    status: 403,
    body: { code: "not_patient_owner" },
  });
  expect(await clerk.delete(patientPath(mine))).toMatchObject({
    status: 403,
    body: { code: "clinic_role_required" },
  });
});

test("an admin who is a reader of a clinic reads its patients and writes none", async () => {
  const clinic = await newClinic();
  const manager = await newMember(api, clinic, "manager");
  const account = await newAccount(api, "admin");
  await addMember(clinic, account, "reader");
  const admin = await movedTo(clinic, account);
  const patient = await postPatient(manager);
  expect((await admin.get(patientPath(patient))).status).toBe(200);
  const refused = [
    await admin.post("/api/patients/", newPatient()),
    await admin.patch(patientPath(patient), { lastname: "Hopper" }),
    await admin.delete(patientPath(patient)),
    await admin.get("/api/patients/export/"),
  ];
  for (const answer of refused)
    expect(answer).toMatchObject({ status: 403, body: { code: "clinic_role_required" } });
});

test("PATCH of the clinic's time zone changes the ages of its patients and their ETags at once, with the same token", async () => {
  const clinic = await newClinic("Pacific/Kiritimati");
  const manager = await newMember(api, clinic, "manager");
  // The dates of the two zones differ at any time.
  const [row] = await asOwner`SELECT (now() AT TIME ZONE 'Pacific/Kiritimati')::date::text AS today`;
  const birth_date = String(row?.["today"]).replace(/^\d+/, "2000");
  const { age: _, ...patient } = newPatient({ birth_date });
  const { body: before, headers } = await manager.post("/api/patients/", patient);
  await manager.patch(`/api/clinics/${clinic}/`, { time_zone: "Etc/GMT+12" });
  const after = await manager.get(patientPath(before));
  expect(after.body).toEqual({ ...before, age: before.age - 1 });
  expect(after.headers.get("ETag")).not.toBe(headers.get("ETag"));
  expect((await manager.get(`/api/patients/?min_age=${before.age}`)).body).toEqual([]);
});
