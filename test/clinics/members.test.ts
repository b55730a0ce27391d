import { expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { endMembership, movedTo, newClinic, newMember } from "../support/clinics.ts";
import { asOwner } from "../support/owner.ts";
import { pagesFrom } from "../support/pages.ts";
import { fieldProblem, problem } from "../support/problems.ts";

const api = connectApi();
const admin = await newAccount(api, "admin");
const clinic = await newClinic();
const manager = await newMember(api, clinic, "manager");
const path = `/api/clinics/${clinic}/members/`;
const timestamp = expect.stringMatching(/^\d{4}-.+Z$/);

const ownMembership = { status: 403, body: { code: "own_membership" } };
const personalClinic = { status: 409, body: { code: "personal_clinic" } };
const lastManager = { status: 409, body: { code: "last_manager" } };

test("POST adds a member by account or by username, and the member may work in the clinic", async () => {
  const [one, other] = [await newAccount(api), await newAccount(api)];
  const answer = await manager.post(path, { account: one.id, role: "clerk" });
  const member = { account: one.id, username: one.username, role: "clerk", created_at: timestamp };
  expect([answer.status, answer.body]).toEqual([201, member]);
  expect(await auditEventsOf(answer)).toMatchObject([
    {
      action: "add_member",
      outcome: "done",
      subject_id: one.id,
      changes: { clinic: { before: null, after: clinic }, role: { before: null, after: "clerk" } },
    },
  ]);
  const byName = await manager.post(path, { username: other.username.toUpperCase(), role: "reader" });
  expect(byName).toMatchObject({ status: 201, body: { account: other.id, role: "reader" } });
  expect((await (await movedTo(clinic, one)).get("/api/patients/")).status).toBe(200);
});

test("POST of a current member is 200 and changes nothing, also with another role", async () => {
  const { id } = await newMember(api, clinic, "clerk");
  const answer = await manager.post(path, { account: id, role: "clinician" });
  expect(answer).toMatchObject({ status: 200, body: { account: id, role: "clerk" } });
  expect(await manager.post(path, { account: manager.id, role: "reader" })).toMatchObject({
    status: 200,
    body: { role: "manager" },
  });
});

test("POST of a member who has ended is 201, with the new role and time", async () => {
  const member = await newMember(api, clinic, "clinician");
  await asOwner`UPDATE memberships SET created_at = '2020-01-01' WHERE account_id = ${member.id} AND clinic_id = ${clinic}`;
  expect((await manager.delete(`${path}${member.id}/`)).status).toBe(204);
  const { status, body } = await manager.post(path, { account: member.id, role: "reader" });
  expect([status, body.role]).toEqual([201, "reader"]);
  expect(body.created_at > "2026").toBe(true);
  expect((await member.get("/api/patients/")).status).toBe(200);
});

test("POST needs exactly one of account and username, and a role of a clinic", async () => {
  const { id, username } = await newAccount(api);
  expect(await manager.post(path, { role: "clerk" })).toEqual(fieldProblem("account"));
  expect(await manager.post(path, { account: id, username, role: "clerk" })).toEqual(
    fieldProblem("username"),
  );
  for (const role of ["admin", "owner", null, undefined])
    expect(await manager.post(path, { account: id, role })).toEqual(fieldProblem("role"));
  expect(await manager.patch(`${path}${manager.id}/`, { role: "admin" })).toEqual(fieldProblem("role"));
});

test("POST of an unknown, a disabled or an auditor's account is 400 on the field", async () => {
  const [auditor, disabled] = [await newAccount(api, "auditor"), await newAccount(api)];
  await asOwner`UPDATE users SET active = false WHERE id = ${disabled.id}`;
  for (const account of [2_147_483_647, auditor.id, disabled.id])
    expect(await manager.post(path, { account, role: "clerk" })).toEqual(fieldProblem("account"));
  for (const username of ["nobody-at-all", auditor.username, disabled.username])
    expect(await manager.post(path, { username, role: "clerk" })).toEqual(fieldProblem("username"));
});

test("nobody adds the own account or raises the own role, admins included", async () => {
  const added = await admin.post(path, { account: admin.id, role: "reader" });
  expect(added).toMatchObject(ownMembership);
  expect(await auditEventsOf(added)).toMatchObject([{ action: "add_member", outcome: "refused" }]);
  const clerk = await newMember(api, clinic, "clerk");
  await asOwner`UPDATE users SET role = 'admin' WHERE id = ${clerk.id}`;
  expect(await clerk.patch(`${path}${clerk.id}/`, { role: "clinician" })).toMatchObject(ownMembership);
  expect(await clerk.patch(`${path}${clerk.id}/`, { role: "clerk" })).toMatchObject({ status: 200 });
});

test("a member lowers its own role and leaves", async () => {
  const member = await newMember(api, clinic, "clinician");
  const lowered = await member.patch(`${path}${member.id}/`, { role: "reader" });
  expect(lowered).toMatchObject({ status: 200, body: { account: member.id, role: "reader" } });
  expect(await auditEventsOf(lowered)).toMatchObject([
    {
      action: "update_member",
      subject_id: member.id,
      changes: { clinic: { after: clinic }, role: { before: "clinician", after: "reader" } },
    },
  ]);
  const left = await member.delete(`${path}${member.id}/`);
  expect(left.status).toBe(204);
  expect(await auditEventsOf(left)).toMatchObject([
    { action: "end_member", subject_id: member.id, changes: { clinic: { before: clinic, after: null } } },
  ]);
  expect(await member.get("/api/patients/")).toMatchObject({
    status: 401,
    body: { code: "membership_ended" },
  });
});

test("PATCH by a manager or an admin gives another role, and a whole member can be sent back", async () => {
  const { id } = await newMember(api, clinic, "reader");
  const { body } = await manager.patch(`${path}${id}/`, { role: "manager" });
  expect(body).toMatchObject({ account: id, role: "manager" });
  expect(await admin.patch(`${path}${id}/`, { ...body, role: "clerk" })).toMatchObject({
    status: 200,
    body: { role: "clerk" },
  });
});

test("PATCH that names another manager ends the membership of the interim manager", async () => {
  const { id } = (await admin.post("/api/clinics/", { name: "Interim" })).body;
  const clerk = await newMember(api, id, "clerk");
  const named = await admin.patch(`/api/clinics/${id}/members/${clerk.id}/`, { role: "manager" });
  expect(named.status).toBe(200);
  expect((await auditEventsOf(named)).map(({ action }) => action).sort()).toEqual([
    "end_member",
    "update_member",
  ]);
  expect((await clerk.get(`/api/clinics/${id}/members/`)).body).toMatchObject([{ account: clerk.id }]);
});

test("the last manager can neither leave nor lower the own role, nor be removed by an admin", async () => {
  const own = await newClinic();
  const [last, second] = [await newMember(api, own, "manager"), await newMember(api, own, "manager")];
  await newMember(api, own, "clinician");
  const ownPath = `/api/clinics/${own}/members/${last.id}/`;
  expect((await admin.delete(`/api/clinics/${own}/members/${second.id}/`)).status).toBe(204);
  expect(await last.delete(ownPath)).toMatchObject(lastManager);
  expect(await last.patch(ownPath, { role: "clinician" })).toMatchObject(lastManager);
  expect(await admin.delete(ownPath)).toMatchObject(lastManager);
});

test("a personal clinic takes no members, and its account stays the manager", async () => {
  const [account, other] = [await newAccount(api), await newAccount(api)];
  const ownPath = `/api/clinics/${account.id}/members/`;
  expect((await account.get(ownPath)).body).toMatchObject([{ account: account.id, role: "manager" }]);
  for (const caller of [account, admin]) {
    expect(await caller.post(ownPath, { account: other.id, role: "clerk" })).toMatchObject(personalClinic);
    expect(await caller.patch(`${ownPath}${account.id}/`, { role: "clerk" })).toMatchObject(personalClinic);
    expect(await caller.delete(`${ownPath}${account.id}/`)).toMatchObject(personalClinic);
  }
});

test("the list has the current members in order of their ids, page by page", async () => {
  const own = await newClinic();
  const members = [
    await newMember(api, own, "manager"),
    await newMember(api, own, "reader"),
    await newMember(api, own, "clerk"),
  ];
  const ended = await newMember(api, own, "clerk");
  await endMembership(own, ended);
  const seen: number[] = [];
  for await (const { body } of pagesFrom(admin, `/api/clinics/${own}/members/?limit=1`))
    seen.push(...body.map(({ account }: { account: number }) => account));
  expect(seen).toEqual(members.map(({ id }) => id));
  expect(await ended.get(`/api/clinics/${own}/members/`)).toMatchObject({ status: 401 });
  expect(await (await movedTo(ended.id, ended)).get(`/api/clinics/${own}/members/`)).toEqual(problem(404));
});

test("for a stranger a clinic and its members are 404, and so is a member who has ended for everybody", async () => {
  const stranger = await newAccount(api);
  const ended = await newMember(api, clinic, "clerk");
  await endMembership(clinic, ended);
  const requests = [
    await stranger.get(`/api/clinics/${clinic}/`),
    await stranger.patch(`/api/clinics/${clinic}/`, { name: "North" }),
    await stranger.delete(`/api/clinics/${clinic}/`),
    await stranger.get(path),
    await stranger.post(path, { account: stranger.id, role: "reader" }),
    await stranger.delete(`${path}${stranger.id}/`),
    await manager.patch(`${path}${ended.id}/`, { role: "reader" }),
    await manager.delete(`${path}${ended.id}/`),
    await manager.delete(`${path}${stranger.id}/`),
  ];
  for (const answer of requests) {
    expect(answer).toEqual(problem(404));
    expect(await auditEventsOf(answer)).toMatchObject([{ outcome: "not_found" }]);
  }
});
