import { describe, expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { deletedOf, open, ownOf, pathOf, restore, transfer } from "../support/custody.ts";
import { asOwner } from "../support/owner.ts";
import { idsOf } from "../support/pages.ts";
import { problem, refusal } from "../support/problems.ts";
import { recordOf } from "../support/record.ts";
import { assign, createPatient } from "../support/records.ts";

const api = connectApi();
const [nurse, admin] = [await newAccount(api), await newAccount(api, "admin")];

describe("a deleted patient", () => {
  test("is listed as one that can be restored, by its owner alone, and is nowhere else", async () => {
    const account = await newAccount(api);
    const kept = await createPatient(account);
    const { patient } = await assign(account);
    await account.delete(pathOf({ id: patient }));
    expect([await ownOf(account), await deletedOf(account)]).toEqual([[kept.id], [patient]]);
    expect((await account.get("/api/mappings/")).body).toEqual([]);
    expect(await account.get(`/api/mappings/${patient}/`)).toEqual(problem(404));
    expect((await account.get("/api/patients/export/")).body.split("\n")).toHaveLength(2);
    expect(await account.patch(pathOf({ id: patient }), { age: 1 })).toEqual(problem(404));
    for (const other of [nurse, admin]) expect(await deletedOf(other)).not.toContain(patient);
  });

  test("comes back as it was, with its assignments, by its owner or an admin, however often it is asked for", async () => {
    for (const account of [nurse, admin]) {
      const { patient: id, doctor } = await assign(nurse);
      const before = (await nurse.get(pathOf({ id }))).body;
      await nurse.delete(pathOf({ id }));
      const answer = await restore(account, { id });
      expect(answer).toMatchObject({ status: 200, body: { id, doctors: [doctor] } });
      expect(await recordOf(answer)).toMatchObject([{ action: "restore", outcome: "done", patients: [id] }]);
      expect((await nurse.get(pathOf({ id }))).body).toEqual({ ...before, updated_at: expect.any(String) });
      expect((await nurse.get(`/api/mappings/?patient=${id}`)).body).toMatchObject([
        { doctor: { id: doctor } },
      ]);
      expect((await restore(nurse, { id })).body).toEqual(answer.body);
    }
  });

  test("is to another account as one that never was", async () => {
    const patient = await createPatient(nurse);
    const stranger = await newAccount(api);
    expect(await restore(stranger, patient)).toEqual(problem(404));
    await nurse.delete(pathOf(patient));
    const answer = await restore(stranger, patient);
    expect(answer).toEqual(problem(404, "There is no such deleted patient."));
    expect(await recordOf(answer)).toMatchObject([{ action: "restore", outcome: "not_found" }]);
  });

  test("does not come back while another patient has its email", async () => {
    const patient = await createPatient(nurse);
    await nurse.delete(pathOf(patient));
    const other = await createPatient(nurse, { email: patient.email.toUpperCase() });
    const refused = await restore(nurse, patient);
    expect(refused).toEqual(problem(409, "Another patient has this one's email now."));
    expect(await recordOf(refused)).toMatchObject([{ action: "restore", outcome: "refused" }]);
    await nurse.delete(pathOf(other));
    expect((await restore(nurse, patient)).status).toBe(200);
  });

  test("keeps no doctor, and comes back without one who is gone only when that is asked for", async () => {
    const { patient: id, doctor } = await assign(nurse);
    const staying = await assign(nurse, { patient: { id } });
    await nurse.delete(pathOf({ id }));
    expect((await nurse.delete(`/api/doctors/${doctor}/`)).status).toBe(204);
    const refused = await restore(nurse, { id });
    expect(refused).toEqual(problem(409, expect.stringMatching(`^Doctor ${doctor} .* is gone`)));
    expect(await recordOf(refused)).toMatchObject([{ action: "restore", outcome: "refused" }]);
    expect(await deletedOf(nurse)).toContain(id);
    const partly = await restore(nurse, { id }, "?partial=true");
    expect(partly.body).toEqual({ id, doctors: [staying.doctor] });
    const doctors = { before: [doctor, staying.doctor], after: [staying.doctor] };
    expect(await recordOf(partly)).toMatchObject([{ action: "restore", changes: { doctors } }]);
    expect((await restore(nurse, { id })).body).toEqual(partly.body);
  });

  test("comes back with a doctor who has retired meanwhile", async () => {
    const { patient: id, doctor } = await assign(nurse);
    await nurse.delete(pathOf({ id }));
    await nurse.patch(`/api/doctors/${doctor}/`, { active: false });
    expect((await restore(nurse, { id })).body).toEqual({ id, doctors: [doctor] });
  });
});

describe("handing over", () => {
  test("gives a patient and its assignments to another account from its next request on, and takes them away", async () => {
    const [from, to] = [await newAccount(api), await newAccount(api)];
    const { patient: id, id: assignment } = await assign(from);
    const answer = await transfer(admin, { id }, to);
    expect(answer).toMatchObject({ status: 200, body: { id, owner: to.id } });
    const changes = { owner: { before: from.id, after: to.id } };
    expect(await recordOf(answer)).toMatchObject([{ action: "transfer", patients: [id], changes }]);
    expect(await from.get(pathOf({ id }))).toEqual(problem(404));
    expect([await ownOf(from), (await from.get("/api/mappings/")).body]).toEqual([[], []]);
    expect((await to.get(pathOf({ id }))).body).toMatchObject({ id, created_by: from.id });
    expect(idsOf(await to.get("/api/mappings/"))).toEqual([assignment]);
    expect((await to.patch(pathOf({ id }), { age: 3 })).status).toBe(200);
    const again = await transfer(admin, { id }, to);
    expect([again.body, await recordOf(again)]).toMatchObject([
      answer.body,
      [{ action: "replay", outcome: "done", changes: null }],
    ]);
  });

  test("is for admins, to an active account, of a patient that is there, with an email that is free", async () => {
    const patient = await createPatient(nurse);
    const to = await newAccount(api);
    expect(await transfer(nurse, patient, to)).toEqual(problem(403, "Only an admin may hand patients over."));
    expect(await transfer(admin, patient, { id: 2_147_483_647 })).toEqual(refusal("to"));
    expect(await transfer(admin, { id: 2_147_483_647 }, to)).toEqual(problem(404));
    const own = await createPatient(to, { email: patient.email });
    const refused = await transfer(admin, patient, to);
    expect(refused).toEqual(problem(409, "That account has a patient with this one's email already."));
    expect(await recordOf(refused)).toMatchObject([
      { action: "transfer", outcome: "refused", changes: null },
    ]);
    await asOwner`UPDATE users SET active = false WHERE id = ${to.id}`;
    expect(await transfer(admin, own, to)).toEqual(refusal("to"));
    expect(await ownOf(nurse)).toContain(patient.id);
  });

  test("of all of an account's takes deleted ones too, and leaves those whose email the other has", async () => {
    const [from, to] = [await newAccount(api), await newAccount(api)];
    const [one, two] = [await createPatient(from), await createPatient(from)];
    const deleted = await createPatient(from);
    const twice = await createPatient(from);
    await from.delete(pathOf(deleted));
    await createPatient(to, { email: twice.email.toUpperCase() });
    await asOwner`UPDATE users SET active = false WHERE id = ${from.id}`;
    const body = { from: from.id, to: to.id };
    expect(await nurse.post("/api/patients/transfer/", body)).toEqual(problem(403));
    const answer = await admin.post("/api/patients/transfer/", body);
    expect(answer.body).toEqual({ transferred: 3, conflicts: [twice.id], more: false });
    const changes = { owner: { before: from.id, after: to.id } };
    const patients = [one.id, two.id, deleted.id];
    expect(await recordOf(answer)).toMatchObject([{ action: "transfer", patients, changes }]);
    expect(await ownOf(to)).toEqual(expect.arrayContaining([one.id, two.id]));
    expect((await restore(to, deleted)).status).toBe(200);
  });

  test("names the accounts that are not there, and is to another one", async () => {
    const body = { from: 2_147_483_646, to: 2_147_483_647 };
    expect(await admin.post("/api/patients/transfer/", body)).toEqual(refusal("from", "to"));
    expect(await admin.post("/api/patients/transfer/", { from: 1, to: 1 })).toEqual(refusal("to"));
  });
});

describe("an admin who says why", () => {
  test("may read somebody else's patient for an hour, and its doctors, and not change it", async () => {
    const { patient: id, doctor } = await assign(nurse);
    const [one, other] = [await newAccount(api, "admin"), await newAccount(api, "admin")];
    expect(await one.get(pathOf({ id }))).toEqual(problem(404));
    const answer = await open(one, { id });
    const hour = Date.parse(answer.body.expires_at) - Date.now();
    expect(answer).toMatchObject({ status: 201, body: { patient: id, reason: "Nobody else is here." } });
    expect(Math.abs(hour - 3_600_000)).toBeLessThan(60_000);
    expect(await recordOf(answer)).toMatchObject([
      { action: "break_glass", outcome: "done", patients: [id], reason: "Nobody else is here." },
    ]);
    expect((await one.get(pathOf({ id }))).body).toMatchObject({ id });
    expect((await one.get(`/api/mappings/${id}/`)).body.doctors).toMatchObject([{ id: doctor }]);
    const forbidden = problem(403, "Only the account whose patient this is may change or delete it.");
    expect(await one.patch(pathOf({ id }), { age: 1 })).toEqual(forbidden);
    expect(await one.delete(pathOf({ id }))).toEqual(forbidden);
    expect(await ownOf(one)).toEqual([]);
    expect(await other.get(pathOf({ id }))).toEqual(problem(404));
    await asOwner`UPDATE emergency_accesses SET expires_at = now() WHERE account_id = ${one.id}`;
    expect(await one.get(pathOf({ id }))).toEqual(problem(404));
    expect((await open(one, { id })).status).toBe(201);
    await asOwner`UPDATE users SET role = 'clinician' WHERE id = ${one.id}`;
    expect(await one.get(pathOf({ id }))).toEqual(problem(404));
  });

  test("must say it, be one, and name a patient that is there", async () => {
    const patient = await createPatient(nurse);
    for (const reason of ["", "  ", "x".repeat(501), 7, null])
      expect(await open(admin, patient, reason)).toEqual(refusal("reason"));
    const refused = await open(await newAccount(api), patient);
    expect(refused).toEqual(problem(403));
    expect(await recordOf(refused)).toMatchObject([{ action: "break_glass", outcome: "refused" }]);
    await nurse.delete(pathOf(patient));
    expect(await open(admin, patient)).toEqual(problem(404));
  });
});
