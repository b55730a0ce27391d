import { afterAll, expect, inject, test } from "vitest";
import { createClient, ProblemError, type Tokens } from "../../client/index.ts";
import { query } from "../ops/support.ts";
import { serveApi } from "../support/serve-api.ts";
import { newDoctor, newPatient, PASSWORD, signUp, slowDatabase, unique } from "./support.ts";

const served = await serveApi(slowDatabase);
afterAll(() => served.stop());

test("an account registers, logs in, reads its own account, and logs out", async () => {
  const username = unique("user-");
  const api = createClient({ url: served.origin });
  const account = { username, email: `${username}@example.org` };
  expect(await api.register({ ...account, password: PASSWORD })).toEqual({
    id: expect.any(Number),
    ...account,
  });
  expect(api.tokens).toBeUndefined();
  await api.login({ username, password: PASSWORD });
  expect(await api.me()).toMatchObject({ ...account, role: "clinician" });
  const { tokens } = api;
  await api.logout();
  expect(api.tokens).toBeUndefined();
  await expect(createClient({ url: served.origin, tokens }).me()).rejects.toMatchObject({ status: 401 });
});

test("patients: create, get, update, replace and delete", async () => {
  const api = await signUp(served.origin);
  const sent = newPatient();
  const created = await api.patients.create(sent);
  expect(created).toMatchObject(sent);
  expect(await api.patients.get(created.id)).toEqual(created);
  expect(await api.patients.update(created.id, { age: 37 })).toMatchObject({ ...sent, age: 37 });
  expect(await api.patients.replace(created.id, { ...created, age: 38 })).toMatchObject({ ...sent, age: 38 });
  await api.patients.delete(created.id);
  await expect(api.patients.get(created.id)).rejects.toMatchObject({ status: 404 });
});

test("a merged patient has a successor in its problem, and the merge can be undone", async () => {
  const api = await signUp(served.origin);
  const [one, two] = [await api.patients.create(newPatient()), await api.patients.create(newPatient())];
  const merged = await api.patients.merge(
    one.id,
    { into: two.id, take: ["email"], if_match: 1 },
    { ifMatch: one },
  );
  expect(merged).toMatchObject({ id: two.id, email: one.email, version: 2 });
  await expect(api.patients.get(one.id)).rejects.toMatchObject({ code: "merged", successor: two.id });
  expect(await api.patients.unmerge(one.id)).toEqual({ restored: ["email"], kept: [] });
});

test("a deleted patient is listed with deleted: true and restored; transfer, transferAll, erase and open need an admin", async () => {
  const api = await signUp(served.origin);
  const { id } = await api.patients.create(newPatient());
  await api.patients.delete(id);
  expect((await Array.fromAsync(api.patients.list({ deleted: true }))).map((one) => one.id)).toEqual([id]);
  expect(await api.patients.restore(id)).toEqual({ id, doctors: [] });
  expect(await api.patients.restore(id, { partial: true })).toEqual({ id, doctors: [] });
  const changes = await Array.fromAsync(api.patients.history(id, { limit: 2 }));
  expect(changes.map(({ action }) => action)).toEqual(["restore", "delete", "create"]);
  const accesses = await Array.fromAsync(api.patients.accesses(id));
  expect(accesses.map(({ action }) => action)).toEqual(
    expect.arrayContaining(["restore", "delete", "create"]),
  );
  const { id: own } = await api.me();
  const forbidden = { status: 403 };
  const reason = "Ward 3 takes over.";
  await expect(api.patients.transfer(id, own, reason)).rejects.toMatchObject(forbidden);
  await expect(api.patients.transferAll({ from: own, to: own + 1, reason })).rejects.toMatchObject(forbidden);
  await expect(api.patients.transfer(id, { clinic: own })).rejects.toMatchObject(forbidden);
  await expect(api.patients.transferAll({ patients: [id], to: { clinic: own } })).rejects.toMatchObject(
    forbidden,
  );
  await expect(api.patients.erase(id, "To see whether it may.")).rejects.toMatchObject(forbidden);
  await expect(api.patients.open(id, "To see whether it may.")).rejects.toMatchObject(forbidden);
});

test("doctors: create, get, update, replace and delete", async () => {
  const api = await signUp(served.origin);
  const created = await api.doctors.create(newDoctor());
  expect(await api.doctors.get(created.id)).toEqual(created);
  await api.doctors.update(created.id, { specialization: "CARD" });
  const replaced = await api.doctors.replace(created.id, { max_appointments_per_day: 3 });
  expect(replaced).toMatchObject({ specialization: "CARD", max_appointments_per_day: 3 });
  await api.doctors.delete(created.id);
  await expect(api.doctors.get(created.id)).rejects.toMatchObject({ status: 404 });
});

test("assignments: create, list, ofPatient, update and delete; the ended ones are listed with ended: true", async () => {
  const api = await signUp(served.origin);
  const patient = await api.patients.create(newPatient());
  const doctor = await api.doctors.create(newDoctor());
  const { id } = await api.assignments.create({ patient: patient.id, doctor: doctor.id });
  const assignments = await Array.fromAsync(api.assignments.list());
  expect(assignments.map((one) => [one.id, one.patient.id, one.doctor.id])).toEqual([
    [id, patient.id, doctor.id],
  ]);
  expect((await api.assignments.ofPatient(patient.id)).doctors.map((one) => one.id)).toEqual([doctor.id]);
  const changed = await api.assignments.update(id, { role: "covering" }, { ifMatch: assignments[0] });
  expect(changed).toMatchObject({ role: "covering", primary: false, version: 2 });
  const outdated = api.assignments.update(id, { primary: true }, { ifMatch: assignments[0] });
  await expect(outdated).rejects.toMatchObject({ status: 412 });
  await api.assignments.delete(id, { ifMatch: changed });
  expect((await api.assignments.ofPatient(patient.id)).doctors).toEqual([]);
  const ended = await Array.fromAsync(api.assignments.list({ ended: true }));
  expect(ended.map((one) => [one.id, one.doctor?.id, one.version])).toEqual([[id, doctor.id, 3]]);
});

test("a list yields every record once, and requests a page only when it is needed", async () => {
  const api = await signUp(served.origin);
  const ids: number[] = [];
  for (let i = 0; i < 5; i += 1) ids.push((await api.patients.create(newPatient())).id);
  const searches: string[] = [];
  const counting = createClient({
    url: served.origin,
    tokens: api.tokens,
    fetch: (input, init) => {
      searches.push(new URL(String(input)).search);
      return fetch(input, init);
    },
  });
  const list = counting.patients.list({ limit: 2 });
  const listedIds: number[] = [];
  for await (const { id } of list) listedIds.push(id);
  expect(listedIds).toEqual(ids);
  expect(searches.map((search) => search.replace(/cursor=[^&]+/, "cursor=…"))).toEqual([
    "?limit=2",
    "?limit=2&cursor=…",
    "?limit=2&cursor=…",
  ]);
  expect((await Array.fromAsync(list.pages())).map((page) => page.length)).toEqual([2, 2, 1]);
  for await (const { id } of list) {
    expect(id).toBe(ids[0]);
    break;
  }
  expect(searches).toHaveLength(3 + 3 + 1);
});

test("health and readiness return ok", async () => {
  const api = createClient({ url: `${served.origin}/` });
  expect(await api.health()).toEqual({ status: "ok" });
  expect(await api.readiness()).toEqual({ status: "ok" });
});

test("a 400 throws a ProblemError with every field of the API's problem", async () => {
  const api = await signUp(served.origin);
  const sent = { ...newPatient({ age: 121 }), firstname: "", lastname: null };
  const problem = await api.patients.create(sent).catch((error: unknown) => error);
  expect(problem).toBeInstanceOf(ProblemError);
  const noName = "Required: a first name, a last name or both";
  expect(problem).toMatchObject({
    name: "ProblemError",
    message: "3 fields are not valid.",
    status: 400,
    type: "about:blank",
    title: "Bad Request",
    code: "validation_failed",
    detail: "3 fields are not valid.",
    errors: { firstname: [noName], lastname: [noName], age: [expect.stringMatching("120")] },
    errorCodes: { firstname: ["required"], lastname: ["required"], age: ["too_big"] },
    requestId: expect.any(String),
    retryAfter: undefined,
  });
});

test("updateMe changes the account's own email; me reads it", async () => {
  const api = await signUp(served.origin);
  const account = await api.me();
  const email = `${unique("moved-")}@example.org`;
  expect(await api.updateMe({ email, password: PASSWORD })).toEqual({ ...account, email });
  expect(await api.me()).toEqual({ ...account, email });
  await expect(api.updateMe({ email, password: "wrong" })).rejects.toMatchObject({ status: 400 });
});

test("changePassword ends all sessions and continues in a new one; sessions: list, end and endAll", async () => {
  const api = await signUp(served.origin);
  const { username } = await api.me();
  const other = createClient({ url: served.origin });
  await other.login({ username, password: PASSWORD });
  const [newest, oldest] = await api.sessions.list();
  expect([newest?.current, oldest?.current]).toEqual([false, true]);
  await api.sessions.end(String(newest?.id));
  await expect(other.me()).rejects.toMatchObject({ status: 401 });
  const before = createClient({ url: served.origin, tokens: api.tokens as Tokens });
  await api.changePassword({ current: PASSWORD, new: "another horse entirely" });
  await expect(before.me()).rejects.toMatchObject({ status: 401 });
  expect(await api.sessions.list()).toMatchObject([{ current: true }]);
  await other.login({ username, password: "another horse entirely" });
  await other.sessions.endAll();
  await expect(api.me()).rejects.toMatchObject({ status: 401 });
});

test("an admin creates an invitation, and lists, reads, updates and signs out the account that used it", async () => {
  const admin = await signUp(served.origin);
  const { id } = await admin.me();
  await query(inject("database").ownerUrl, "UPDATE users SET role = 'admin' WHERE id = $1", [id]);
  const invited = { email: `${unique("new-")}@example.org`, role: "clinician" } as const;
  const { code, ...invitation } = await admin.invitations.create(invited);
  const invitations = await Array.fromAsync(admin.invitations.list({ sort: "-id" }));
  expect(invitations.find(({ id }) => id === invitation.id)).toMatchObject(invitation);
  const account = { username: unique("new-"), email: invited.email, password: PASSWORD, invitation: code };
  const { id: accountId } = await createClient({ url: served.origin }).register(account);
  const [listed] = await Array.fromAsync(admin.accounts.list({ search: account.username, active: true }));
  expect(listed).toEqual(await admin.accounts.get(accountId));
  const email = `${unique("moved-")}@example.org`;
  expect(await admin.accounts.update(accountId, { email, active: false })).toEqual({
    ...listed,
    email,
    active: false,
  });
  await admin.accounts.signOut(accountId);
  const events = await Array.fromAsync(admin.record({ account: id, action: "sign_out", limit: 1 }));
  expect(events.map(({ action, outcome }) => [action, outcome])).toEqual([["sign_out", "done"]]);
  await expect(admin.invitations.withdraw(invitation.id)).rejects.toMatchObject({ status: 404 });
});

test("an admin lists the digests of the audit log", async () => {
  const admin = await signUp(served.origin);
  const { id } = await admin.me();
  const asOwner = (statement: string, values: unknown[]) =>
    query(inject("database").ownerUrl, statement, values);
  await asOwner("UPDATE users SET role = 'admin' WHERE id = $1", [id]);
  const digest = { day: "2000-01-01", events: 0, first_id: null, last_id: null };
  const signed = {
    ...digest,
    sha256: "0".repeat(64),
    hmac: "0".repeat(64),
    closed_at: "2000-01-02T00:00:00.000Z",
  };
  await asOwner(
    "INSERT INTO audit_digests (day, events, sha256, hmac, closed_at) VALUES ($1, 0, $2, $3, $4)",
    [signed.day, signed.sha256, signed.hmac, signed.closed_at],
  );
  expect(await Array.fromAsync(admin.auditDigests({ limit: 1 }))).toEqual([signed]);
});

test("a call without a session throws 401; a login with a wrong password throws 401 and starts no session", async () => {
  const api = createClient({ url: served.origin });
  await expect(api.me()).rejects.toMatchObject({ status: 401, errors: {} });
  await expect(api.login({ username: unique("nobody-"), password: PASSWORD })).rejects.toMatchObject({
    status: 401,
  });
  expect(api.tokens).toBeUndefined();
});

test("clinics: an admin creates one, names, changes and removes members, and deletes it", async () => {
  const [api, other] = [await signUp(served.origin), await signUp(served.origin)];
  const [{ id: own }, { id: account, username }] = [await api.me(), await other.me()];
  await query(inject("database").ownerUrl, "UPDATE users SET role = 'admin' WHERE id = $1", [own]);
  const clinic = await api.clinics.create({ name: "North", time_zone: "Europe/Berlin" });
  expect(await api.clinics.get(clinic.id)).toEqual(clinic);
  const member = await api.clinics.members.add(clinic.id, { username, role: "clerk" });
  expect(await Array.fromAsync(other.clinics.members.list(clinic.id))).toContainEqual(member);
  expect((await Array.fromAsync(other.clinics.list())).map(({ id }) => id)).toEqual([account, clinic.id]);
  expect(await api.clinics.members.update(clinic.id, account, { role: "reader" })).toMatchObject({
    role: "reader",
  });
  await api.clinics.members.end(clinic.id, account);
  expect(await api.clinics.update(clinic.id, { name: "South" })).toMatchObject({ name: "South" });
  await api.clinics.delete(clinic.id);
  await expect(api.clinics.get(clinic.id)).rejects.toMatchObject({ status: 404 });
});
