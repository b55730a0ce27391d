import { expect, onTestFinished, test, vi } from "vitest";
import { newAccount, PASSWORD, uniqueName } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { auditEventsOf } from "../support/audit-events.ts";
import { newClinic, newMember } from "../support/clinics.ts";
import { asOwner } from "../support/owner.ts";
import { idsOf } from "../support/pages.ts";
import { fieldProblem, problem } from "../support/problems.ts";
import { atOnce, CROWD, tally } from "../support/races.ts";
import { invite } from "./requests.ts";

const admin = await newAccount(undefined, "admin");
const api = connectApi({ REGISTRATION: "invitation" });
const register = (fields: object, atApi = api) =>
  atApi.post("/api/auth/register/", {
    ...{ username: uniqueName("new-"), email: "grace@example.org", password: PASSWORD },
    ...fields,
  });
const roleOf = async (id: number) => (await asOwner`SELECT role FROM users WHERE id = ${id}`)[0]?.["role"];

test("POST returns an invitation that is valid for seven days, and stores only the hash of its code", async () => {
  const answer = await admin.post("/api/invitations/", { email: "Grace@example.org", role: "admin" });
  const { id, code, expires_at, ...rest } = answer.body;
  expect([answer.status, rest]).toEqual([
    201,
    { email: "Grace@example.org", role: "admin", clinic: null, clinic_role: null },
  ]);
  expect(code).toMatch(/^[\w-]{27}$/);
  const [row] =
    await asOwner`SELECT *, extract(day FROM expires_at - created_at)::int AS days FROM invitations WHERE id = ${id}`;
  expect(row).toMatchObject({ days: 7, created_by: admin.id });
  expect(new Date(expires_at)).toEqual(new Date(row?.["expires_at"]));
  expect(JSON.stringify(row)).not.toContain(code);
  const [event] = await auditEventsOf(answer);
  expect(event?.["changes"]).toEqual({
    invitation: { before: null, after: id },
    email: { before: null, after: "Grace@example.org" },
    role: { before: null, after: "admin" },
  });
});

test("an invitation registers one account, with the invited email and role", async () => {
  const { id, code } = await invite(admin, { role: "admin" });
  const { status, body, headers } = await register({ invitation: code, email: "GRACE@example.org" });
  expect(status).toBe(201);
  expect(await roleOf(body.id)).toBe("admin");
  expect(await auditEventsOf({ status, body, headers })).toMatchObject([
    { action: "register", changes: { invitation: { before: id, after: null } } },
  ]);
  expect(await register({ invitation: code })).toEqual(fieldProblem("invitation"));
  expect(idsOf(await admin.get("/api/invitations/?sort=-id"))).not.toContain(id);
});

test("registering without an invitation, or with an unknown, expired or withdrawn one, is 400 and does not tell whether the username exists", async () => {
  const [expired, withdrawn, valid] = [await invite(admin), await invite(admin), await invite(admin)];
  await asOwner`UPDATE invitations SET expires_at = now() WHERE id = ${expired.id}`;
  const withdrawal = await admin.delete(`/api/invitations/${withdrawn.id}/`);
  expect(withdrawal.status).toBe(204);
  expect(await auditEventsOf(withdrawal)).toMatchObject([
    { changes: { invitation: { before: withdrawn.id, after: null } } },
  ]);
  const { username } = await newAccount();
  for (const invitation of [undefined, "A".repeat(27), expired.code, withdrawn.code, `${valid.code}A`])
    for (const name of [username, uniqueName("new-")])
      expect(await register({ invitation, username: name })).toEqual(fieldProblem("invitation"));
  expect(await register({ invitation: valid.code, email: "eve@example.org" })).toEqual(fieldProblem("email"));
  expect((await register({ invitation: valid.code })).status).toBe(201);
});

test("without the setting REGISTRATION, registering needs an invitation", async () => {
  const forgotten = connectApi({ REGISTRATION: undefined });
  expect(await register({}, forgotten)).toEqual(fieldProblem("invitation"));
  expect(await forgotten.databaseRequests()).toBe(0);
  expect((await register({ invitation: (await invite(admin)).code }, forgotten)).status).toBe(201);
});

test("a password is hashed only after its invitation was found valid", async () => {
  // bcrypt takes its salt from here.
  const salts = vi.spyOn(crypto, "getRandomValues");
  onTestFinished(() => salts.mockRestore());
  const { code } = await invite(admin);
  salts.mockClear();
  for (const fields of [{ invitation: "A".repeat(27) }, { invitation: code, email: "eve@example.org" }]) {
    await api.databaseRequests();
    expect((await register(fields)).status).toBe(400);
    expect(await api.databaseRequests()).toBe(1);
  }
  expect(salts).not.toHaveBeenCalled();
  expect((await register({ invitation: code })).status).toBe(201);
  expect(await api.databaseRequests()).toBe(2);
  expect(salts).toHaveBeenCalled();
});

test.each([{ active: false }, { role: "clinician" }])(
  "an invitation is withdrawn when its admin is changed to %j, also when the account becomes an active admin again",
  async (change) => {
    const formerAdmin = await newAccount(undefined, "admin");
    const { id, code } = await invite(formerAdmin, { role: "admin" });
    const other = await invite(admin);
    const requireWithdrawn = async () => {
      expect(await register({ invitation: code })).toEqual(fieldProblem("invitation"));
      const listed = idsOf(await admin.get("/api/invitations/?sort=-id"));
      expect([listed.includes(id), listed.includes(other.id)]).toEqual([false, true]);
    };
    await admin.patch(`/api/accounts/${formerAdmin.id}/`, change);
    await requireWithdrawn();
    await admin.patch(`/api/accounts/${formerAdmin.id}/`, { active: true, role: "admin" });
    await requireWithdrawn();
  },
);

test("an invitation stays valid when its admin is signed out, or enabled and made an admin again without a change", async () => {
  const by = await newAccount(undefined, "admin");
  const { code } = await invite(by);
  await admin.patch(`/api/accounts/${by.id}/`, { active: true, role: "admin" });
  await admin.delete(`/api/accounts/${by.id}/sessions/`);
  expect((await register({ invitation: code })).status).toBe(201);
});

test("an operator's invitation, of no account, is listed with created_by null, registers an admin, and can be withdrawn", async () => {
  const codes = [uniqueName("code-"), uniqueName("code-")];
  const rows = await asOwner`
    INSERT INTO invitations (email, role, code_hash, expires_at)
    SELECT 'grace@example.org', 'admin', encode(sha256(code::bytea), 'hex'), now() + interval '1 day'
    FROM unnest(${codes}::text[]) code RETURNING id`;
  const [first, second] = rows.map(({ id }) => Number(id));
  const { body } = await admin.get("/api/invitations/?sort=-id");
  for (const id of [first, second])
    expect(body).toContainEqual(expect.objectContaining({ id, role: "admin", created_by: null }));
  const { body: account } = await register({ invitation: codes[0] });
  expect(await roleOf(account.id)).toBe("admin");
  expect((await admin.delete(`/api/invitations/${second}/`)).status).toBe(204);
  expect(await register({ invitation: codes[1] })).toEqual(fieldProblem("invitation"));
});

test("registering with a taken username is 409 and does not use up the invitation", async () => {
  const { code } = await invite(admin);
  const { username } = await newAccount();
  expect((await register({ invitation: code, username })).status).toBe(409);
  expect((await register({ invitation: code })).status).toBe(201);
});

test("of many registrations with one invitation at once, one is 201 and the others are 400", async () => {
  const { code } = await invite(admin);
  const answers = await atOnce(CROWD, () => register({ invitation: code }));
  expect(tally(answers)).toEqual({ 201: 1, 400: CROWD - 1 });
});

test("an invitation is valid where registration is open too, and none is where registration is closed", async () => {
  const { code } = await invite(admin, { role: "admin" });
  const closed = connectApi({ REGISTRATION: "closed" });
  expect(await register({ invitation: code }, closed)).toEqual(problem(403, "Registration is closed."));
  expect(await register({}, closed)).toEqual(problem(403));
  expect(await closed.databaseRequests()).toBe(0);
  const { body } = await register({ invitation: code }, connectApi());
  expect(await roleOf(body.id)).toBe("admin");
  const [closedAdmin, clinician] = [await newAccount(closed, "admin"), await newAccount(closed)];
  expect(await clinician.post("/api/invitations/", { email: "a@example.org", role: "admin" })).toEqual(
    problem(403),
  );
  expect(await closedAdmin.post("/api/invitations/", { email: "a@example.org", role: "admin" })).toEqual(
    problem(409),
  );
});

test("a clinician gets 403 for POST, GET and DELETE of invitations, and nothing changes", async () => {
  const account = await newAccount();
  const { id } = await invite(admin);
  const forbidden = problem(403, "Only an admin may manage invitations.");
  expect(await account.post("/api/invitations/", { email: "a@example.org", role: "admin" })).toEqual(
    forbidden,
  );
  expect(await account.get("/api/invitations/")).toEqual(forbidden);
  for (const target of [id, 2_147_483_647])
    expect(await account.delete(`/api/invitations/${target}/`)).toEqual(forbidden);
  expect(idsOf(await admin.get("/api/invitations/?sort=-id"))).toContain(id);
});

test("an invitation to a clinic makes the new account a member with the invited role", async () => {
  const clinic = await newClinic();
  const { id, code } = await invite(admin, { clinic, clinic_role: "clerk" });
  const listed = (await admin.get("/api/invitations/?sort=-id")).body.find(
    (one: { id: number }) => one.id === id,
  );
  expect(listed).toMatchObject({ clinic, clinic_role: "clerk" });
  const answer = await register({ invitation: code });
  expect(answer.status).toBe(201);
  const { body } = await admin.get(`/api/clinics/${clinic}/members/`);
  expect(body).toMatchObject([{ account: answer.body.id, role: "clerk" }]);
  expect(await auditEventsOf(answer)).toMatchObject([
    { action: "register", changes: { clinic: { before: null, after: clinic } } },
  ]);
});

test("a manager who registers with an invitation ends the membership of the interim manager", async () => {
  const clinic = (await admin.post("/api/clinics/", { name: "North" })).body.id;
  const { code } = await invite(admin, { clinic, clinic_role: "manager" });
  const { body } = await register({ invitation: code });
  expect((await admin.get(`/api/clinics/${clinic}/members/`)).body).toMatchObject([{ account: body.id }]);
});

test("a manager invites clinicians to the own clinic, as long as the account is a manager", async () => {
  const clinic = await newClinic();
  await newMember(api, clinic, "manager");
  const [manager, clerk] = [await newMember(api, clinic, "manager"), await newMember(api, clinic, "clerk")];
  const body = { email: "grace@example.org", role: "clinician", clinic, clinic_role: "clerk" };
  const { code } = await invite(manager, body);
  const send = (caller: typeof manager, changes: object) =>
    caller.post("/api/invitations/", { ...body, ...changes });
  const refused = [
    await send(clerk, {}),
    await send(manager, { role: "admin" }),
    await send(manager, { clinic: await newClinic() }),
    await send(manager, { clinic: 2_147_483_647 }),
  ];
  expect(refused.map(({ status, body }) => [status, body.code])).toEqual([
    [403, "clinic_role_required"],
    ...Array(3).fill([403, "admin_required"]),
  ]);
  await admin.delete(`/api/clinics/${clinic}/members/${manager.id}/`);
  expect(await register({ invitation: code })).toEqual(fieldProblem("invitation"));
});

const membersPath = (clinic: number) => `/api/clinics/${clinic}/members/`;
const addManager = (clinic: number, { id }: { id: number }) =>
  admin.post(membersPath(clinic), { account: id, role: "manager" });

test.each<[what: string, end: (clinic: number, id: number) => Promise<unknown>]>([
  ["removed", (clinic, id) => admin.delete(`${membersPath(clinic)}${id}/`)],
  ["given a lower role", (clinic, id) => admin.patch(`${membersPath(clinic)}${id}/`, { role: "clerk" })],
  ["disabled", (_, id) => admin.patch(`/api/accounts/${id}/`, { active: false })],
  ["made an auditor", (_, id) => admin.patch(`/api/accounts/${id}/`, { role: "auditor" })],
])(
  "a manager's invitation is withdrawn when the manager is %s, also when the account becomes a manager again",
  async (_, end) => {
    const clinic = await newClinic();
    const manager = await newMember(api, clinic, "manager");
    const other = await newMember(api, clinic, "manager");
    const invitation = await invite(manager, { clinic, clinic_role: "manager" });
    const invitationOfOther = await invite(other, { clinic, clinic_role: "clerk" });
    await end(clinic, manager.id);
    await admin.patch(`/api/accounts/${manager.id}/`, { active: true, role: "clinician" });
    await addManager(clinic, manager);
    await admin.patch(`${membersPath(clinic)}${manager.id}/`, { role: "manager" });
    expect(await register({ invitation: invitation.code })).toEqual(fieldProblem("invitation"));
    expect((await register({ invitation: invitationOfOther.code })).status).toBe(201);
  },
);

test("an admin's invitation to a clinic stays valid when the admin is no manager of the clinic any more", async () => {
  const clinic = (await admin.post("/api/clinics/", { name: "North" })).body.id;
  const { code } = await invite(admin, { clinic, clinic_role: "clerk" });
  await addManager(clinic, await newAccount());
  expect((await admin.get(membersPath(clinic))).body).toHaveLength(1);
  expect((await register({ invitation: code })).status).toBe(201);
});

test("an invitation to an unknown or a personal clinic, without one of the two fields, or of an auditor is 400", async () => {
  const clinic = await newClinic();
  const send = (body: object) =>
    admin.post("/api/invitations/", { email: "grace@example.org", role: "clinician", ...body });
  for (const unknown of [2_147_483_647, admin.id])
    expect(await send({ clinic: unknown, clinic_role: "clerk" })).toEqual(fieldProblem("clinic"));
  expect(await send({ clinic })).toEqual(fieldProblem("clinic_role"));
  expect(await send({ clinic_role: "clerk" })).toEqual(fieldProblem("clinic"));
  expect(await send({ clinic, clinic_role: "admin" })).toEqual(fieldProblem("clinic_role"));
  expect(await send({ clinic, clinic_role: "clerk", role: "auditor" })).toEqual(fieldProblem("clinic"));
});
