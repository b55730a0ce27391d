import { describe, expect, test } from "vitest";
import { insertRefreshToken, newAccount, signUp, type TestAccount } from "../support/accounts.ts";
import { actorColumns, auditEventsOf } from "../support/audit-events.ts";
import { asOwner } from "../support/owner.ts";
import { REASON } from "../support/ownership.ts";
import { idsOf, pagesFrom } from "../support/pages.ts";
import { anyTimestamp, fieldProblem, problem } from "../support/problems.ts";
import { assignDoctor, postDoctor } from "../support/resources.ts";

const admin = await newAccount(undefined, "admin");
const pathOf = ({ id }: { id: number }) => `/api/accounts/${id}/`;
const change = (account: { id: number }, changes: object) => admin.patch(pathOf(account), changes);
const statusOfMe = async ({ get }: Pick<typeof admin, "get">) => (await get("/api/auth/me/")).status;

test("GET by an admin returns the account without its password", async () => {
  const account = await newAccount();
  const { id, username } = account;
  const expected = {
    id,
    username,
    email: `${username}@example.org`,
    role: "clinician",
    active: true,
    doctor: null,
  };
  expect((await admin.get(pathOf(account))).body).toEqual({ ...expected, created_at: anyTimestamp });
});

test("the list has all accounts, and filters by role, by active, and by the beginning of username or email in any case", async () => {
  const [one, other] = [await newAccount(), await newAccount(undefined, "admin")];
  await asOwner`UPDATE users SET active = false, email = 'Florence.N@example.org' WHERE id = ${one.id}`;
  const found = async (query: string) => {
    const ids: number[] = [];
    for await (const page of pagesFrom(admin, `/api/accounts/?limit=200&${query}`)) ids.push(...idsOf(page));
    return [one, other].map(({ id }) => ids.includes(id));
  };
  expect(await found("sort=-id")).toEqual([true, true]);
  expect(await found("role=admin")).toEqual([false, true]);
  expect(await found("active=false")).toEqual([true, false]);
  expect(await found("search=florence.n@EX")).toEqual([true, false]);
  expect(await found(`search=${other.username.toUpperCase()}`)).toEqual([false, true]);
  expect(await found(`search=${other.username.slice(1)}`)).toEqual([false, false]);
  expect(await admin.get("/api/accounts/?rol=admin")).toEqual(fieldProblem("rol"));
});

test("disabling an account revokes its tokens at once, and enabling it does not bring its sessions back", async () => {
  const account = await signUp();
  const refresh = await insertRefreshToken(account);
  const disabled = await change(account, { active: false });
  expect(disabled.body).toMatchObject({ id: account.id, active: false });
  expect(await auditEventsOf(disabled)).toMatchObject([
    {
      ...actorColumns(admin, "admin"),
      subject_id: account.id,
      changes: { active: { before: true, after: false } },
    },
  ]);
  expect(await statusOfMe(account)).toBe(401);
  expect((await change(account, { active: true })).body).toMatchObject({ active: true });
  expect(await statusOfMe(account)).toBe(401);
  for (const token of [refresh, account.refresh])
    expect((await account.api.post("/api/auth/refresh/", { refresh: token })).status).toBe(401);
});

test("another role ends the account's sessions; the same role or another doctor does not", async () => {
  const account = await newAccount();
  const doctor = await postDoctor(admin);
  const sameRole = await change(account, {
    role: "clinician",
    active: true,
    doctor: doctor.id,
    reason: REASON,
  });
  expect(sameRole.body).toMatchObject({ doctor: doctor.id });
  expect(await auditEventsOf(sameRole)).toMatchObject([
    { changes: { doctor: { before: null, after: doctor.id } } },
  ]);
  expect(await statusOfMe(account)).toBe(200);
  expect((await change(account, {})).body).toEqual(sameRole.body);
  expect((await change(account, { doctor: null })).body).toMatchObject({ doctor: null });
  expect((await change(account, { role: "admin" })).body).toMatchObject({ role: "admin" });
  expect(await statusOfMe(account)).toBe(401);
});

test("PATCH by an admin changes the email of an account, keeps its sessions, and is audited", async () => {
  const account = await newAccount();
  const before = `${account.username}@example.org`;
  const changed = await change(account, { email: "Müller@example.org" });
  expect(changed).toMatchObject({ status: 200, body: { id: account.id, email: "Müller@example.org" } });
  expect(await auditEventsOf(changed)).toMatchObject([
    {
      ...{
        action: "update_account",
        outcome: "done",
        ...actorColumns(admin, "admin"),
        subject_id: account.id,
      },
      changes: { email: { before, after: "Müller@example.org" } },
    },
  ]);
  expect((await account.get("/api/auth/me/")).body).toMatchObject({ email: "Müller@example.org" });
  expect((await admin.get("/api/accounts/?sort=-id&search=MÜLLER@")).body).toContainEqual(changed.body);
  expect(await change(account, { email: "nobody" })).toEqual(fieldProblem("email"));
});

test("PATCH by an admin of the own email is 403, audited as refused, and changes nothing; the same email is accepted", async () => {
  const own = await newAccount(undefined, "admin");
  const { body } = await own.get(pathOf(own));
  for (const email of ["moved@example.org", body.email.toUpperCase()]) {
    const refused = await own.patch(pathOf(own), { email, role: "clinician" });
    expect(refused).toEqual(
      problem(403, "Change your own email with PATCH /api/auth/me/ and your password."),
    );
    expect(refused.body).toMatchObject({ code: "own_account" });
    expect(await auditEventsOf(refused)).toMatchObject([
      { action: "update_account", outcome: "refused", subject_id: own.id, changes: null },
    ]);
  }
  expect(await own.patch(pathOf(own), body)).toMatchObject({ status: 200, body });
  expect(await change(own, { email: "moved@example.org" })).toMatchObject({
    status: 200,
    body: { email: "moved@example.org" },
  });
});

test("PATCH with another username is 400 Read-only, audited as refused, and changes nothing", async () => {
  const account = await newAccount();
  const { body } = await admin.get(pathOf(account));
  for (const username of ["somebody", account.username.toUpperCase()]) {
    const refused = await change(account, { username, email: "moved@example.org", active: false });
    expect(refused).toEqual(fieldProblem("username"));
    expect(refused.body).toMatchObject({
      errors: { username: ["Read-only"] },
      error_codes: { username: ["read_only"] },
    });
    expect(await auditEventsOf(refused)).toMatchObject([
      { action: "update_account", outcome: "refused", subject_id: account.id, changes: null },
    ]);
  }
  expect((await admin.get(pathOf(account))).body).toEqual(body);
  const anyTime = "2026-01-01T00:00:00.000Z";
  expect(await change(account, { username: account.username, id: 1, created_at: anyTime })).toMatchObject({
    body,
  });
  expect(await change({ id: 2_147_483_647 }, { username: "somebody" })).toEqual(problem(404));
});

test("PATCH ignores read-only fields, and is 400 for invalid fields and for an unknown doctor", async () => {
  const account = await newAccount();
  const { body } = await admin.get(pathOf(account));
  expect((await change(account, body)).body).toEqual(body);
  expect(await change(account, { role: "owner", active: "yes", doctor: 0, password: "x" })).toEqual(
    fieldProblem("role", "active", "doctor", "password"),
  );
  expect(await change(account, { doctor: 2_147_483_647, reason: REASON })).toEqual(fieldProblem("doctor"));
  expect((await admin.get(pathOf(account))).body).toEqual(body);
});

describe("a link of an account to a doctor", () => {
  const link = async (by: TestAccount, account: { id: number }, doctor: { id: number }, reason?: unknown) =>
    by.patch(pathOf(account), { doctor: doctor.id, reason });

  test.each([undefined, null, 7, "", " ".repeat(12), "too short", "x".repeat(501)])(
    "with the reason %j is 400 and changes nothing",
    async (reason) => {
      const [account, doctor] = [await newAccount(), await postDoctor(admin)];
      expect(await link(admin, account, doctor, reason)).toEqual(fieldProblem("reason"));
      expect((await admin.get(pathOf(account))).body).toMatchObject({ doctor: null });
    },
  );

  test("by an admin to the admin's own account is 403, audited as refused, and changes nothing else", async () => {
    const own = await newAccount(undefined, "admin");
    const { doctor } = await assignDoctor(await newAccount());
    const refused = await own.patch(pathOf(own), { active: true, doctor, reason: REASON });
    expect(refused).toEqual(problem(403, "Only another admin may link your account to a doctor."));
    expect(await auditEventsOf(refused)).toMatchObject([
      { action: "update_account", outcome: "refused", subject_id: own.id, patients: null, changes: null },
    ]);
    expect((await own.get(pathOf(own))).body).toMatchObject({ doctor: null });
    expect((await own.get("/api/patients/")).body).toEqual([]);
    // Another admin may, and then sending the same value back is no new link.
    const linked = await link(admin, own, { id: doctor }, REASON);
    expect(linked).toMatchObject({ status: 200, body: { doctor } });
    const same = await own.patch(pathOf(own), { ...linked.body, reason: REASON });
    expect(same).toMatchObject({ status: 200, body: { doctor } });
    expect(await auditEventsOf(same)).toMatchObject([{ outcome: "done", patients: null, changes: null }]);
    expect((await own.patch(pathOf(own), { doctor: null })).body).toMatchObject({ doctor: null });
  });

  test("is shown to the owners of that doctor's patients, with the reason and the account, and to nobody else", async () => {
    const [one, other, account] = [await newAccount(), await newAccount(), await newAccount()];
    const doctor = await postDoctor(one);
    const first = (await assignDoctor(one, { doctor })).patient;
    const second = (await assignDoctor(other, { doctor })).patient;
    const deleted = (await assignDoctor(other, { doctor })).patient;
    const unassigned = await assignDoctor(other, { doctor });
    await other.delete(`/api/patients/${deleted}/`);
    await other.delete(`/api/mappings/${unassigned.id}/`);
    const answer = await link(admin, account, doctor, REASON);
    expect(answer.body).not.toHaveProperty("reason");
    expect(await auditEventsOf(answer)).toMatchObject([
      { action: "update_account", patients: [first, second], subject_id: account.id, reason: REASON },
    ]);
    for (const [owner, id] of [
      [one, first],
      [other, second],
    ] as const)
      expect((await owner.get(`/api/patients/${id}/accesses/`)).body[0]).toMatchObject({
        ...{ action: "update_account", outcome: "done", reason: REASON, subject: account.id },
        ...{ account: { id: admin.id }, changes: { doctor: { before: null, after: doctor.id } } },
      });
    const { body } = await other.get(`/api/patients/${unassigned.patient}/accesses/`);
    expect(body.map(({ action }: { action: string }) => action)).not.toContain("update_account");
    const listed = (await admin.get(`/api/audit/?patient=${second}&action=update_account`)).body;
    expect(listed).toMatchObject([
      { patients: [first, second], subject: account.id, changes: { doctor: { after: doctor.id } } },
    ]);
  });
});

test("DELETE of an account's sessions by an admin is 204 and revokes its access and refresh tokens", async () => {
  const account = await signUp();
  const answer = await admin.delete(`${pathOf(account)}sessions/`);
  expect(answer).toMatchObject({ status: 204, body: "" });
  expect(await auditEventsOf(answer)).toMatchObject([{ action: "sign_out", subject_id: account.id }]);
  expect(await statusOfMe(account)).toBe(401);
  expect((await account.api.post("/api/auth/refresh/", { refresh: account.refresh })).status).toBe(401);
});

test("a clinician gets 403 for known and unknown accounts alike, audited as refused", async () => {
  const account = await newAccount();
  const forbidden = problem(403, "Only an admin may manage accounts.");
  const unreadable = problem(403, "Only an admin or an auditor may read accounts.");
  for (const id of [account.id, admin.id, 2_147_483_647]) {
    const answers = [
      await account.get(pathOf({ id })),
      await account.patch(pathOf({ id }), { active: false }),
      await account.delete(`${pathOf({ id })}sessions/`),
    ];
    for (const [index, answer] of answers.entries()) {
      expect(answer).toEqual(index === 0 ? unreadable : forbidden);
      expect(await auditEventsOf(answer)).toMatchObject([
        { outcome: "refused", subject_id: id, changes: null },
      ]);
    }
  }
  expect(await account.get("/api/accounts/")).toEqual(unreadable);
  expect(await statusOfMe(admin)).toBe(200);
});
