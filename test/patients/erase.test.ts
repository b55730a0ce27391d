import { describe, expect, test } from "vitest";
import { patientFields } from "../../src/patients/requests.ts";
import { newMark } from "../pii-leaks/marks.ts";
import { newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { asOwner } from "../support/owner.ts";
import {
  patientPath,
  postEmergencyAccess,
  postErase,
  postMerge,
  postRestore,
  postTransfer,
  postUnmerge,
} from "../support/ownership.ts";
import { problem } from "../support/problems.ts";
import { assignDoctor, postDoctor, postIdentifierSystem, postPatient } from "../support/resources.ts";
import { searchTables } from "../support/search-tables.ts";
import { imported } from "./files.ts";

const api = connectApi();
const [nurse, admin] = [await newAccount(api), await newAccount(api, "admin")];
const system = await postIdentifierSystem(admin);
const REASON = "Request 2026-117 to erase all data.";

/** A patient with the mark in each of its texts. A birth date of its own is a mark, too. */
const markedPatient = (mark: string, birth_date = "1913-04-17") => ({
  firstname: `${mark}-first`,
  lastname: `${mark}-last`,
  email: `${mark}@example.org`,
  birth_date,
  gender: "F",
  email_shared: true,
  anonymous: true,
  phones: [],
  address: { city: `${mark}-city` },
  identifiers: [{ system: system.name, value: `${mark}9` }],
});
/** The field that stands in place of another one. */
const alternatives = ["age"];

async function deletedPatient(account = nurse) {
  const patient = await postPatient(account);
  await account.delete(patientPath(patient));
  return patient;
}

describe("an erased patient", () => {
  test("has a mark in each field: add a new field to markedPatient, so that the next test searches for its value", () => {
    expect([...Object.keys(markedPatient("")), ...alternatives].sort()).toEqual(
      Object.keys(patientFields).sort(),
    );
  });

  test("leaves no row in a table that refers to patients: erase_patient has to remove the rows of a new table", async () => {
    const tables = await asOwner`
      SELECT DISTINCT c.relname AS name FROM pg_class c
        LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname ~ 'patient'
        LEFT JOIN pg_constraint f ON f.conrelid = c.oid AND f.confrelid = 'patients'::regclass
      WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND coalesce(a.attrelid, f.conrelid) IS NOT NULL
      ORDER BY 1`;
    const [{ text } = { text: "" }] = await asOwner`
      SELECT string_agg(prosrc, '') AS text FROM pg_proc WHERE proname IN ('erase_patient', 'erase_audit_values')`;
    expect(tables.filter(({ name }) => !text.includes(` public.${name} `))).toEqual([]);
    expect(tables.map(({ name }) => name)).toEqual([
      ...[
        "appointments",
        "audit_events",
        "emergency_accesses",
        "ended_assignments",
        "mappings",
        "patient_identifiers",
        "patient_merges",
        "patients",
      ],
    ]);
  });

  test("is in no table, whatever was done with it; only the reasons of others stay", async () => {
    const [mark, other, reason] = [newMark(), newMark(), newMark()];
    const doctor = await postDoctor(nurse);
    const key = { headers: { "Idempotency-Key": newMark() } };
    const created = await nurse.post("/api/patients/", markedPatient(mark), key);
    const { body: patient } = created;
    await nurse.post("/api/patients/", markedPatient(mark), key);
    await assignDoctor(nurse, { patient, doctor });
    await nurse.patch(patientPath(patient), markedPatient(other, "1914-05-18"));
    await nurse.get(`/api/patients/?search=${other}`);
    await postEmergencyAccess(admin, patient, reason);
    await postTransfer(admin, patient, admin);
    await admin.patch(patientPath(patient), markedPatient(mark));
    await admin.delete(patientPath(patient));
    await postRestore(admin, patient);
    await admin.delete(patientPath(patient));
    expect(await searchTables(mark)).toEqual({
      ...{ patients: 1, patient_identifiers: 1 },
      ...{ idempotency_keys: 1, audit_events: 3 },
    });
    expect(await searchTables(reason)).toEqual({ emergency_accesses: 1, audit_events: 1 });

    const answer = await postErase(admin, patient);
    expect(answer).toMatchObject({
      status: 200,
      body: {
        id: patient.id,
        removed: {
          patients: 1,
          assignments: 1,
          identifiers: 1,
          merges: 0,
          emergency_accesses: 1,
          stored_responses: 1,
          audit_changes: 3,
        },
        more: false,
      },
    });
    expect(answer.body.remained.map(({ what }: { what: string }) => what)).toEqual([
      "audit_events",
      "reasons",
      "idempotency_keys",
      "record_changes",
      "copies",
    ]);
    for (const text of [mark, other, "1913-04-17", "1914-05-18"])
      expect(await searchTables(text)).toEqual({});
    expect(await searchTables(reason)).toEqual({ audit_events: 1 });
    const again = await nurse.post("/api/patients/", markedPatient(mark), key);
    expect(again).toMatchObject({ status: 409, body: { code: "replay_unreadable" } });
  });

  test("is in no table with what was merged into it, or what it was merged into once", async () => {
    const [mark, other] = [newMark(), newMark()];
    const key = () => ({ "Idempotency-Key": newMark() });
    const [card, survivor, last] = [
      await postPatient(nurse, { ...markedPatient(mark), age: null }),
      await postPatient(nurse, { ...markedPatient(mark), age: null, identifiers: [] }),
      await postPatient(nurse),
    ];
    await postMerge(nurse, card, survivor, { take: ["lastname"] }, key());
    await postMerge(nurse, survivor, last, { take: ["firstname", "email", "birth_date"] }, key());
    const undone = await postPatient(nurse, { ...markedPatient(other), age: null });
    await postMerge(nurse, undone, last, { take: ["lastname"] }, key());
    await postUnmerge(nurse, undone);
    expect(await searchTables(mark)).toMatchObject({ patients: 3, idempotency_keys: 3 });
    await nurse.delete(patientPath(last));
    expect(await postErase(admin, card)).toMatchObject({ status: 410, body: { successor: last.id } });
    const { body } = await postErase(admin, last);
    expect(body.removed).toMatchObject({ patients: 3, merges: 3, stored_responses: 3 });
    expect(await searchTables(mark)).toEqual({});
    await nurse.delete(patientPath(undone));
    await postErase(admin, undone);
    expect(await searchTables(other)).toEqual({});
  });

  test("is in no table when it was imported, and the import can still be replayed to no avail", async () => {
    const mark = newMark();
    const headers = { "Idempotency-Key": newMark() };
    const importAgain = () => imported(nurse, JSON.stringify(markedPatient(mark)), undefined, "", headers);
    const { body } = await importAgain();
    const patient = body.created[0];
    await nurse.delete(patientPath(patient));
    await postErase(admin, patient);
    expect(await searchTables(mark)).toEqual({});
    expect(await importAgain()).toMatchObject({ status: 409, body: { code: "replay_unreadable" } });
  });

  test("takes no value of another record with it: a doctor's stored response, another patient's events, its owners", async () => {
    const patient = await deletedPatient();
    const { id } = await postPatient(nurse);
    // A doctor with the same id, whose response was stored in the same millisecond.
    await asOwner`
      INSERT INTO idempotency_keys (account_id, key, fingerprint, record_id, answer, created_at)
      SELECT ${nurse.id}, ${newMark()}, repeat('0', 64), id, '{"id":1,"specialization":"GEN"}', created_at
      FROM patients WHERE id = ${patient.id}`;
    const moved = await postPatient(nurse);
    await postTransfer(admin, moved, admin);
    await admin.delete(patientPath(moved));
    expect((await postErase(admin, patient)).body.removed).toMatchObject({
      stored_responses: 0,
      audit_changes: 1,
    });
    await postErase(admin, moved);
    const changesOf = (patient: { id: number }) => asOwner`
      SELECT action, changes IS NULL AS erased FROM audit_events
      WHERE patient_id = ${patient.id} AND changes_sha256 IS NOT NULL ORDER BY id`;
    expect(await changesOf({ id })).toEqual([{ action: "create", erased: false }]);
    expect(await changesOf(moved)).toEqual([
      { action: "create", erased: true },
      { action: "transfer", erased: false },
    ]);
  });

  test("with more changes than one request removes is erased by several requests, the patient by the last", async () => {
    const patient = await deletedPatient();
    await asOwner`
      INSERT INTO audit_events (action, outcome, patient_id, changes)
      SELECT 'update', 'done', ${patient.id}, '{"age":{"before":1,"after":2}}' FROM generate_series(1, 5000)`;
    const answers = [await postErase(admin, patient), await postErase(admin, patient)];
    expect(
      answers.map(({ body: { removed, more } }) => [removed.patients, removed.audit_changes, more]),
    ).toEqual([
      [0, 5000, true],
      [1, 1, false],
    ]);
    const events = await asOwner`
      SELECT outcome FROM audit_events WHERE patient_id = ${patient.id} AND action = 'erase'`;
    expect(events).toEqual([{ outcome: "done" }, { outcome: "done" }]);
  });
});

describe("POST /api/patients/:id/erase/", () => {
  test("is audited with its reason, and is 404 the second time", async () => {
    const patient = await deletedPatient();
    const event = { action: "erase", patients: [patient.id], changes: null, reason: REASON };
    expect(await auditEventsOf(await postErase(admin, patient))).toMatchObject([
      { ...event, outcome: "done" },
    ]);
    const second = await postErase(admin, patient);
    expect(second).toEqual(problem(404, "There is no such patient."));
    expect(await auditEventsOf(second)).toMatchObject([{ ...event, outcome: "not_found" }]);
    expect(await postRestore(admin, patient)).toEqual(problem(404, "There is no such deleted patient."));
  });

  test("of a patient that is not deleted is 409 and removes nothing", async () => {
    const patient = await postPatient(nurse);
    const answer = await postErase(admin, patient);
    expect(answer).toMatchObject({ status: 409, body: { code: "patient_not_deleted" } });
    expect(await auditEventsOf(answer)).toMatchObject([
      { action: "erase", outcome: "refused", reason: REASON },
    ]);
    const { body } = await nurse.get(`${patientPath(patient)}history/`);
    expect(body).toMatchObject([{ changes: { firstname: { after: "Ada" } } }]);
  });

  test("by the owner is 403 whether or not there is such a patient, and removes nothing", async () => {
    const patient = await deletedPatient();
    for (const id of [patient.id, 2147483647]) {
      const answer = await postErase(nurse, { id });
      expect(answer).toEqual(problem(403, "Only an admin may erase patients."));
      expect(await auditEventsOf(answer)).toMatchObject([{ action: "erase", outcome: "refused" }]);
    }
    expect((await postRestore(nurse, patient)).status).toBe(200);
  });
});
