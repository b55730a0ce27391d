import { expect, test } from "vitest";
import { newAccount, PASSWORD, type Role, setPassword, signUp } from "../support/accounts.ts";
import type { Api } from "../support/api.ts";
import { actorColumns, auditEventsOf } from "../support/audit-events.ts";
import { asOwner } from "../support/owner.ts";
import { fieldProblem, problem } from "../support/problems.ts";

test.each(["clinician", "admin"] as const)(
  "GET me answers a %s with its own account and nothing else",
  async (role) => {
    const { id, username, get } = await newAccount(undefined, role);
    const clinic = { id, name: username, kind: "personal", role: "manager" };
    const account = { id, username, email: `${username}@example.org`, role, clinic };
    expect((await get("/api/auth/me/")).body).toEqual(account);
  },
);

const update = (account: { patch: Api["patch"] }, changes: object) =>
  account.patch("/api/auth/me/", { email: "moved@example.org", password: PASSWORD, ...changes });
async function accountWithPassword(role?: Role) {
  const account = await newAccount(undefined, role);
  await setPassword(account.id, PASSWORD);
  return account;
}
const failuresOf = ({ username }: { username: string }) =>
  asOwner`SELECT failures FROM login_attempts WHERE username = ${username} AND network = ''`;

test.each(["clinician", "admin", "auditor"] as const)(
  "PATCH me by a %s with its password changes its email, keeps its sessions, and is audited",
  async (role) => {
    const account = await accountWithPassword(role);
    const { id, username } = account;
    const answer = await update(account, { email: " мария@пример.рф" });
    expect(answer).toMatchObject({ status: 200, body: { id, username, email: "мария@пример.рф", role } });
    const before = `${username}@example.org`;
    expect(await auditEventsOf(answer)).toMatchObject([
      {
        ...{ action: "update_account", outcome: "done", ...actorColumns(account, role), subject_id: id },
        changes: { email: { before, after: "мария@пример.рф" } },
      },
    ]);
    expect((await account.get("/api/auth/me/")).body).toEqual(answer.body);
    expect(await failuresOf(account)).toEqual([{ failures: 0 }]);
  },
);

test("PATCH me with a wrong password is 400, counted like a wrong login, audited as refused, and changes nothing", async () => {
  const account = await accountWithPassword();
  const before = (await account.get("/api/auth/me/")).body;
  const wrong = await update(account, { password: "not the password", username: "other", role: "admin" });
  expect(wrong).toEqual(fieldProblem("password"));
  expect(wrong.body.errors).toEqual({ password: ["Not the current password"] });
  expect(await auditEventsOf(wrong)).toMatchObject([
    { action: "update_account", outcome: "refused", subject_id: account.id, changes: null },
  ]);
  expect(await failuresOf(account)).toEqual([{ failures: 1 }]);
  for (let failed = 1; failed < 5; failed += 1) await update(account, { password: "not the password" });
  const locked = await update(account, {});
  expect(locked).toEqual(problem(429, "Too many attempts. Try again later."));
  expect(await auditEventsOf(locked)).toMatchObject([
    { action: "update_account", outcome: "refused", reason: "too many attempts: 5 failures" },
  ]);
  // Logins are counted by the same counter.
  const login = { username: account.username, password: PASSWORD };
  expect((await account.api.post("/api/auth/login/", login)).status).toBe(429);
  expect((await account.get("/api/auth/me/")).body).toEqual(before);
});

test("PATCH me accepts a whole account as it was read; another username or role is 400 Read-only and changes nothing", async () => {
  const account = await accountWithPassword();
  const { body } = await account.get("/api/auth/me/");
  expect((await update(account, body)).body).toEqual(body);
  const refused = await update(account, { id: 1, username: body.username.toUpperCase(), role: "admin" });
  expect(refused).toEqual(fieldProblem("username", "role"));
  expect(refused.body).toMatchObject({
    errors: { username: ["Read-only"], role: ["Read-only"] },
    error_codes: { username: ["read_only"], role: ["read_only"] },
  });
  expect(await auditEventsOf(refused)).toMatchObject([{ outcome: "refused", changes: null }]);
  expect((await account.get("/api/auth/me/")).body).toEqual(body);
  expect(await failuresOf(account)).toEqual([{ failures: 0 }]);
  for (const missing of ["email", "password"])
    expect(await update(account, { [missing]: undefined })).toEqual(fieldProblem(missing));
});

test("PATCH me with an email that is the password, or begins with it, is 400, audited without it, and no failed attempt", async () => {
  const account = await accountWithPassword();
  const password = "Florence.Nightingale";
  await setPassword(account.id, password);
  const refused = await update(account, { email: "florence.nightingale@example.org", password });
  expect(refused).toEqual(fieldProblem("email"));
  expect(refused.body.error_codes).toEqual({ email: ["password_is_email"] });
  expect(await auditEventsOf(refused)).toMatchObject([{ outcome: "refused", changes: null, reason: null }]);
  expect(await failuresOf(account)).toEqual([{ failures: 0 }]);
  // Only somebody who knows the password is told.
  const wrong = await update(account, { email: "other@example.org", password: "other" });
  expect(wrong).toEqual(fieldProblem("password"));
  expect(await update(account, { password })).toMatchObject({ status: 200 });
});

test("PATCH me by an account that has to change its password first is 403 and counts no attempt", async () => {
  const { api, username, id } = await signUp();
  await asOwner`UPDATE users SET must_change_password = true WHERE id = ${id}`;
  const { body } = await api.post("/api/auth/login/", { username, password: PASSWORD });
  const change = { email: "moved@example.org", password: "not the password" };
  const answer = await api.patch("/api/auth/me/", change, { token: body.access });
  expect(answer).toEqual(
    problem(403, "Change the password of this account first: POST /api/auth/password/."),
  );
  expect(await auditEventsOf(answer)).toMatchObject([{ action: "update_account", outcome: "refused" }]);
  expect(await failuresOf({ username })).toEqual([{ failures: 0 }]);
});
