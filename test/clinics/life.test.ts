import { expect, test } from "vitest";
import { logIn, moveSpentTime, newAccount, PASSWORD, signUp, uniqueName } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { addMember, newClinic, newMember } from "../support/clinics.ts";
import { holdLock } from "../support/held-lock.ts";
import { asOwner } from "../support/owner.ts";
import { problem } from "../support/problems.ts";
import { connectWithoutLimits, raceBehind } from "../support/races.ts";
import { newPatient, postPatient } from "../support/resources.ts";

const api = connectApi();
const admin = await newAccount(api, "admin");
const tokenRevoked = { status: 401, body: { code: "token_revoked" } };

/** A registered account that is a clerk of a new clinic with another manager, and was moved there by its last login. */
async function newClerk() {
  const clinic = await newClinic();
  await newMember(api, clinic, "manager");
  const account = await signUp(api);
  await addMember(clinic, account, "clerk");
  const tokens = await logInTo(account.username, clinic);
  return { clinic, account, ...tokens.body };
}
const logInTo = (username: string, clinic: number) =>
  api.post("/api/auth/login/", { username, password: PASSWORD, clinic });
const refreshed = (refresh: string) => api.post("/api/auth/refresh/", { refresh });
const setActive = (clinic: number, active: boolean) => admin.patch(`/api/clinics/${clinic}/`, { active });
const clinicOf = async ({ username }: { username: string }) =>
  (await api.get("/api/auth/me/", { token: (await logIn(api, username)).access })).body.clinic.id;

test("a login leads to the personal clinic while the one used last is closed, and to that again when it is open", async () => {
  const { clinic, account, access } = await newClerk();
  await setActive(clinic, false);
  expect(await logInTo(account.username, clinic)).toEqual(problem(404));
  expect(await clinicOf(account)).toBe(account.id);
  await setActive(clinic, true);
  expect(await clinicOf(account)).toBe(clinic);
  expect((await api.get("/api/patients/", { token: access })).status).toBe(200);
});

test("an idempotency key of a closed clinic is refused, and is answered again when the clinic is open", async () => {
  const clinic = await newClinic();
  const clerk = await newMember(api, clinic, "clerk");
  await newMember(api, clinic, "manager");
  const [patient, headers] = [newPatient(), { "Idempotency-Key": uniqueName("key-") }];
  const send = () => clerk.post("/api/patients/", patient, { headers });
  const first = await send();
  await setActive(clinic, false);
  expect(await send()).toMatchObject(tokenRevoked);
  await setActive(clinic, true);
  expect(await send()).toMatchObject({ status: 201, body: first.body });
});

test("an invitation to a closed clinic registers a member, who works there when it is open", async () => {
  const clinic = await newClinic();
  await newMember(api, clinic, "manager");
  await setActive(clinic, false);
  const email = "grace@example.org";
  const { code } = (
    await admin.post("/api/invitations/", { email, role: "clinician", clinic, clinic_role: "clerk" })
  ).body;
  const username = uniqueName("user-");
  const { id } = (
    await api.post("/api/auth/register/", { username, email, password: PASSWORD, invitation: code })
  ).body;
  expect(await clinicOf({ username })).toBe(id);
  await setActive(clinic, true);
  expect((await logInTo(username, clinic)).body.clinic).toBe(clinic);
});

test("after the deletion of the clinic used last, login and refresh lead to the personal one, and events still name it", async () => {
  const { clinic, account, access, refresh } = await newClerk();
  expect((await api.get("/api/patients/", { token: access })).status).toBe(200);
  expect((await admin.delete(`/api/clinics/${clinic}/`)).status).toBe(204);
  expect(await clinicOf(account)).toBe(account.id);
  expect((await refreshed(refresh)).body.clinic).toBe(account.id);
  expect(await logInTo(account.username, clinic)).toEqual(problem(404));
  const events = await asOwner`
    SELECT clinic_id FROM audit_events WHERE account_id = ${account.id} AND action = 'list' ORDER BY at`;
  expect(events).toEqual([{ clinic_id: clinic }]);
  expect((await admin.get(`/api/audit/?account=${account.id}`)).status).toBe(200);
});

test("a login while the clinic used last is deleted leads to the personal one, and one that names it is 404", async () => {
  const { clinic, account } = await newClerk();
  const unlimited = connectWithoutLimits();
  const logInWith = (fields: object) =>
    unlimited.post("/api/auth/login/", { username: account.username, password: PASSWORD, ...fields });
  const deleting = await holdLock(
    `WITH moved AS (UPDATE sessions SET clinic_id = user_id WHERE clinic_id = $1),
      ended AS (DELETE FROM memberships WHERE clinic_id = $1)
     DELETE FROM clinics WHERE id = $1`,
    [clinic],
  );
  const [usual, named] = await raceBehind(deleting, 2, () =>
    Promise.all([logInWith({}), logInWith({ clinic })]),
  );
  expect([usual.status, usual.body.clinic]).toEqual([200, account.id]);
  expect(named).toEqual(problem(404));
});

test("of two tabs that move one session to different clinics, the second is 401, and the session stays where it is", async () => {
  const { clinic, account, access, refresh } = await newClerk();
  const other = await newClinic();
  await addMember(other, account, "clerk");
  const move = (to: number) => api.post("/api/auth/clinic/", { clinic: to, refresh }, { token: access });
  const lock = await holdLock("SELECT FROM sessions WHERE user_id = $1 FOR UPDATE", [account.id]);
  const answers = await raceBehind(lock, 2, () => Promise.all([move(other), move(account.id)]));
  const moved = answers.find(({ status }) => status === 200);
  expect(answers.find((answer) => answer !== moved)).toMatchObject({
    status: 401,
    body: { code: "clinic_changed" },
  });
  const repeated = await refreshed(refresh);
  expect(repeated.body).toMatchObject({ clinic: moved?.body.clinic, refresh: moved?.body.refresh });
  expect(repeated.body.clinic).not.toBe(clinic);
});

test.each(["the one that was sent", "the new one"])(
  "after a move a logout with %s of the refresh tokens ends the session",
  async (which) => {
    const { account, access, refresh } = await newClerk();
    const moved = await api.post("/api/auth/clinic/", { clinic: account.id, refresh }, { token: access });
    const token = which === "the new one" ? moved.body.refresh : refresh;
    expect((await api.post("/api/auth/logout/", { refresh: token })).status).toBe(204);
    expect(await api.get("/api/patients/", { token: moved.body.access })).toMatchObject(tokenRevoked);
    expect((await refreshed(moved.body.refresh)).status).toBe(401);
  },
);

test("the refresh token that a move has spent ends the session when it is used after its grace period", async () => {
  const { account, access, refresh } = await newClerk();
  const moved = await api.post("/api/auth/clinic/", { clinic: account.id, refresh }, { token: access });
  await moveSpentTime(refresh, 31);
  expect((await refreshed(refresh)).status).toBe(401);
  expect(await api.get("/api/patients/", { token: moved.body.access })).toMatchObject(tokenRevoked);
});

test("an interim manager logs in to the personal clinic, and does not transfer the clinic's patients, even when no admin any more", async () => {
  const creator = await signUp(api);
  await asOwner`UPDATE users SET role = 'admin' WHERE id = ${creator.id}`;
  const { id: clinic } = (await creator.post("/api/clinics/", { name: "Interim" })).body;
  const clerk = await newMember(api, clinic, "clerk");
  const patient = await postPatient(clerk);
  expect(await logInTo(creator.username, clinic)).toEqual(problem(404));
  expect(await clinicOf(creator)).toBe(creator.id);
  await asOwner`UPDATE users SET role = 'clinician' WHERE id = ${creator.id}`;
  const token = (await logIn(api, creator.username)).access;
  for (const [path, body] of [
    [`/api/patients/${patient.id}/transfer/`, {}],
    ["/api/patients/transfer/", { patients: [patient.id] }],
    ["/api/patients/transfer/", { from: { clinic } }],
  ] as const)
    expect((await api.post(path, { ...body, to: creator.id }, { token })).status).toBe(403);
  expect(await asOwner`SELECT owner_id FROM patients WHERE id = ${patient.id}`).toEqual([
    { owner_id: clinic },
  ]);
});

test("an admin who disables the last manager of two clinics is 409, and of one whose clinics have others 200", async () => {
  const clinics = [await newClinic(), await newClinic()];
  const last = await newAccount(api);
  for (const clinic of clinics) await addMember(clinic, last, "manager");
  const disable = () => admin.patch(`/api/accounts/${last.id}/`, { active: false });
  expect(await disable()).toMatchObject({ status: 409, body: { code: "last_manager" } });
  const second = await newMember(api, clinics[0] as number, "manager");
  expect(await disable()).toMatchObject({ status: 409, body: { code: "last_manager" } });
  await addMember(clinics[1] as number, second, "manager");
  expect((await disable()).status).toBe(200);
});
