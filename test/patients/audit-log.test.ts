import { describe, expect, test } from "vitest";
import { newAccount, type TestAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { asOwner } from "../support/owner.ts";
import { postTransfer } from "../support/ownership.ts";
import { idsOf, pagesFrom } from "../support/pages.ts";
import { anyTimestamp, problem } from "../support/problems.ts";
import { assignDoctor, postPatient } from "../support/resources.ts";

const api = connectApi();
const [nurse, admin] = [await newAccount(api), await newAccount(api, "admin")];
const historyOf = (account: TestAccount, id: number) => account.get(`/api/patients/${id}/history/`);
const accessesOf = (account: TestAccount, id: number) => account.get(`/api/patients/${id}/accesses/`);
const actions = ({ body }: { body: { action: string }[] }) => body.map(({ action }) => action);
const nurseAccount = { id: nurse.id, username: nurse.username };

describe("a patient's history", () => {
  test("has its changes and no reads, the newest first, each with account, time, before and after", async () => {
    const { patient: id, doctor, id: assignment } = await assignDoctor(nurse);
    await nurse.get(`/api/patients/${id}/`);
    await nurse.patch(`/api/patients/${id}/`, { age: 37, gender: "O" });
    await nurse.patch(`/api/patients/${id}/`, { age: 1 }, { headers: { "If-Match": '"77"' } });
    await nurse.delete(`/api/mappings/${assignment}/`);
    await nurse.delete(`/api/patients/${id}/`);
    await nurse.post(`/api/patients/${id}/restore/`);
    const { status, body } = await historyOf(nurse, id);
    const event = { id: expect.any(Number), at: anyTimestamp, account: nurseAccount };
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

  test("is 404 for all but the owner, works for a deleted patient, and goes with a transfer", async () => {
    const { id } = await postPatient(nurse);
    const to = await newAccount(api);
    for (const account of [to, admin]) expect(await historyOf(account, id)).toEqual(problem(404));
    await nurse.delete(`/api/patients/${id}/`);
    expect(actions(await historyOf(nurse, id))).toEqual(["delete", "create"]);
    await nurse.post(`/api/patients/${id}/restore/`);
    await postTransfer(admin, { id }, to);
    expect(await historyOf(nurse, id)).toEqual(problem(404));
    const { body } = await historyOf(to, id);
    expect(body[0]).toMatchObject({ action: "transfer", account: { id: admin.id } });
    expect(body.at(-1)).toMatchObject({ action: "create", account: nurseAccount });
  });

  test("has an import, and pages that visit every change once", async () => {
    const raw = JSON.stringify({
      firstname: "A",
      lastname: "B",
      email: "ab@example.org",
      age: 1,
      gender: "F",
    });
    const account = await newAccount(api);
    const headers = { "Content-Type": "application/x-ndjson" };
    const imported = await account.post("/api/patients/import/", undefined, { raw, headers });
    const { id } = imported.body.created[0];
    for (let age = 2; age < 7; age += 1) await account.patch(`/api/patients/${id}/`, { age });
    // All events have the same time.
    await asOwner`UPDATE audit_events SET at = date_trunc('second', now()) WHERE account_id = ${account.id}`;
    const visited = [];
    for await (const page of pagesFrom(account, `/api/patients/${id}/history/?limit=2`))
      visited.push(...page.body);
    expect(visited.map(({ changes }) => changes.age?.after)).toEqual([6, 5, 4, 3, 2, undefined]);
    expect(visited.at(-1)).toMatchObject({ action: "import", changes: {} });
  });
});

describe("a patient's accesses", () => {
  test("have every read, change and attempt with its reason, and the earlier reads of the accesses", async () => {
    const { id } = await postPatient(nurse);
    const stranger = await newAccount(api);
    await stranger.get(`/api/patients/${id}/`);
    await nurse.get("/api/patients/?limit=200&sort=-id");
    const reason = "Nobody else is here.";
    await admin.post(`/api/patients/${id}/access/`, { reason });
    await historyOf(admin, id);
    const { body } = await accessesOf(nurse, id);
    const event = {
      id: expect.any(Number),
      at: anyTimestamp,
      address: api.address,
      request_id: expect.any(String),
    };
    const by = ({ id, username }: TestAccount, role = "clinician") => ({
      account: { id, username, role },
      clinic: id,
    });
    expect(body).toEqual([
      { ...event, ...by(admin, "admin"), action: "history", outcome: "done" },
      { ...event, ...by(admin, "admin"), action: "break_glass", outcome: "done", reason },
      { ...event, ...by(nurse), action: "list", outcome: "done" },
      { ...event, ...by(stranger), action: "read", outcome: "not_found" },
      { ...event, ...by(nurse), action: "create", outcome: "done", changes: expect.any(Object) },
    ]);
    expect(actions(await accessesOf(nurse, id))[0]).toBe("accesses");
    expect(await accessesOf(stranger, id)).toEqual(problem(404));
    expect((await accessesOf(nurse, id)).body[0]).toMatchObject({ action: "accesses", outcome: "not_found" });
  });
});
