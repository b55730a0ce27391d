import { expect, test } from "vitest";
import { newAccount, uniqueName, withToken } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { addMember, movedTo, newClinic, newMember } from "../support/clinics.ts";
import { asOwner } from "../support/owner.ts";
import { idsOf, pagesFrom } from "../support/pages.ts";
import { fieldProblem, problem } from "../support/problems.ts";
import { postPatient } from "../support/resources.ts";
import { postClinic } from "./requests.ts";

const api = connectApi({ TIME_ZONE: "Europe/Berlin" });
const admin = await newAccount(api, "admin");
const timestamp = expect.stringMatching(/^\d{4}-.+Z$/);

const membersOf = (clinic: number) => asOwner`
  SELECT account_id, role, is_interim, ended_at IS NOT NULL AS ended FROM memberships WHERE clinic_id = ${clinic} ORDER BY account_id`;

test("an account has its personal clinic in the list, with the API's time zone", async () => {
  const { get, id, username } = await newAccount(api);
  const clinic = {
    ...{ id, name: username, kind: "personal", time_zone: "Europe/Berlin", active: true, role: "manager" },
    ...{ created_at: timestamp, updated_at: timestamp },
  };
  const list = await get("/api/clinics/");
  expect([list.status, list.body]).toEqual([200, [clinic]]);
  expect((await get(`/api/clinics/${id}/`)).body).toEqual(clinic);
});

test("the list has the clinics of current memberships with the role there, page by page", async () => {
  const account = await newAccount(api);
  const [first, ended, last] = [await newClinic(), await newClinic(), await newClinic()];
  for (const clinic of [first, ended, last]) await addMember(clinic, account, "clerk");
  await asOwner`UPDATE memberships SET ended_at = now() WHERE clinic_id = ${ended} AND account_id = ${account.id}`;
  const seen: number[] = [];
  for await (const page of pagesFrom(account, "/api/clinics/?limit=1")) seen.push(...idsOf(page));
  expect(seen).toEqual([account.id, first, last]);
  const { body } = await account.get("/api/clinics/?sort=-id");
  expect(body.map(({ id, role }: { id: number; role: string }) => [id, role])).toEqual([
    [last, "clerk"],
    [first, "clerk"],
    [account.id, "manager"],
  ]);
  expect(await account.get(`/api/clinics/${ended}/`)).toEqual(problem(404));
});

test("an admin sees all clinics, with the role null where it is no member", async () => {
  const { id } = await newAccount(api);
  expect((await admin.get(`/api/clinics/${id}/`)).body).toMatchObject({ id, role: null });
  const seen = idsOf(await admin.get("/api/clinics/?sort=-id&limit=200"));
  expect(seen).toEqual(expect.arrayContaining([id, admin.id]));
});

test("POST creates a clinic with a manager, and the admin is no member", async () => {
  const manager = await newAccount(api);
  const name = uniqueName("clinic ");
  const answer = await admin.post("/api/clinics/", { name, time_zone: "asia/tokyo", manager: manager.id });
  const { id, ...rest } = answer.body;
  expect([answer.status, rest]).toEqual([
    201,
    {
      ...{ name, kind: "shared", time_zone: "asia/tokyo", active: true, role: null },
      ...{ created_at: timestamp, updated_at: timestamp },
    },
  ]);
  expect(answer.headers.get("Location")).toBe(`/api/clinics/${id}/`);
  expect((await manager.get(`/api/clinics/${id}/`)).body).toEqual({ id, ...rest, role: "manager" });
  expect(await membersOf(id)).toEqual([
    { account_id: manager.id, role: "manager", is_interim: false, ended: false },
  ]);
  expect(await auditEventsOf(answer)).toMatchObject([
    {
      action: "create_clinic",
      subject_id: manager.id,
      changes: { clinic: { before: null, after: id }, manager: { after: manager.id } },
    },
  ]);
});

test("POST without a manager makes the admin the manager until another is named, with the API's time zone", async () => {
  const answer = await admin.post("/api/clinics/", { name: "Interim" });
  expect(answer.body).toMatchObject({ role: "manager", time_zone: "Europe/Berlin" });
  const { id } = answer.body;
  expect(await membersOf(id)).toMatchObject([{ account_id: admin.id, is_interim: true }]);
  const [clerk, manager] = [await newAccount(api), await newAccount(api)];
  await admin.post(`/api/clinics/${id}/members/`, { account: clerk.id, role: "clerk" });
  expect(await admin.get(`/api/clinics/${id}/`)).toMatchObject({ body: { role: "manager" } });
  const named = await admin.post(`/api/clinics/${id}/members/`, { account: manager.id, role: "manager" });
  expect(named.status).toBe(201);
  expect(await membersOf(id)).toMatchObject([
    { account_id: admin.id, ended: true },
    { account_id: clerk.id, ended: false },
    { account_id: manager.id, ended: false },
  ]);
  const events = await auditEventsOf(named);
  expect(events).toHaveLength(2);
  expect(events).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ action: "add_member", subject_id: manager.id }),
      expect.objectContaining({ action: "end_member", subject_id: admin.id }),
    ]),
  );
});

test("POST with an idempotency key creates one clinic", async () => {
  const headers = { "Idempotency-Key": uniqueName("key-") };
  const send = (name: string) => admin.post("/api/clinics/", { name }, { headers });
  const [first, second] = [await send("North"), await send("North")];
  expect([first.status, second.status, second.body]).toEqual([201, 201, first.body]);
  expect(second.headers.get("Idempotency-Replayed")).toBe("true");
  expect((await send("South")).status).toBe(422);
});

test.each(["UTC+3", "FOO3", "+03:00", "Europe/Nowhere", "-3", "EST+5", "CET", ""])(
  "the time zone %j is 400",
  async (time_zone) => {
    expect(await admin.post("/api/clinics/", { name: "North", time_zone })).toEqual(
      fieldProblem("time_zone"),
    );
    const { id } = await postClinic(admin);
    expect(await admin.patch(`/api/clinics/${id}/`, { time_zone })).toEqual(fieldProblem("time_zone"));
  },
);

test("POST with an unknown, a disabled or an auditor's account as manager is 400, and with the own one 403", async () => {
  const [auditor, disabled] = [await newAccount(api, "auditor"), await newAccount(api)];
  await asOwner`UPDATE users SET active = false WHERE id = ${disabled.id}`;
  for (const manager of [2_147_483_647, auditor.id, disabled.id])
    expect(await admin.post("/api/clinics/", { name: "North", manager })).toEqual(fieldProblem("manager"));
  const own = await admin.post("/api/clinics/", { name: "North", manager: admin.id });
  expect(own).toMatchObject({ status: 403, body: { code: "own_membership" } });
});

test("PATCH changes the fields that are sent, and a whole clinic can be sent back", async () => {
  const { id } = await postClinic(admin);
  const manager = await newMember(api, id, "manager");
  const before = (await manager.get(`/api/clinics/${id}/`)).body;
  const answer = await manager.patch(`/api/clinics/${id}/`, { ...before, name: "South" });
  expect([answer.status, answer.body]).toEqual([200, { ...before, name: "South", updated_at: timestamp }]);
  expect(await auditEventsOf(answer)).toMatchObject([
    {
      action: "update_clinic",
      outcome: "done",
      changes: { clinic: { before: id, after: id }, name: { before: before.name, after: "South" } },
    },
  ]);
  const moved = await admin.patch(`/api/clinics/${id}/`, { time_zone: "Asia/Tokyo" });
  expect(moved.body).toMatchObject({ name: "South", time_zone: "Asia/Tokyo" });
  expect(await asOwner`SELECT DISTINCT time_zone FROM memberships WHERE clinic_id = ${id}`).toEqual([
    { time_zone: "Asia/Tokyo" },
  ]);
});

test("a personal clinic takes a name, keeps the API's time zone when it is sent back, and is always active", async () => {
  const account = await newAccount(api);
  const path = `/api/clinics/${account.id}/`;
  const { body } = await account.get(path);
  expect((await account.patch(path, { ...body, name: "Practice" })).body).toMatchObject({ name: "Practice" });
  expect(await asOwner`SELECT time_zone FROM clinics WHERE id = ${account.id}`).toEqual([{ time_zone: "" }]);
  expect(await account.patch(path, { active: false })).toEqual(fieldProblem("active"));
  expect(await admin.patch(path, { active: false })).toEqual(fieldProblem("active"));
  expect(await account.delete(path)).toMatchObject({ status: 409, body: { code: "personal_clinic" } });
});

test("active: false refuses the sessions of the members, and the manager activates it from the personal clinic", async () => {
  const id = await newClinic();
  const [manager, clerk] = [await newMember(api, id, "manager"), await newMember(api, id, "clerk")];
  expect((await manager.patch(`/api/clinics/${id}/`, { active: false })).body).toMatchObject({
    active: false,
  });
  for (const member of [manager, clerk]) expect((await member.get("/api/patients/")).status).toBe(401);
  const home = await movedTo(manager.id, manager);
  expect((await home.patch(`/api/clinics/${id}/`, { active: true })).status).toBe(200);
  expect((await clerk.get("/api/patients/")).status).toBe(200);
});

test.each(["reader", "clerk", "clinician"] as const)(
  "a %s may read the clinic and its members, and not change them",
  async (role) => {
    const id = await newClinic();
    await newMember(api, id, "manager");
    const [member, other] = [await newMember(api, id, role), await newMember(api, id, "reader")];
    const path = `/api/clinics/${id}/`;
    expect((await member.get(path)).body).toMatchObject({ id, role });
    expect((await member.get(`${path}members/`)).body).toHaveLength(3);
    const refused = [
      await member.patch(path, { name: "North" }),
      await member.delete(path),
      await member.post(`${path}members/`, { account: admin.id, role: "clerk" }),
      await member.patch(`${path}members/${other.id}/`, { role: "clerk" }),
      await member.delete(`${path}members/${other.id}/`),
    ];
    for (const answer of refused) {
      expect(answer).toMatchObject({ status: 403, body: { code: "clinic_role_required" } });
      expect(await auditEventsOf(answer)).toMatchObject([{ outcome: "refused" }]);
    }
  },
);

test("DELETE of a clinic with patients is 409, also when they are deleted", async () => {
  const id = await newClinic();
  const manager = await newMember(api, id, "manager");
  const patient = await postPatient(manager);
  const notEmpty = { status: 409, body: { code: "clinic_not_empty" } };
  expect(await manager.delete(`/api/clinics/${id}/`)).toMatchObject(notEmpty);
  await manager.delete(`/api/patients/${patient.id}/`);
  expect(await admin.delete(`/api/clinics/${id}/`)).toMatchObject(notEmpty);
});

test("DELETE removes a clinic with its memberships and invitations, and its sessions go to the personal clinics", async () => {
  const id = await newClinic();
  const [manager, clerk] = [await newMember(api, id, "manager"), await newMember(api, id, "clerk")];
  await admin.post("/api/invitations/", {
    ...{ email: "grace@example.org", role: "clinician", clinic: id, clinic_role: "clerk" },
  });
  const answer = await manager.delete(`/api/clinics/${id}/`);
  expect(answer.status).toBe(204);
  expect(await auditEventsOf(answer)).toMatchObject([
    { action: "delete_clinic", changes: { members: { before: [manager.id, clerk.id], after: null } } },
  ]);
  expect(await membersOf(id)).toEqual([]);
  expect(await asOwner`SELECT FROM invitations WHERE clinic_id = ${id}`).toEqual([]);
  expect(await clerk.get("/api/patients/")).toMatchObject({ status: 401, body: { code: "clinic_changed" } });
  expect((await (await withToken(clerk, {})).get("/api/patients/")).status).toBe(200);
  expect(await admin.get(`/api/clinics/${id}/`)).toEqual(problem(404));
});
