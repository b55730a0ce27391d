import { describe, expect, test } from "vitest";
import { newAccount, type TestAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { addMember, endMembership, movedTo, newClinic, newMember } from "../support/clinics.ts";
import { asOwner } from "../support/owner.ts";
import { deletedPatientsOf, patientPath, patientsOf, postMerge, REASON } from "../support/ownership.ts";
import { fieldProblem, problem } from "../support/problems.ts";
import { postPatient } from "../support/resources.ts";

const api = connectApi();
const admin = await newAccount(api, "admin");
const UNKNOWN = 2_147_483_647;

const transfer = (account: TestAccount, { id }: { id: number }, to: unknown, reason?: string) =>
  account.post(`${patientPath({ id })}transfer/`, reason ? { to, reason } : { to });
const transferMany = (account: TestAccount, body: object) => account.post("/api/patients/transfer/", body);
const ownersOf = async (...patients: { id: number }[]) => {
  const ids = patients.map(({ id }) => id);
  const rows = await asOwner`SELECT owner_id FROM patients WHERE id = ANY (${ids}::int[]) ORDER BY id`;
  return rows.map((row) => row["owner_id"]);
};

/** Two clinics with one manager, whose session works in the first, and a clinician of the first. */
async function twoClinics() {
  const [one, two] = [await newClinic(), await newClinic()];
  const manager = await newMember(api, one, "manager");
  await addMember(two, manager, "manager");
  return { one, two, manager, clinician: await newMember(api, one, "clinician") };
}

describe("a transfer to a clinic", () => {
  test("by an admin with a reason moves a patient of an account to the clinic's members, and back", async () => {
    const nurse = await newAccount(api);
    const { one, clinician } = await twoClinics();
    const patient = await postPatient(nurse);
    const answer = await transfer(admin, patient, { clinic: one }, REASON);
    expect(answer).toMatchObject({ status: 200, body: { id: patient.id, owner: one } });
    expect(await auditEventsOf(answer)).toMatchObject([
      { action: "transfer", changes: { owner: { before: nurse.id, after: one } }, reason: REASON },
    ]);
    expect([await patientsOf(clinician), await patientsOf(nurse)]).toEqual([[patient.id], []]);
    const back = await transfer(admin, patient, { clinic: nurse.id }, REASON);
    expect(back.body).toEqual({ id: patient.id, owner: nurse.id });
  });

  test("by a manager of both clinics needs no reason, works from any clinic, and can be repeated", async () => {
    const { one, two, manager, clinician } = await twoClinics();
    const patient = await postPatient(clinician);
    const elsewhere = await movedTo(manager.id, manager);
    const answer = await transfer(elsewhere, patient, { clinic: two });
    expect(answer).toMatchObject({ status: 200, body: { id: patient.id, owner: two } });
    expect(await auditEventsOf(answer)).toMatchObject([
      { action: "transfer", outcome: "done", reason: null },
    ]);
    const repeated = await transfer(elsewhere, patient, { clinic: two });
    expect([repeated.body, await auditEventsOf(repeated)]).toMatchObject([
      answer.body,
      [{ action: "replay" }],
    ]);
    expect((await transfer(elsewhere, patient, manager.id)).body.owner).toBe(manager.id);
    expect((await transfer(elsewhere, patient, { clinic: one })).body.owner).toBe(one);
  });

  test("is 403 to a clinic that the caller does not manage, and of a patient that it can see in a clinic that it does not manage", async () => {
    const { one, two, manager, clinician } = await twoClinics();
    const other = await newClinic();
    const patient = await postPatient(clinician);
    await addMember(two, clinician, "manager");
    const forbidden = problem(403, "Only an admin, or a manager of both clinics, may transfer patients.");
    expect(await transfer(manager, patient, { clinic: other })).toEqual(forbidden);
    expect(await transfer(manager, patient, { clinic: UNKNOWN })).toEqual(forbidden);
    const refused = await transfer(clinician, patient, { clinic: two }, REASON);
    expect(refused).toEqual(forbidden);
    expect(await auditEventsOf(refused)).toMatchObject([{ action: "transfer", outcome: "refused" }]);
    await addMember(other, manager, "clinician");
    expect(await transfer(manager, patient, { clinic: other })).toEqual(forbidden);
    await addMember(other, await newAccount(api), "manager");
    await addMember(other, manager, "manager");
    await endMembership(other, manager);
    expect(await transfer(manager, patient, { clinic: other })).toEqual(forbidden);
    expect(await transferMany(manager, { from: { clinic: one }, to: { clinic: other } })).toEqual(forbidden);
    expect(await transferMany(manager, { from: { clinic: other }, to: { clinic: one } })).toEqual(forbidden);
    expect(await transferMany(manager, { from: UNKNOWN, to: { clinic: one } })).toEqual(forbidden);
    expect(await transferMany(manager, { patients: [patient.id], to: { clinic: other } })).toEqual(forbidden);
    expect(await ownersOf(patient)).toEqual([one]);
  });

  test("from a clinic by its interim manager, who is no admin any more, is 403", async () => {
    const { one, clinician } = await twoClinics();
    const patient = await postPatient(clinician);
    const interim = await newAccount(api);
    await addMember(one, interim, "manager");
    await asOwner`UPDATE memberships SET is_interim = true WHERE account_id = ${interim.id} AND clinic_id = ${one}`;
    expect(await transfer(interim, patient, interim.id)).toEqual(problem(403));
    for (const source of [{ from: { clinic: one } }, { patients: [patient.id] }])
      expect(await transferMany(interim, { ...source, to: interim.id })).toEqual(problem(403));
    expect(await ownersOf(patient)).toEqual([one]);
  });

  test("of another clinic's patient is the same 404 for a manager as of an unknown one", async () => {
    const { one, two, manager } = await twoClinics();
    const foreign = await postPatient(await newAccount(api));
    for (const { id } of [foreign, { id: UNKNOWN }]) {
      const answer = await transfer(manager, { id }, { clinic: two });
      expect(answer).toEqual(problem(404, "There is no such patient."));
      expect(await auditEventsOf(answer)).toMatchObject([{ action: "transfer", outcome: "not_found" }]);
    }
    expect(await ownersOf(foreign)).not.toContain(one);
  });

  test("is 400 on to when the clinic is unknown, not active, has an interim manager only, or is named as an account", async () => {
    const { one } = await twoClinics();
    const patient = await postPatient(await newAccount(api));
    expect(await transfer(admin, patient, { clinic: UNKNOWN }, REASON)).toEqual(fieldProblem("to"));
    expect(await transfer(admin, patient, one, REASON)).toEqual(fieldProblem("to"));
    expect(await transferMany(admin, { from: one, to: UNKNOWN, reason: REASON })).toEqual(
      fieldProblem("from", "to"),
    );
    await asOwner`UPDATE clinics SET active = false WHERE id = ${one}`;
    expect(await transfer(admin, patient, { clinic: one }, REASON)).toEqual(fieldProblem("to"));
    await asOwner`UPDATE clinics SET active = true WHERE id = ${one}`;
    await addMember(one, admin, "manager");
    await asOwner`UPDATE memberships SET is_interim = true WHERE account_id = ${admin.id} AND clinic_id = ${one}`;
    const refused = await transfer(admin, patient, { clinic: one }, REASON);
    expect(refused.body).toMatchObject({ status: 400, error_codes: { to: ["interim_manager"] } });
    expect(await auditEventsOf(refused)).toMatchObject([{ action: "transfer", outcome: "refused" }]);
    await endMembership(one, admin);
    expect((await transfer(admin, patient, { clinic: one }, REASON)).status).toBe(200);
  });

  test("by an admin who manages both clinics still needs a reason", async () => {
    const { one, two, manager } = await twoClinics();
    const patient = await postPatient(manager);
    for (const clinic of [one, two]) await addMember(clinic, admin, "manager");
    expect(await transfer(admin, patient, { clinic: two })).toEqual(fieldProblem("reason"));
    for (const source of [{ from: { clinic: one } }, { patients: [patient.id] }])
      expect(await transferMany(admin, { ...source, to: { clinic: two } })).toEqual(fieldProblem("reason"));
    expect(await ownersOf(patient)).toEqual([one]);
  });

  test.each([0, "5", null, [5], {}, { clinic: 0 }, { clinic: 5, account: 5 }])("to %j is 400", async (to) => {
    const { status, body } = await transfer(admin, { id: 1 }, to, REASON);
    expect([status, Object.keys(body.errors).every((field) => /^to\b/.test(field))]).toEqual([400, true]);
  });
});

describe("a transfer of many patients", () => {
  test("from a clinic includes deleted ones, and leaves those whose email the other clinic has", async () => {
    const { one, two, manager, clinician } = await twoClinics();
    const [kept, deleted, conflicting] = [
      await postPatient(clinician),
      await postPatient(clinician),
      await postPatient(clinician),
    ];
    await clinician.delete(patientPath(deleted));
    const other = await newMember(api, two, "clinician");
    const own = await postPatient(other, { email: conflicting.email });
    const answer = await transferMany(manager, { from: { clinic: one }, to: { clinic: two } });
    expect(answer.body).toEqual({ transferred: 2, conflicts: [conflicting.id], more: false });
    expect(await auditEventsOf(answer)).toMatchObject([
      {
        action: "transfer",
        patients: [kept.id, deleted.id],
        changes: { owner: { before: one, after: two } },
      },
    ]);
    expect(await patientsOf(other)).toEqual([kept.id, own.id]);
    expect(await deletedPatientsOf(other)).toEqual([deleted.id]);
  });

  test("of a list names unknown, foreign, deleted and merged ones in not_found, and can be repeated", async () => {
    const { one, two, manager, clinician } = await twoClinics();
    const [moved, deleted, survivor, merged] = [
      await postPatient(clinician),
      await postPatient(clinician),
      await postPatient(clinician),
      await postPatient(clinician),
    ];
    const foreign = await postPatient(await newAccount(api));
    await clinician.delete(patientPath(deleted));
    await postMerge(clinician, merged, survivor);
    const ids = [UNKNOWN, moved.id, foreign.id, deleted.id, merged.id, moved.id];
    const body = { patients: ids, to: { clinic: two } };
    const not_found = [deleted.id, merged.id, foreign.id, UNKNOWN];
    const answer = await transferMany(manager, body);
    expect(answer.body).toEqual({ transferred: 1, conflicts: [], more: false, not_found });
    expect(await auditEventsOf(answer)).toMatchObject([{ action: "transfer", patients: [moved.id] }]);
    const repeated = await transferMany(manager, body);
    expect(repeated.body).toEqual({ transferred: 0, conflicts: [], more: false, not_found });
    expect(await auditEventsOf(repeated)).toMatchObject([{ outcome: "done", patients: [], changes: null }]);
    expect(await ownersOf(survivor)).toEqual([one]);
    const all = await transferMany(admin, {
      patients: [foreign.id, UNKNOWN],
      to: { clinic: two },
      reason: REASON,
    });
    expect(all.body).toEqual({ transferred: 1, conflicts: [], more: false, not_found: [UNKNOWN] });
  });

  test("of a list has an audit event for each former owner, and of patients with the same email or identifier takes the first", async () => {
    const { one, two, manager, clinician } = await twoClinics();
    const identifiers = [{ system: "mrn", value: `${one}-1` }];
    await asOwner`INSERT INTO identifier_systems (name, created_by) VALUES ('mrn', ${admin.id}) ON CONFLICT DO NOTHING`;
    const first = await postPatient(clinician, { identifiers });
    const own = await movedTo(manager.id, manager);
    const [sameEmail, sameIdentifier, another] = [
      await postPatient(own, { email: first.email }),
      await postPatient(own, { identifiers }),
      await postPatient(own),
    ];
    const patients = [another.id, sameIdentifier.id, sameEmail.id, first.id];
    const answer = await transferMany(own, { patients, to: { clinic: two } });
    expect(answer.body).toEqual({
      transferred: 2,
      conflicts: [sameEmail.id, sameIdentifier.id],
      more: false,
      not_found: [],
    });
    const events = await auditEventsOf(answer);
    expect(events).toHaveLength(2);
    expect(events).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ patients: [first.id], changes: { owner: { before: one, after: two } } }),
        expect.objectContaining({
          patients: [another.id],
          changes: { owner: { before: own.id, after: two } },
        }),
      ]),
    );
  });

  test("is 400 with both or none of from and patients, with more than 1,000 patients, and to the same clinic", async () => {
    const body = { to: 1, reason: REASON };
    const refused = (fields: object) => transferMany(admin, { ...body, ...fields });
    expect(await refused({})).toEqual(fieldProblem("from"));
    expect(await refused({ from: 2, patients: [3] })).toEqual(fieldProblem("patients"));
    expect(await refused({ patients: [] })).toEqual(fieldProblem("patients"));
    const tooMany = await refused({ patients: Array.from({ length: 1001 }, (_, n) => n + 1) });
    expect(tooMany).toEqual(fieldProblem("patients"));
    expect(tooMany.body.error_codes).toEqual({ patients: ["too_many"] });
    expect(await refused({ from: { clinic: 1 } })).toEqual(fieldProblem("to"));
  });
});
