import { createHash } from "node:crypto";
import { expect, inject, onTestFinished, test } from "vitest";
import { changeAccount } from "../../ops/account.ts";
import { matchPassword } from "../../src/auth/passwords.ts";
import { serveApi } from "../support/serve-api.ts";
import { query, random, run } from "./support.ts";

const { ownerUrl } = inject("database");

/**
 * Inserts an account, and a second one that must not change: the username with an `x` at its end. @returns the
 * username
 */
async function insertAccount(state: { role?: string; active?: boolean; token_version?: number } = {}) {
  const { role = "clinician", active = true, token_version = 1 } = state;
  const username = random("Ada");
  await query(
    ownerUrl,
    `INSERT INTO users (username, email, password_hash, role, active, token_version, updated_at)
     SELECT name, 'a@b.org', repeat('x', 60), $2, $3, $4, '2020-01-01' FROM unnest($1::text[]) AS name`,
    [[username, `${username}x`], role, active, token_version],
  );
  return username;
}

/** The account and the second one. */
const accounts = (username: string) =>
  query(ownerUrl, "SELECT * FROM users WHERE username IN ($1, $1 || 'x') ORDER BY id", [username]);

test.each([
  ["admin", { role: "clinician" }, { role: "admin", token_version: 2 }],
  ["clinician", { role: "admin" }, { role: "clinician", token_version: 2 }],
  ["auditor", { role: "clinician" }, { role: "auditor", token_version: 2 }],
  ["disable", { active: true }, { active: false, token_version: 2 }],
  ["enable", { active: false }, { active: true, token_version: 2 }],
  ["sign-out", { token_version: 7 }, { token_version: 8 }],
])(
  "%s changes its fields and updated_at, nothing else in any account, and writes an audit event",
  async (change, state, expected) => {
    const username = await insertAccount(state);
    const [own, other] = await accounts(username);
    const [{ start }] = await query(ownerUrl, "SELECT now() AS start");
    const { role, active, token_version } = { ...own, ...expected };
    expect(await changeAccount(ownerUrl, username, change)).toEqual({
      username,
      role,
      active,
      token_version,
    });
    const [after, otherAfter] = await accounts(username);
    expect(otherAfter).toEqual(other);
    expect(after).toEqual({ ...own, ...expected, updated_at: expect.any(Date) });
    expect(after.updated_at.getTime()).toBeGreaterThanOrEqual(start.getTime());
    const changes = Object.fromEntries(
      Object.entries(expected).map(([field, value]) => [field, { before: own[field], after: value }]),
    );
    const event = "SELECT account_id, action, outcome, changes FROM audit_events WHERE subject_id = $1";
    expect(await query(ownerUrl, event, [own.id])).toEqual([
      { account_id: null, action: change, outcome: "done", changes },
    ]);
  },
);

test("reset-password prints a new password that the account must change, and resets its failed logins", async () => {
  const username = await insertAccount();
  await query(
    ownerUrl,
    `INSERT INTO login_attempts (username, network, failures, failed_at, blocked_until)
     SELECT lower(name), '', 15, now(), now() + interval '1 hour' FROM unnest($1::text[]) AS name`,
    [[username, `${username}x`]],
  );
  const { status, stdout } = await run("account", ownerUrl, username, "reset-password");
  const [, password = ""] = /password: '([\w-]{16})'/.exec(stdout) ?? [];
  const [own, other] = await accounts(username);
  expect([status, await matchPassword(password, own, 10)]).toEqual([0, password]);
  expect(own).toMatchObject({ password_prehashed: true, password_trimmed: false });
  expect(own).toMatchObject({ must_change_password: true, token_version: 2 });
  expect(own.password_expires_at.getTime() - own.updated_at.getTime()).toBe(24 * 60 * 60 * 1000);
  expect(stdout).toContain("expires_in_hours: 24");
  expect(other).toMatchObject({ must_change_password: false, token_version: 1, password_expires_at: null });
  const [event] = await query(ownerUrl, "SELECT * FROM audit_events WHERE subject_id = $1", [own.id]);
  expect(event).toMatchObject({ action: "reset-password", outcome: "done" });
  for (const secret of [password, own.password_hash]) expect(JSON.stringify(event)).not.toContain(secret);
  const failures =
    "SELECT failures FROM login_attempts WHERE username LIKE lower($1) || '%' ORDER BY username";
  expect(await query(ownerUrl, failures, [username])).toEqual([{ failures: 0 }, { failures: 15 }]);
});

test("a username is found in any case", async () => {
  const username = await insertAccount();
  for (const variant of [username.toUpperCase(), username.toLowerCase()])
    expect(await changeAccount(ownerUrl, variant, "admin")).toMatchObject({ username, role: "admin" });
});

test.each(["nobody", "x' OR '1'='1", "'; UPDATE users SET role = 'admin'; --", "%", "Ada%"])(
  "the unknown username %j is refused and changes no account",
  async (username) => {
    const before = await query(ownerUrl, "SELECT count(*) FROM users WHERE role = 'admin'");
    await expect(changeAccount(ownerUrl, username, "admin")).rejects.toThrow(
      `There is no account called ${username}.`,
    );
    expect(await query(ownerUrl, "SELECT count(*) FROM users WHERE role = 'admin'")).toEqual(before);
  },
);

test.each(["promote", "ADMIN", "role = 'admin'", "", "toString", "__proto__", undefined])(
  "the unknown change %j is refused with the usage and changes nothing",
  async (change) => {
    const username = await insertAccount();
    const before = await accounts(username);
    await expect(changeAccount(ownerUrl, username, change)).rejects.toThrow(
      /^Usage: npm run account -- <username> <change>\n/,
    );
    expect(await accounts(username)).toEqual(before);
  },
);

/** Runs `npm run account -- invite`. @returns what it printed, with the code */
async function runInvite(...args: string[]) {
  const { status, stdout, stderr } = await run("account", ownerUrl, "invite", ...args);
  const [, code = ""] = /code: '([\w-]{27})'/.exec(stdout) ?? [];
  return { status, stdout, stderr, code };
}

const invitationsTo = (email: string) =>
  query(ownerUrl, "SELECT * FROM invitations WHERE lower(email) = lower($1)", [email]);

test("with the code of invite, the first admin registers where registration needs an invitation, once", async () => {
  const api = await serveApi({ REGISTRATION: "invitation" });
  onTestFinished(() => api.stop());
  const [username, email] = [random("first"), `${random("first")}@example.org`];
  const register = async (invitation: string) => {
    const body = JSON.stringify({ username, email, password: "correct horse battery", invitation });
    const headers = { "Content-Type": "application/json" };
    return (await fetch(`${api.origin}/api/auth/register/`, { method: "POST", headers, body })).status;
  };
  const { status, code } = await runInvite(email.toUpperCase(), "admin");
  expect([status, await register(`${code}A`), await register(code), await register(code)]).toEqual([
    ...[0, 400, 201, 400],
  ]);
  expect(await query(ownerUrl, "SELECT email, role FROM users WHERE username = $1", [username])).toEqual([
    { email, role: "admin" },
  ]);
});

test("invite stores the hash of its code for seven days and an audit event without an account, and prints the code", async () => {
  const email = `${random("nurse")}@example.org`;
  const { stdout, code } = await runInvite(` ${email}`, "clinician");
  const [{ id, expires_at, created_at, ...row }, ...others] = await invitationsTo(email);
  expect(others).toEqual([]);
  const code_hash = createHash("sha256").update(code).digest("hex");
  expect(row).toEqual({
    email,
    role: "clinician",
    clinic_id: null,
    clinic_role: null,
    code_hash,
    created_by: null,
  });
  expect(expires_at.getTime() - created_at.getTime()).toBe(7 * 24 * 60 * 60 * 1000);
  expect(stdout).toContain(`id: ${id},`);
  const [event] = await query(
    ownerUrl,
    "SELECT * FROM audit_events WHERE action = 'invite' AND changes->'email'->>'after' = $1",
    [email],
  );
  expect(event).toMatchObject({ account_id: null, outcome: "done" });
  expect(event.changes).toEqual({
    invitation: { before: null, after: id },
    email: { before: null, after: email },
    role: { before: null, after: "clinician" },
  });
  for (const secret of [code, code_hash]) expect(JSON.stringify(event)).not.toContain(secret);
});

test.each([
  ["grace@example.org", "owner", "role: "],
  ["grace@example.org", "Admin", "role: "],
  ["grace", "admin", "email: Invalid email address"],
  ["", "admin", "email: Required"],
  [`${"g".repeat(250)}@example.org`, "admin", "email: Too long: expected at most 254 characters"],
])("invite %j %j is refused with the reason, and creates no invitation", async (email, role, reason) => {
  const count = "SELECT count(*) FROM invitations";
  const before = await query(ownerUrl, count);
  const { status, stdout, stderr } = await runInvite(email, role);
  expect([status, stdout]).toEqual([1, ""]);
  expect(stderr).toContain(reason);
  expect(await query(ownerUrl, count)).toEqual(before);
});

test("invite without a role is refused with the usage, and an account called invite can be changed", async () => {
  expect((await runInvite("grace@example.org")).stderr).toMatch(/^Usage: /);
  await query(
    ownerUrl,
    "INSERT INTO users (username, email, password_hash) VALUES ('invite', 'a@b.org', repeat('x', 60))",
  );
  expect((await runInvite("admin")).stdout).toContain("username: 'invite'");
});

test("the command prints the account after the change, without its password hash", async () => {
  const username = await insertAccount({ token_version: 3 });
  expect(await run("account", ownerUrl, username, "admin")).toEqual({
    status: 0,
    stdout: `{\n  username: '${username}',\n  role: 'admin',\n  active: true,\n  token_version: 4\n}\n`,
    stderr: "",
  });
});
