import { describe, expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { asOwner } from "../support/owner.ts";
import {
  deletedPatientsOf,
  patientPath,
  patientsOf,
  postRestore,
  postTransfer,
  REASON,
} from "../support/ownership.ts";
import { idsOf } from "../support/pages.ts";
import { fieldProblem, problem } from "../support/problems.ts";
import { assignDoctor, postPatient } from "../support/resources.ts";

const api = connectApi();
const [nurse, admin] = [await newAccount(api), await newAccount(api, "admin")];

describe("a deleted patient", () => {
  test("is listed with deleted=true for its owner alone, and is nowhere else", async () => {
    const account = await newAccount(api);
    const kept = await postPatient(account);
    const { patient } = await assignDoctor(account);
    await account.delete(patientPath({ id: patient }));
    expect([await patientsOf(account), await deletedPatientsOf(account)]).toEqual([[kept.id], [patient]]);
    expect((await account.get("/api/mappings/")).body).toEqual([]);
    expect(await account.get(`/api/mappings/${patient}/`)).toEqual(problem(404));
    expect((await account.get("/api/patients/export/")).body.split("\n")).toHaveLength(2);
    expect(await account.patch(patientPath({ id: patient }), { age: 1 })).toEqual(problem(404));
    for (const other of [nurse, admin]) expect(await deletedPatientsOf(other)).not.toContain(patient);
  });

  test("is restored unchanged with its assignments by its owner or an admin; a second restore returns the same response", async () => {
    for (const account of [nurse, admin]) {
      const { patient: id, doctor } = await assignDoctor(nurse);
      const before = (await nurse.get(patientPath({ id }))).body;
      await nurse.delete(patientPath({ id }));
      const answer = await postRestore(account, { id });
      expect(answer).toMatchObject({ status: 200, body: { id, doctors: [doctor] } });
      expect(await auditEventsOf(answer)).toMatchObject([
        { action: "restore", outcome: "done", patients: [id] },
      ]);
      expect((await nurse.get(patientPath({ id }))).body).toEqual({
        ...before,
        updated_at: expect.any(String),
        version: before.version + 2,
      });
      expect((await nurse.get(`/api/mappings/?patient=${id}`)).body).toMatchObject([
        { doctor: { id: doctor } },
      ]);
      expect((await postRestore(nurse, { id })).body).toEqual(answer.body);
    }
  });

  test("is 404 to restore for another account", async () => {
    const patient = await postPatient(nurse);
    const stranger = await newAccount(api);
    expect(await postRestore(stranger, patient)).toEqual(problem(404));
    await nurse.delete(patientPath(patient));
    const answer = await postRestore(stranger, patient);
    expect(answer).toEqual(problem(404, "There is no such deleted patient."));
    expect(await auditEventsOf(answer)).toMatchObject([{ action: "restore", outcome: "not_found" }]);
  });

  test("is 409 to restore while another patient has its email", async () => {
    const patient = await postPatient(nurse);
    await nurse.delete(patientPath(patient));
    const other = await postPatient(nurse, { email: patient.email.toUpperCase() });
    const refused = await postRestore(nurse, patient);
    expect(refused).toEqual(problem(409, "Another patient of the same owner has this email."));
    expect(await auditEventsOf(refused)).toMatchObject([{ action: "restore", outcome: "refused" }]);
    await nurse.delete(patientPath(other));
    expect((await postRestore(nurse, patient)).status).toBe(200);
  });

  test("does not keep its doctor from being deleted; restoring it is 409 then, and with partial=true leaves that doctor out", async () => {
    const { patient: id, doctor } = await assignDoctor(nurse);
    const kept = await assignDoctor(nurse, { patient: { id } });
    await nurse.delete(patientPath({ id }));
    expect((await nurse.delete(`/api/doctors/${doctor}/`)).status).toBe(204);
    const refused = await postRestore(nurse, { id });
    expect(refused).toEqual(problem(409, expect.stringMatching(`^Doctor ${doctor} .* was deleted`)));
    expect(await auditEventsOf(refused)).toMatchObject([{ action: "restore", outcome: "refused" }]);
    expect(await deletedPatientsOf(nurse)).toContain(id);
    const partly = await postRestore(nurse, { id }, "?partial=true");
    expect(partly.body).toEqual({ id, doctors: [kept.doctor] });
    const doctors = { before: [doctor, kept.doctor], after: [kept.doctor] };
    expect(await auditEventsOf(partly)).toMatchObject([{ action: "restore", changes: { doctors } }]);
    expect((await postRestore(nurse, { id })).body).toEqual(partly.body);
  });

  test("is restored with a doctor who is inactive now", async () => {
    const { patient: id, doctor } = await assignDoctor(nurse);
    await nurse.delete(patientPath({ id }));
    await nurse.patch(`/api/doctors/${doctor}/`, { active: false });
    expect((await postRestore(nurse, { id })).body).toEqual({ id, doctors: [doctor] });
  });
});

describe("a transfer", () => {
  test("moves a patient and its assignments to another account at once; the same transfer again is a replay", async () => {
    const [from, to] = [await newAccount(api), await newAccount(api)];
    const { patient: id, id: assignment } = await assignDoctor(from);
    const answer = await postTransfer(admin, { id }, to);
    expect(answer).toMatchObject({ status: 200, body: { id, owner: to.id } });
    const changes = { owner: { before: from.id, after: to.id } };
    expect(await auditEventsOf(answer)).toMatchObject([
      { action: "transfer", patients: [id], changes, reason: REASON },
    ]);
    expect(await from.get(patientPath({ id }))).toEqual(problem(404));
    expect([await patientsOf(from), (await from.get("/api/mappings/")).body]).toEqual([[], []]);
    expect((await to.get(patientPath({ id }))).body).toMatchObject({ id, created_by: from.id });
    expect(idsOf(await to.get("/api/mappings/"))).toEqual([assignment]);
    expect((await to.patch(patientPath({ id }), { age: 3 })).status).toBe(200);
    const replay = await postTransfer(admin, { id }, to);
    expect([replay.body, await auditEventsOf(replay)]).toMatchObject([
      answer.body,
      [{ action: "replay", outcome: "done", changes: null }],
    ]);
  });

  test("is 403 for a clinician, 400 to an unknown or disabled account, 404 for an unknown or deleted patient, and 409 when the email is taken", async () => {
    const patient = await postPatient(nurse);
    const to = await newAccount(api);
    expect(await postTransfer(nurse, patient, to)).toEqual(
      problem(403, "Only an admin, or a manager of both clinics, may transfer patients."),
    );
    expect(await postTransfer(admin, patient, { id: 2_147_483_647 })).toEqual(fieldProblem("to"));
    expect(await postTransfer(admin, { id: 2_147_483_647 }, to)).toEqual(problem(404));
    const deleted = await postPatient(nurse);
    await nurse.delete(patientPath(deleted));
    expect(await postTransfer(admin, deleted, to)).toEqual(problem(404));
    const own = await postPatient(to, { email: patient.email });
    const refused = await postTransfer(admin, patient, to);
    expect(refused).toEqual(problem(409, "The receiving account already has a patient with this email."));
    expect(await auditEventsOf(refused)).toMatchObject([
      { action: "transfer", outcome: "refused", changes: null },
    ]);
    await asOwner`UPDATE users SET active = false WHERE id = ${to.id}`;
    expect(await postTransfer(admin, own, to)).toEqual(fieldProblem("to"));
    expect(await patientsOf(nurse)).toContain(patient.id);
  });

  test("of all patients of an account includes deleted ones, which stay deleted, and leaves those whose email the other account has", async () => {
    const [from, to] = [await newAccount(api), await newAccount(api)];
    const [one, two] = [await postPatient(from), await postPatient(from)];
    const deleted = await postPatient(from);
    const conflicting = await postPatient(from);
    await from.delete(patientPath(deleted));
    await postPatient(to, { email: conflicting.email.toUpperCase() });
    await asOwner`UPDATE users SET active = false WHERE id = ${from.id}`;
    const body = { from: from.id, to: to.id, reason: REASON };
    expect(await nurse.post("/api/patients/transfer/", body)).toEqual(problem(403));
    const answer = await admin.post("/api/patients/transfer/", body);
    expect(answer.body).toEqual({ transferred: 3, conflicts: [conflicting.id], more: false });
    const changes = { owner: { before: from.id, after: to.id } };
    const patients = [one.id, two.id, deleted.id];
    expect(await auditEventsOf(answer)).toMatchObject([
      { action: "transfer", patients, changes, reason: REASON },
    ]);
    expect(await patientsOf(to)).toEqual(expect.arrayContaining([one.id, two.id]));
    expect(await deletedPatientsOf(to)).toEqual([deleted.id]);
    expect((await postRestore(to, deleted)).status).toBe(200);
  });

  test("of all patients names unknown accounts, and is 400 to the same account", async () => {
    const body = { from: 2_147_483_646, to: 2_147_483_647, reason: REASON };
    expect(await admin.post("/api/patients/transfer/", body)).toEqual(fieldProblem("from", "to"));
    expect(await admin.post("/api/patients/transfer/", { ...body, from: 1, to: 1 })).toEqual(
      fieldProblem("to"),
    );
  });
});

describe("a transfer by an admin", () => {
  const tooShortOrLong = [undefined, null, 7, "", " ".repeat(12), ` ${"x".repeat(9)} `, "x".repeat(501)];

  test.each(tooShortOrLong)("with the reason %j is 400 and changes nothing", async (reason) => {
    const patient = await postPatient(nurse);
    const one = await admin.post(`${patientPath(patient)}transfer/`, { to: admin.id, reason });
    expect(one).toEqual(fieldProblem("reason"));
    const all = await admin.post("/api/patients/transfer/", { from: nurse.id, to: admin.id, reason });
    expect(all).toEqual(fieldProblem("reason"));
    expect(await patientsOf(nurse)).toContain(patient.id);
  });

  test("to the admin and back is shown to the owner with both reasons", async () => {
    const owner = await newAccount(api);
    const patient = await postPatient(owner);
    await postTransfer(admin, patient, admin, "x".repeat(10));
    await postTransfer(admin, patient, owner, "é".repeat(500));
    const { body } = await owner.get(`${patientPath(patient)}accesses/`);
    expect(body.slice(0, 2)).toMatchObject([
      { action: "transfer", account: { id: admin.id }, reason: "é".repeat(500) },
      { action: "transfer", account: { id: admin.id }, reason: "x".repeat(10) },
    ]);
  });
});
