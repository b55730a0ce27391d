import { describe, expect, test } from "vitest";
import { newAccount, signUp, type TestAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { assignedPair, bookablePair, hoursFromNow } from "../support/appointments.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { asOwner } from "../support/owner.ts";
import { postTransfer, REASON } from "../support/ownership.ts";
import { idsOf, nextOf, pagesFrom } from "../support/pages.ts";
import { fieldProblem, problem } from "../support/problems.ts";
import { assignDoctor, newPatient, postDoctor, postPatient } from "../support/resources.ts";

const api = connectApi();
const [nurse, admin] = [await newAccount(api), await newAccount(api, "admin")];
const accessesOf = (account: TestAccount, id: number) => account.get(`/api/patients/${id}/accesses/`);
const auditOf = (query: string) => admin.get(`/api/audit/?${query}`);
const actions = ({ body }: { body: { action: string }[] }) => body.map(({ action }) => action);

describe("GET /api/audit/", () => {
  test("by a clinician is 403 and audited as refused", async () => {
    const answer = await nurse.get("/api/audit/");
    expect(answer).toEqual(problem(403, "Only an admin or an auditor may read the audit log."));
    expect(await auditEventsOf(answer)).toMatchObject([
      { action: "audit", outcome: "refused", patients: [] },
    ]);
  });

  test("is audited with the patients of the events that it returns and of the filter", async () => {
    const account = await newAccount(api);
    const [one, other] = [await postPatient(account), await postPatient(account)];
    await account.get("/api/patients/");
    const answer = await auditOf(`account=${account.id}`);
    expect(await auditEventsOf(answer)).toMatchObject([{ action: "audit", patients: [one.id, other.id] }]);
    const empty = await auditOf(`patient=${one.id}&action=delete`);
    expect(await auditEventsOf(empty)).toMatchObject([{ action: "audit", patients: [one.id] }]);
    expect(actions(await accessesOf(account, one.id)).slice(0, 2)).toEqual(["audit", "audit"]);
  });

  test("returns the patients, the doctor and the account that an event is about", async () => {
    const account = await newAccount(api);
    const { id } = await postPatient(account);
    const doctor = await postDoctor(account);
    await account.delete(`/api/doctors/${doctor.id}/`);
    const { body } = await auditOf(`account=${account.id}`);
    const subjects = body.map(({ action, patients, doctor }: Record<string, unknown>) => ({
      action,
      patients,
      doctor,
    }));
    expect(subjects).toEqual([
      { action: "delete", doctor: doctor.id },
      { action: "create", doctor: doctor.id },
      { action: "create", patients: [id] },
    ]);
    const keys = ["id", "at", "account", "action", "patients", "outcome", "address", "request_id"];
    expect(Object.keys(body[2])).toEqual([...keys, "changed_fields", "clinic"]);
    await asOwner`INSERT INTO audit_events (action, outcome, subject_id) VALUES ('disable', 'done', ${account.id})`;
    const [event] = (await auditOf("action=disable&limit=200")).body.filter(
      ({ subject }: { subject: number }) => subject === account.id,
    );
    expect(event).toMatchObject({ account: null, address: null, request_id: null, subject: account.id });
    const { id: newcomer } = await signUp(api);
    const [login] = (await auditOf(`account=${newcomer}&action=login`)).body;
    expect(login).toMatchObject({ patients: [], outcome: "done" });
  });

  test("shows the names of the changed fields of patients and never a value of theirs", async () => {
    const [account, to] = [await newAccount(api), await newAccount(api)];
    const doctor = await postDoctor(account);
    const sent = newPatient({ firstname: "Zaphod", lastname: "Beeblebrox", age: 119 });
    const { id } = (await account.post("/api/patients/", sent)).body;
    await account.patch(`/api/patients/${id}/`, { lastname: "Trillian", age: 118 });
    await account.patch(`/api/patients/${id}/`, { age: 118 });
    const assignment = await assignDoctor(account, { patient: { id }, doctor });
    await account.delete(`/api/mappings/${assignment.id}/`);
    await account.delete(`/api/patients/${id}/`);
    await account.post(`/api/patients/${id}/restore/`);
    await postTransfer(admin, { id }, to);
    await admin.post("/api/patients/transfer/", { from: to.id, to: account.id, reason: REASON });
    const { body } = await auditOf(`patient=${id}`);
    expect(body.map((event: object) => [Object(event).action, Object(event).changed_fields])).toEqual([
      ["transfer", ["owner"]],
      ["transfer", ["owner"]],
      ["restore", undefined],
      ["delete", undefined],
      ["unassign", ["doctor"]],
      ["assign", ["doctor"]],
      ["update", undefined],
      ["update", ["lastname", "age"]],
      ["create", ["firstname", "lastname", "email", "age", "gender"]],
    ]);
    expect(body.filter((event: object) => "changes" in event)).toEqual([]);
    const text = JSON.stringify(body);
    for (const value of ["Zaphod", "Beeblebrox", "Trillian", sent.email]) expect(text).not.toContain(value);
    const { body: changes } = await account.get(`/api/patients/${id}/history/`);
    expect(changes.at(-2)).toMatchObject({ changes: { age: { before: 119, after: 118 } } });
  });

  test("returns of an appointment the patient and the names of the changed fields, and neither its values nor its doctor", async () => {
    const account = await newAccount(api);
    const { patient, doctor } = await bookablePair(account);
    const booking = { patient: patient.id, doctor: doctor.id, starts_at: hoursFromNow(24), note: "By phone" };
    const { id } = (await account.post("/api/appointments/", booking)).body;
    await account.get(`/api/appointments/${id}/`);
    await account.patch(`/api/appointments/${id}/`, { starts_at: hoursFromNow(48) });
    await account.patch(`/api/appointments/${id}/`, { status: "cancelled", cancel_reason: "Moved away" });
    const { body } = await auditOf(`account=${account.id}&limit=4`);
    const shown = body.map(({ action, patients, changed_fields }: Record<string, unknown>) => [
      action,
      patients,
      changed_fields,
    ]);
    expect(shown).toEqual([
      ["cancel", [patient.id], ["status", "cancel_reason"]],
      ["reschedule", [patient.id], ["starts_at", "ends_at"]],
      ["read", [patient.id], undefined],
      ["book", [patient.id], ["starts_at", "ends_at", "status", "note"]],
    ]);
    expect(body.filter((event: object) => "changes" in event || "doctor" in event)).toEqual([]);
    const { body: accesses } = await accessesOf(account, patient.id);
    expect(accesses).toContainEqual(
      expect.objectContaining({
        action: "cancel",
        changes: {
          status: { before: "booked", after: "cancelled" },
          cancel_reason: { before: null, after: "***" },
        },
      }),
    );
  });

  test("returns the doctor and the patients of an event about the patients of a doctor", async () => {
    const account = await newAccount(api);
    const [{ patient, doctor }, other] = [await assignedPair(account), await postDoctor(account)];
    await account.post(`/api/doctors/${doctor.id}/reassign/`, { to: other.id });
    const [event] = (await auditOf(`account=${account.id}&limit=1`)).body;
    expect(event).toMatchObject({ action: "assign", doctor: doctor.id, patients: [patient.id] });
  });

  test("shows the values of doctors, accounts and invitations", async () => {
    const by = await newAccount(api, "admin");
    const doctor = await postDoctor(by);
    await by.patch(`/api/doctors/${doctor.id}/`, { lastname: "Cuddy" });
    await by.patch(`/api/accounts/${nurse.id}/`, { active: true, role: "clinician" });
    await by.patch(`/api/accounts/${(await newAccount(api)).id}/`, { active: false });
    await by.post("/api/invitations/", { email: "grace@example.org", role: "clinician" });
    const { body } = await auditOf(`account=${by.id}`);
    expect(body).toMatchObject([
      { action: "invite", changes: { email: { before: null, after: "grace@example.org" } } },
      { action: "update_account", changes: { active: { before: true, after: false } } },
      { action: "update_account" },
      { action: "update", changes: { lastname: { before: "House", after: "Cuddy" } } },
      { action: "create", changes: { firstname: { before: null, after: "Gregory" } } },
    ]);
    expect(body.filter((event: object) => "changed_fields" in event)).toEqual([]);
  });

  test("filters by each field, by several, and by time: from is included, to is not", async () => {
    const [one, other] = [await newAccount(api), await newAccount(api)];
    const { id } = await postPatient(one);
    await other.get(`/api/patients/${id}/`);
    await one.patch(`/api/patients/${id}/`, { age: 1 });
    const all = (await auditOf(`patient=${id}`)).body;
    expect(actions({ body: all })).toEqual(["update", "read", "create"]);
    const [update, read, create] = all.map((event: { id: number }) => event.id);
    const found = async (query: string) => idsOf(await auditOf(`patient=${id}&${query}`));
    expect(await found(`account=${one.id}`)).toEqual([update, create]);
    expect(await found("action=read")).toEqual([read]);
    expect(await found("outcome=not_found")).toEqual([read]);
    expect(await found(`account=${one.id}&action=create&outcome=done`)).toEqual([create]);
    expect(await found(`account=${other.id}&action=create`)).toEqual([]);
    await asOwner`
      UPDATE audit_events SET at = '2026-01-01T00:00:00Z'::timestamptz + (id - ${create}::bigint) * interval '1 second'
      WHERE ${id}::int = ANY (patients || patient_id) AND id <= ${update}::bigint`;
    const at = (event: number) =>
      new Date(Date.parse("2026-01-01T00:00:00Z") + (event - create) * 1000).toISOString();
    for (const by of [`patient=${id}`, `account=${one.id}&patient=${id}`, `patient=${id}&outcome=done`]) {
      const between = async (query: string) => idsOf(await auditOf(`${by}&${query}`));
      expect(await between(`from=${at(update)}&to=2026-06-01T00:00:00Z`)).toEqual([update]);
      expect(await between(`to=${at(update)}&from=${at(create)}`)).toContain(create);
      expect(await between(`to=${at(create)}`)).toEqual([]);
    }
    expect(idsOf(await auditOf(`from=${at(create)}&to=${at(update)}&account=${one.id}`))).toEqual([create]);
    expect(
      idsOf(await auditOf(`to=${at(update)}&outcome=not_found&from=${at(create)}&account=${other.id}`)),
    ).toEqual([read]);
  });

  test("has pages that visit every event once, and refuses its cursor in another list", async () => {
    const account = await newAccount(api);
    const { id } = await postPatient(account);
    for (let n = 0; n < 6; n += 1) await account.get(`/api/patients/${id}/`);
    await asOwner`UPDATE audit_events SET at = date_trunc('second', now()) WHERE account_id = ${account.id}`;
    for (const query of [`account=${account.id}`, `patient=${id}`, `account=${account.id}&patient=${id}`]) {
      const visited: number[] = [];
      for await (const page of pagesFrom(admin, `/api/audit/?${query}&limit=3`)) visited.push(...idsOf(page));
      const all = idsOf(await auditOf(`${query}&limit=200`)).filter((event) => event <= (visited[0] ?? 0));
      expect(visited).toEqual(all);
      expect(new Set(visited).size).toBeGreaterThanOrEqual(7);
    }
    const next = nextOf(await account.get(`/api/patients/${id}/accesses/?limit=1`));
    const cursor = new URL(`https://x${next}`).searchParams.get("cursor");
    const other = await postPatient(account);
    for (const path of [
      `/api/patients/${other.id}/accesses/`,
      `/api/patients/${id}/history/`,
      "/api/patients/",
    ])
      expect(await account.get(`${path}?cursor=${cursor}`)).toEqual(fieldProblem("cursor"));
  });

  test.each([
    ["patients=1", ["patients"]],
    ["sort=id", ["sort"]],
    ["account=0&patient=x&action=%20&outcome=failed", ["account", "patient", "action", "outcome"]],
    ["from=yesterday&to=2026-02-30T00:00:00Z", ["from", "to"]],
    ["from=2026-01-01T00:00:00%2B01:00", ["from"]],
    ["from=0000-01-01T00:00:00Z", ["from"]],
    [`from=2026-01-01T00:00:00.${"0".repeat(200)}Z`, ["from"]],
    ["from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", ["to"]],
  ])("?%s is 400 and makes no database request", async (query, fields) => {
    await api.databaseRequests();
    expect(await auditOf(query)).toEqual(fieldProblem(...fields));
    expect(await api.databaseRequests()).toBe(0);
  });

  test("accepts the first and the last timestamps of years 1 to 9999", async () => {
    expect((await auditOf("to=0001-01-01T00:00:00Z")).body).toEqual([]);
    expect((await auditOf("from=9999-12-31T23:59:59.999999Z")).body).toEqual([]);
  });
});
