import { describe, expect, test } from "vitest";
import { type Account, newAccount, signUp } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { asOwner } from "../support/owner.ts";
import { idsOf, nextOf, pagesFrom } from "../support/pages.ts";
import { moment, problem, refusal } from "../support/problems.ts";
import { recordOf } from "../support/record.ts";
import { assign, createDoctor, createPatient } from "../support/records.ts";

const api = connectApi();
const [nurse, admin] = [await newAccount(api), await newAccount(api, "admin")];
const historyOf = (account: Account, id: number) => account.get(`/api/patients/${id}/history/`);
const accessesOf = (account: Account, id: number) => account.get(`/api/patients/${id}/accesses/`);
const auditOf = (query: string) => admin.get(`/api/audit/?${query}`);
const actions = ({ body }: { body: { action: string }[] }) => body.map(({ action }) => action);
const who = { id: nurse.id, username: nurse.username };

describe("a patient's history", () => {
  test("has its changes and no readings, the newest first, each with who, when, before and after", async () => {
    const { patient: id, doctor, id: assignment } = await assign(nurse);
    await nurse.get(`/api/patients/${id}/`);
    await nurse.patch(`/api/patients/${id}/`, { age: 37, gender: "O" });
    await nurse.patch(`/api/patients/${id}/`, { age: 1 }, { headers: { "If-Match": '"77"' } });
    await nurse.delete(`/api/mappings/${assignment}/`);
    await nurse.delete(`/api/patients/${id}/`);
    await nurse.post(`/api/patients/${id}/restore/`);
    const { status, body } = await historyOf(nurse, id);
    const event = { id: expect.any(Number), at: moment, account: who };
    const changed = { age: { before: 36, after: 37 }, gender: { before: "F", after: "O" } };
    expect({ status, body }).toEqual({
      status: 200,
      body: [
        { ...event, action: "restore", changes: {} },
        { ...event, action: "delete", changes: {} },
        { ...event, action: "unassign", changes: { doctor: { before: doctor, after: null } } },
        { ...event, action: "update", changes: changed },
        { ...event, action: "assign", changes: { doctor: { before: null, after: doctor } } },
        {
          ...event,
          action: "create",
          changes: expect.objectContaining({ age: { before: null, after: 36 } }),
        },
      ],
    });
    expect(Object.keys(body[0])).toEqual(["id", "at", "account", "action", "changes"]);
    expect(idsOf({ body } as never)).toEqual(idsOf({ body } as never).sort((a, b) => b - a));
  });

  test("is its owner's, of a deleted one too, and goes with it to a new one", async () => {
    const { id } = await createPatient(nurse);
    const to = await newAccount(api);
    for (const account of [to, admin]) expect(await historyOf(account, id)).toEqual(problem(404));
    await nurse.delete(`/api/patients/${id}/`);
    expect(actions(await historyOf(nurse, id))).toEqual(["delete", "create"]);
    await nurse.post(`/api/patients/${id}/restore/`);
    await admin.post(`/api/patients/${id}/transfer/`, { to: to.id });
    expect(await historyOf(nurse, id)).toEqual(problem(404));
    const { body } = await historyOf(to, id);
    expect(body[0]).toMatchObject({ action: "transfer", account: { id: admin.id } });
    expect(body.at(-1)).toMatchObject({ action: "create", account: who });
  });

  test("has an import, and comes in pages that visit every change once", async () => {
    const raw = JSON.stringify({
      firstname: "A",
      lastname: "B",
      email: "ab@example.org",
      age: 1,
      gender: "F",
    });
    const account = await newAccount(api);
    const headers = { "Content-Type": "application/x-ndjson" };
    const made = await account.post("/api/patients/import/", undefined, { raw, headers });
    const { id } = made.body.created[0];
    for (let age = 2; age < 7; age += 1) await account.patch(`/api/patients/${id}/`, { age });
    // At one and the same moment.
    await asOwner`UPDATE audit_events SET at = date_trunc('second', now()) WHERE account_id = ${account.id}`;
    const visited = [];
    for await (const page of pagesFrom(account, `/api/patients/${id}/history/?limit=2`))
      visited.push(...page.body);
    expect(visited.map(({ changes }) => changes.age?.after)).toEqual([6, 5, 4, 3, 2, undefined]);
    expect(visited.at(-1)).toMatchObject({ action: "import", changes: {} });
  });
});

describe("a patient's accesses", () => {
  test("have everybody who looked, changed or tried to, and why, and show themselves the next time", async () => {
    const { id } = await createPatient(nurse);
    const stranger = await newAccount(api);
    await stranger.get(`/api/patients/${id}/`);
    await nurse.get("/api/patients/?limit=200&sort=-id");
    const reason = "Nobody else is here.";
    await admin.post(`/api/patients/${id}/access/`, { reason });
    await historyOf(admin, id);
    const { body } = await accessesOf(nurse, id);
    const event = {
      id: expect.any(Number),
      at: moment,
      address: api.address,
      request_id: expect.any(String),
    };
    const of = ({ id, username }: Account, role = "clinician") => ({ account: { id, username, role } });
    expect(body).toEqual([
      { ...event, ...of(admin, "admin"), action: "history", outcome: "done" },
      { ...event, ...of(admin, "admin"), action: "break_glass", outcome: "done", reason },
      { ...event, ...of(nurse), action: "list", outcome: "done" },
      { ...event, ...of(stranger), action: "read", outcome: "not_found" },
      { ...event, ...of(nurse), action: "create", outcome: "done", changes: expect.any(Object) },
    ]);
    expect(actions(await accessesOf(nurse, id))[0]).toBe("accesses");
    expect(await accessesOf(stranger, id)).toEqual(problem(404));
    expect((await accessesOf(nurse, id)).body[0]).toMatchObject({ action: "accesses", outcome: "not_found" });
  });
});

describe("the whole record", () => {
  test("is for admins, and that somebody else asked for it is on it", async () => {
    const answer = await nurse.get("/api/audit/");
    expect(answer).toEqual(problem(403, "Only an admin may read the record."));
    expect(await recordOf(answer)).toMatchObject([{ action: "audit", outcome: "refused", patients: [] }]);
  });

  test("names, where it is read, those of whom it is told what they were, and who was asked for", async () => {
    const account = await newAccount(api);
    const [one, other] = [await createPatient(account), await createPatient(account)];
    await account.get("/api/patients/");
    const answer = await auditOf(`account=${account.id}`);
    expect(await recordOf(answer)).toMatchObject([{ action: "audit", patients: [one.id, other.id] }]);
    const nothing = await auditOf(`patient=${one.id}&action=delete`);
    expect(await recordOf(nothing)).toMatchObject([{ action: "audit", patients: [one.id] }]);
    expect(actions(await accessesOf(account, one.id)).slice(0, 2)).toEqual(["audit", "audit"]);
  });

  test("says of patients, a doctor and an account whom it was about", async () => {
    const account = await newAccount(api);
    const { id } = await createPatient(account);
    const doctor = await createDoctor(account);
    await account.delete(`/api/doctors/${doctor.id}/`);
    const { body } = await auditOf(`account=${account.id}`);
    const shown = body.map(({ action, patients, doctor }: Record<string, unknown>) => ({
      action,
      patients,
      doctor,
    }));
    expect(shown).toEqual([
      { action: "delete", doctor: doctor.id },
      { action: "create", doctor: doctor.id },
      { action: "create", patients: [id] },
    ]);
    const keys = ["id", "at", "account", "action", "patients", "outcome", "address", "request_id", "changes"];
    expect(Object.keys(body[2])).toEqual(keys);
    await asOwner`INSERT INTO audit_events (action, outcome, subject_id) VALUES ('disable', 'done', ${account.id})`;
    const [event] = (await auditOf("action=disable&limit=200")).body.filter(
      ({ subject }: { subject: number }) => subject === account.id,
    );
    expect(event).toMatchObject({ account: null, address: null, request_id: null, subject: account.id });
    const { id: newcomer } = await signUp(api);
    const [login] = (await auditOf(`account=${newcomer}&action=login`)).body;
    expect(login).toMatchObject({ patients: [], outcome: "done" });
  });

  test("is filtered by each of its fields and by all, from a moment on and before another", async () => {
    const [one, other] = [await newAccount(api), await newAccount(api)];
    const { id } = await createPatient(one);
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
      WHERE patients @> ARRAY[${id}::int] AND id <= ${update}::bigint`;
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

  test("comes in pages that visit every event once, and a cursor is good for its own list", async () => {
    const account = await newAccount(api);
    const { id } = await createPatient(account);
    for (let n = 0; n < 6; n += 1) await account.get(`/api/patients/${id}/`);
    await asOwner`UPDATE audit_events SET at = date_trunc('second', now()) WHERE account_id = ${account.id}`;
    for (const query of [`account=${account.id}`, `patient=${id}`, `account=${account.id}&patient=${id}`]) {
      const visited: number[] = [];
      for await (const page of pagesFrom(admin, `/api/audit/?${query}&limit=3`)) visited.push(...idsOf(page));
      const whole = idsOf(await auditOf(`${query}&limit=200`)).filter((event) => event <= (visited[0] ?? 0));
      expect(visited).toEqual(whole);
      expect(new Set(visited).size).toBeGreaterThanOrEqual(7);
    }
    const next = nextOf(await account.get(`/api/patients/${id}/accesses/?limit=1`));
    const cursor = new URL(`https://x${next}`).searchParams.get("cursor");
    const other = await createPatient(account);
    for (const path of [
      `/api/patients/${other.id}/accesses/`,
      `/api/patients/${id}/history/`,
      "/api/patients/",
    ])
      expect(await account.get(`${path}?cursor=${cursor}`)).toEqual(refusal("cursor"));
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
  ])("?%s is 400 and asks nothing of the database", async (query, fields) => {
    await api.databaseRequests();
    expect(await auditOf(query)).toEqual(refusal(...fields));
    expect(await api.databaseRequests()).toBe(0);
  });

  test("takes the first and the last moments there are", async () => {
    expect((await auditOf("to=0001-01-01T00:00:00Z")).body).toEqual([]);
    expect((await auditOf("from=9999-12-31T23:59:59.999999Z")).body).toEqual([]);
  });
});
