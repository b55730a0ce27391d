import { expect, test } from "vitest";
import { logIn, newAccount, PASSWORD, signUp, uniqueName, withToken } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { addMember, endMembership, movedTo, newClinic, newMember } from "../support/clinics.ts";
import { asOwner } from "../support/owner.ts";
import { problem } from "../support/problems.ts";
import { newPatient, postPatient } from "../support/resources.ts";

const api = connectApi();
const clinic = await newClinic();
const manager = await newMember(api, clinic, "manager");

const ownClinic = async (access: string) => (await api.get("/api/auth/me/", { token: access })).body.clinic;
const refreshed = (refresh: string) => api.post("/api/auth/refresh/", { refresh });

test("two members of a clinic see the same patients, and not those of their personal clinics", async () => {
  const other = await newAccount(api);
  const own = await postPatient(other);
  await addMember(clinic, other, "clerk");
  const clerk = await movedTo(clinic, other);
  const shared = await postPatient(clerk);
  expect(shared.created_by).toBe(clerk.id);
  expect((await manager.get(`/api/patients/${shared.id}/`)).body).toEqual(shared);
  expect((await clerk.get("/api/patients/")).body.map(({ id }: { id: number }) => id)).toContain(shared.id);
  for (const account of [clerk, manager])
    expect(await account.get(`/api/patients/${own.id}/`)).toEqual(problem(404));
});

test("an email is unique in a clinic, and says nothing of another clinic", async () => {
  const { id, email } = await postPatient(manager);
  const clerk = await newMember(api, clinic, "clerk");
  const refused = await clerk.post("/api/patients/", newPatient({ email }));
  expect(refused).toMatchObject({ status: 409, body: { code: "email_taken", existing: id } });
  const stranger = await newAccount(api);
  expect((await stranger.post("/api/patients/", newPatient({ email }))).status).toBe(201);
});

test("an idempotency key belongs to the account and the clinic", async () => {
  const account = await newAccount(api);
  const headers = { "Idempotency-Key": uniqueName("key-") };
  const own = await account.post("/api/patients/", newPatient(), { headers });
  await addMember(clinic, account, "clerk");
  const clerk = await movedTo(clinic, account);
  const patient = newPatient();
  const shared = await clerk.post("/api/patients/", patient, { headers });
  expect([own.status, shared.status]).toEqual([201, 201]);
  expect((await clerk.post("/api/patients/", patient, { headers })).body).toEqual(shared.body);
});

test("a cursor of a list that is used in another clinic returns that clinic's records, and one of the changes is 410", async () => {
  const account = await newAccount(api);
  for (let n = 0; n < 2; n += 1) await postPatient(account);
  const page = await account.get("/api/patients/?limit=1");
  const [, next = ""] = /<([^>]*)>/.exec(page.headers.get("Link") ?? "") ?? [];
  const { cursor } = (await account.get("/api/changes/")).body;
  const own = await newClinic();
  await addMember(own, account, "clerk");
  const clerk = await movedTo(own, account);
  const { id } = await postPatient(clerk);
  expect((await clerk.get(next)).body).toMatchObject([{ id }]);
  expect(await clerk.get(`/api/changes/?since=${cursor}`)).toMatchObject({
    status: 410,
    body: { code: "cursor_expired" },
  });
});

test("after a move the tokens from before are 401 clinic_changed, and a membership that ended is 401 membership_ended", async () => {
  const clerk = await newMember(api, clinic, "clerk");
  const before = await withToken(clerk, {});
  expect(await before.get("/api/patients/")).toMatchObject({ status: 401, body: { code: "clinic_changed" } });
  await endMembership(clinic, clerk);
  expect(await clerk.get("/api/patients/")).toMatchObject({
    status: 401,
    body: { code: "membership_ended" },
  });
  expect(await before.get("/api/patients/")).toMatchObject({ status: 401, body: { code: "clinic_changed" } });
});

test("a token whose account was never a member of its clinic is 401 clinic_changed", async () => {
  const stranger = await withToken(await newAccount(api), { clinic });
  expect(await stranger.get("/api/patients/")).toMatchObject({
    status: 401,
    body: { code: "clinic_changed" },
  });
});

test("a login leads to the clinic that is asked for, then to the one used last, and to the personal one when the membership has ended", async () => {
  const { id, username } = await signUp(api);
  const logInTo = (clinicId: number) =>
    api.post("/api/auth/login/", { username, password: PASSWORD, clinic: clinicId });
  expect(await logInTo(clinic)).toEqual(problem(404));
  await addMember(clinic, { id }, "clerk");
  expect(await ownClinic((await logIn(api, username)).access)).toMatchObject({ id });
  const asked = await logInTo(clinic);
  expect([asked.status, asked.body.clinic]).toEqual([200, clinic]);
  expect(await ownClinic((await logIn(api, username)).access)).toMatchObject({ id: clinic, role: "clerk" });
  await endMembership(clinic, { id });
  expect(await ownClinic((await logIn(api, username)).access)).toMatchObject({ id, kind: "personal" });
});

test("a refresh stays in the clinic, and leads to the personal one when the membership has ended, also in its grace", async () => {
  const { id, username } = await signUp(api);
  await addMember(clinic, { id }, "clerk");
  const { refresh } = (await api.post("/api/auth/login/", { username, password: PASSWORD, clinic })).body;
  const first = await refreshed(refresh);
  expect(first.body.clinic).toBe(clinic);
  await endMembership(clinic, { id });
  const second = await refreshed(first.body.refresh);
  expect([second.status, second.body.clinic]).toEqual([200, id]);
  expect((await refreshed(first.body.refresh)).body).toMatchObject({
    clinic: id,
    refresh: second.body.refresh,
  });
  expect(await ownClinic(second.body.access)).toMatchObject({ id });
});

test("the sessions of a clinic that is not active are refused, and a refresh leads to the personal clinic", async () => {
  const closed = await newClinic();
  const { id, username } = await signUp(api);
  await addMember(closed, { id }, "manager");
  const { access, refresh } = (
    await api.post("/api/auth/login/", { username, password: PASSWORD, clinic: closed })
  ).body;
  await asOwner`UPDATE clinics SET active = false WHERE id = ${closed}`;
  expect(await api.get("/api/patients/", { token: access })).toMatchObject({
    status: 401,
    body: { code: "token_revoked" },
  });
  expect((await refreshed(refresh)).body.clinic).toBe(id);
});

test.each([
  ["disabled", { active: false }],
  ["made an auditor", { role: "auditor" }],
])("the account of the last manager of a clinic cannot be %s", async (_, change) => {
  const admin = await newAccount(api, "admin");
  const own = await newClinic();
  const last = await newMember(api, own, "manager");
  const second = await newMember(api, own, "manager");
  expect((await admin.patch(`/api/accounts/${second.id}/`, change)).status).toBe(200);
  expect(await admin.patch(`/api/accounts/${last.id}/`, change)).toMatchObject({
    status: 409,
    body: { code: "last_manager" },
  });
  expect((await last.get("/api/patients/")).status).toBe(200);
});

test("the clinic's time zone decides ages; without one the API's does", async () => {
  // The dates of the two zones differ at any time.
  const [ahead, behind] = [await newClinic("Pacific/Kiritimati"), await newClinic("Etc/GMT+12")];
  const birthdays = await asOwner`SELECT (now() AT TIME ZONE 'Pacific/Kiritimati')::date::text AS today`;
  const birth_date = String(birthdays[0]?.["today"]).replace(/^\d+/, "2000");
  const { age: _, ...patient } = newPatient();
  const ages = await Promise.all(
    [ahead, behind].map(async (own) => {
      const clerk = await newMember(api, own, "clerk");
      return (await clerk.post("/api/patients/", { ...patient, birth_date })).body.age;
    }),
  );
  expect((ages[0] as number) - (ages[1] as number)).toBe(1);
});
