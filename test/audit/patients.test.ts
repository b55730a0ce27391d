import { describe, expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { blankEvent, recordOf, whoIs } from "../support/record.ts";
import { createDoctor, createPatient, newPatient } from "../support/records.ts";

const api = connectApi();
const nurse = await newAccount(api);
const blank = blankEvent(api);

describe("what is on record of a patient:", () => {
  const of = (id: number) => ({ ...blank, ...whoIs(nurse), patients: [id] });

  test("who reads it, also when it is another's, or is not there", async () => {
    const own = await createPatient(nurse);
    const others = await createPatient(await newAccount(api));
    for (const [id, outcome] of [
      [own.id, "done"],
      [others.id, "not_found"],
      [2_147_483_647, "not_found"],
    ] as const)
      expect(await recordOf(await nurse.get(`/api/patients/${id}/`))).toEqual([
        { ...of(id), action: "read", outcome },
      ]);
  });

  test("a reading that sends nothing, for the client has it", async () => {
    const { id } = await createPatient(nurse);
    const { headers } = await nurse.get(`/api/patients/${id}/`);
    const match = { "If-None-Match": headers.get("ETag") ?? "" };
    const answer = await nurse.get(`/api/patients/${id}/`, { headers: match });
    expect(answer.status).toBe(304);
    expect(await recordOf(answer)).toEqual([{ ...of(id), action: "read" }]);
  });

  test("all fields of a new one, and those that a change changes, before and after", async () => {
    const sent = newPatient();
    const created = await nurse.post("/api/patients/", sent);
    const { id } = created.body;
    const all = Object.entries(sent).map(([field, after]) => [field, { before: null, after }]);
    expect(await recordOf(created)).toEqual([
      { ...of(id), action: "create", changes: Object.fromEntries(all) },
    ]);
    const changed = await nurse.patch(`/api/patients/${id}/`, { ...sent, age: 37, lastname: 'O"Neil' });
    const changes = { lastname: { before: "Lovelace", after: 'O"Neil' }, age: { before: 36, after: 37 } };
    expect(await recordOf(changed)).toEqual([{ ...of(id), action: "update", changes }]);
    const same = await nurse.patch(`/api/patients/${id}/`, { age: 37 });
    expect(await recordOf(same)).toEqual([{ ...of(id), action: "update", changes: null }]);
  });

  test("a change that If-Match forbids, without what it would have changed", async () => {
    const { id } = await createPatient(nurse);
    const headers = { "If-Match": '"7"' };
    const refused = { ...of(id), outcome: "refused" };
    const change = await nurse.patch(`/api/patients/${id}/`, { age: 1 }, { headers });
    expect(await recordOf(change)).toEqual([{ ...refused, action: "update" }]);
    const deletion = await nurse.delete(`/api/patients/${id}/`, { headers });
    expect(await recordOf(deletion)).toEqual([{ ...refused, action: "delete" }]);
  });

  test("what was not made, for its email is taken, as refused, with nobody's data", async () => {
    const { email } = await createPatient(nurse);
    const answer = await nurse.post("/api/patients/", newPatient({ email }));
    const { patients, ...nobody } = of(0);
    expect(await recordOf(answer)).toEqual([
      { ...nobody, patients: [], action: "create", outcome: "refused" },
    ]);
    expect(answer.status).toBe(409);
  });

  test("every page of a list or an export names all of its own", async () => {
    const account = await newAccount(api);
    const ids: number[] = [];
    for (let n = 0; n < 3; n += 1) ids.push((await createPatient(account)).id);
    const list = await account.get("/api/patients/?limit=2");
    expect(await recordOf(list)).toEqual([
      { ...blank, ...whoIs(account), action: "list", patients: ids.slice(0, 2) },
    ]);
    const whole = await account.get("/api/patients/export/");
    expect(await recordOf(whole)).toEqual([{ ...blank, ...whoIs(account), action: "export", patients: ids }]);
  });

  test("its assignments, with the doctor before and after, and who looks at them", async () => {
    const [patient, doctor] = [await createPatient(nurse), await createDoctor(nurse)];
    const assigned = await nurse.post("/api/mappings/", { patient: patient.id, doctor: doctor.id });
    const changes = (before: number | null, after: number | null) => ({ doctor: { before, after } });
    const one = of(patient.id);
    expect(await recordOf(assigned)).toEqual([
      { ...one, action: "assign", changes: changes(null, doctor.id) },
    ]);
    expect(await recordOf(await nurse.get(`/api/mappings/?patient=${patient.id}`))).toEqual([
      { ...one, action: "list" },
    ]);
    expect(await recordOf(await nurse.get(`/api/doctors/?patient=${patient.id}`))).toEqual([
      { ...one, action: "list" },
    ]);
    const stranger = await newAccount(api);
    for (const account of [stranger, nurse]) {
      const ended = await account.delete(`/api/mappings/${assigned.body.id}/`);
      const done = account === nurse;
      expect(await recordOf(ended)).toEqual([
        {
          ...one,
          ...whoIs(account),
          action: "unassign",
          outcome: done ? "done" : "not_found",
          changes: done ? changes(doctor.id, null) : null,
        },
      ]);
    }
  });

  test("an assignment that is not made, for the patient or the doctor is not there", async () => {
    const patient = (await createPatient(nurse)).id;
    const doctor = (await createDoctor(nurse)).id;
    const others = (await createPatient(await newAccount(api))).id;
    const none = 2_147_483_647;
    for (const [body, outcome] of [
      [{ patient, doctor: none }, "refused"],
      [{ patient: others, doctor }, "not_found"],
    ] as const)
      expect(await recordOf(await nurse.post("/api/mappings/", body))).toEqual([
        { ...of(body.patient), action: "assign", outcome },
      ]);
  });

  test("an import names those that it made, and none when it is refused", async () => {
    const file = (...records: object[]) => ({
      raw: records.map((one) => JSON.stringify(one)).join("\n"),
      headers: { "Content-Type": "application/x-ndjson" },
    });
    const [one, two] = [newPatient(), newPatient()];
    const made = await nurse.post("/api/patients/import/", undefined, file(one, two));
    const ids = made.body.created.map(({ id }: { id: number }) => id);
    expect(await recordOf(made)).toEqual([{ ...blank, ...whoIs(nurse), action: "import", patients: ids }]);
    const refused = await nurse.post("/api/patients/import/", undefined, file(newPatient(), one));
    expect(refused.status).toBe(400);
    expect(await recordOf(refused)).toEqual([
      { ...blank, ...whoIs(nurse), action: "import", outcome: "refused", patients: [] },
    ]);
  });
});
