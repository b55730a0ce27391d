import { describe, expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { actorColumns, auditEventsOf, emptyAuditEvent } from "../support/audit-events.ts";
import { newPatient, postDoctor, postPatient } from "../support/resources.ts";

const api = connectApi();
const nurse = await newAccount(api);
const blank = emptyAuditEvent(api);

describe("the audit log of a patient has", () => {
  const eventOf = (id: number) => ({ ...blank, ...actorColumns(nurse), patients: [id] });

  test("each read, also of another account's patient and of an unknown id", async () => {
    const own = await postPatient(nurse);
    const others = await postPatient(await newAccount(api));
    for (const [id, outcome] of [
      [own.id, "done"],
      [others.id, "not_found"],
      [2_147_483_647, "not_found"],
    ] as const)
      expect(await auditEventsOf(await nurse.get(`/api/patients/${id}/`))).toEqual([
        { ...eventOf(id), action: "read", outcome },
      ]);
  });

  test("a read that is 304", async () => {
    const { id } = await postPatient(nurse);
    const { headers } = await nurse.get(`/api/patients/${id}/`);
    const match = { "If-None-Match": headers.get("ETag") ?? "" };
    const answer = await nurse.get(`/api/patients/${id}/`, { headers: match });
    expect(answer.status).toBe(304);
    expect(await auditEventsOf(answer)).toEqual([{ ...eventOf(id), action: "read" }]);
  });

  test("a read that is 412 as refused", async () => {
    const { id } = await postPatient(nurse);
    const answer = await nurse.get(`/api/patients/${id}/`, { headers: { "If-Match": '"2"' } });
    expect(answer.status).toBe(412);
    expect(await auditEventsOf(answer)).toEqual([{ ...eventOf(id), action: "read", outcome: "refused" }]);
  });

  test("all fields of a new patient, and the changed fields of a PATCH, before and after", async () => {
    const sent = newPatient();
    const created = await nurse.post("/api/patients/", sent);
    const { id } = created.body;
    const fields = Object.entries(sent).map(([field, after]) => [field, { before: null, after }]);
    expect(await auditEventsOf(created)).toEqual([
      { ...eventOf(id), action: "create", changes: Object.fromEntries(fields) },
    ]);
    const update = await nurse.patch(`/api/patients/${id}/`, { ...sent, age: 37, lastname: 'O"Neil' });
    const changes = { lastname: { before: "Lovelace", after: 'O"Neil' }, age: { before: 36, after: 37 } };
    expect(await auditEventsOf(update)).toEqual([{ ...eventOf(id), action: "update", changes }]);
    const noChange = await nurse.patch(`/api/patients/${id}/`, { age: 37 });
    expect(await auditEventsOf(noChange)).toEqual([{ ...eventOf(id), action: "update", changes: null }]);
  });

  test("a change that is 412, without the fields", async () => {
    const { id } = await postPatient(nurse);
    const headers = { "If-Match": '"7"' };
    const event = { ...eventOf(id), outcome: "refused" };
    const change = await nurse.patch(`/api/patients/${id}/`, { age: 1 }, { headers });
    expect(await auditEventsOf(change)).toEqual([{ ...event, action: "update" }]);
    const deletion = await nurse.delete(`/api/patients/${id}/`, { headers });
    expect(await auditEventsOf(deletion)).toEqual([{ ...event, action: "delete" }]);
  });

  test("a POST that is 409 as refused, without a patient", async () => {
    const { email } = await postPatient(nurse);
    const answer = await nurse.post("/api/patients/", newPatient({ email }));
    const { patients, ...event } = eventOf(0);
    expect(await auditEventsOf(answer)).toEqual([
      { ...event, patients: null, action: "create", outcome: "refused" },
    ]);
    expect(answer.status).toBe(409);
  });

  test("each page of a list and of an export, with the ids of its patients", async () => {
    const account = await newAccount(api);
    const ids: number[] = [];
    for (let n = 0; n < 3; n += 1) ids.push((await postPatient(account)).id);
    const list = await account.get("/api/patients/?limit=2");
    expect(await auditEventsOf(list)).toEqual([
      { ...blank, ...actorColumns(account), action: "list", patients: ids.slice(0, 2) },
    ]);
    const file = await account.get("/api/patients/export/");
    expect(await auditEventsOf(file)).toEqual([
      { ...blank, ...actorColumns(account), action: "export", patients: ids },
    ]);
  });

  test("its assignments, with the doctor before and after, and each read of them", async () => {
    const [patient, doctor] = [await postPatient(nurse), await postDoctor(nurse)];
    const assigned = await nurse.post("/api/mappings/", { patient: patient.id, doctor: doctor.id });
    const changes = (before: number | null, after: number | null) => ({ doctor: { before, after } });
    const event = eventOf(patient.id);
    expect(await auditEventsOf(assigned)).toEqual([
      { ...event, action: "assign", changes: changes(null, doctor.id) },
    ]);
    expect(await auditEventsOf(await nurse.get(`/api/mappings/?patient=${patient.id}`))).toEqual([
      { ...event, action: "list" },
    ]);
    expect(await auditEventsOf(await nurse.get(`/api/doctors/?patient=${patient.id}`))).toEqual([
      { ...event, action: "list" },
    ]);
    const stranger = await newAccount(api);
    for (const account of [stranger, nurse]) {
      const unassigned = await account.delete(`/api/mappings/${assigned.body.id}/`);
      const isOwner = account === nurse;
      expect(await auditEventsOf(unassigned)).toEqual([
        {
          ...event,
          ...actorColumns(account),
          action: "unassign",
          outcome: isOwner ? "done" : "not_found",
          changes: isOwner ? changes(doctor.id, null) : null,
        },
      ]);
    }
  });

  test("an assignment that is 400 because the patient or the doctor is unknown", async () => {
    const patient = (await postPatient(nurse)).id;
    const doctor = (await postDoctor(nurse)).id;
    const others = (await postPatient(await newAccount(api))).id;
    const unknown = 2_147_483_647;
    for (const [body, outcome] of [
      [{ patient, doctor: unknown }, "refused"],
      [{ patient: others, doctor }, "not_found"],
    ] as const)
      expect(await auditEventsOf(await nurse.post("/api/mappings/", body))).toEqual([
        { ...eventOf(body.patient), action: "assign", outcome },
      ]);
  });

  test("an import, with the ids of the patients that it created, and none when it is 400", async () => {
    const file = (...records: object[]) => ({
      raw: records.map((one) => JSON.stringify(one)).join("\n"),
      headers: { "Content-Type": "application/x-ndjson" },
    });
    const [one, two] = [newPatient(), newPatient()];
    const imported = await nurse.post("/api/patients/import/", undefined, file(one, two));
    const ids = imported.body.created.map(({ id }: { id: number }) => id);
    expect(await auditEventsOf(imported)).toEqual([
      { ...blank, ...actorColumns(nurse), action: "import", patients: ids },
    ]);
    const refused = await nurse.post("/api/patients/import/", undefined, file(newPatient(), one));
    expect(refused.status).toBe(400);
    expect(await auditEventsOf(refused)).toEqual([
      { ...blank, ...actorColumns(nurse), action: "import", outcome: "refused", patients: [] },
    ]);
  });
});
