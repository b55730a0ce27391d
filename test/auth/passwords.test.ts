import { compareSync, hashSync } from "bcryptjs";
import { expect, test } from "vitest";
import { matchPassword } from "../../src/auth/passwords.ts";
import { logIn, newAccount, PASSWORD, setPassword, signUp, uniqueName } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { asOwner } from "../support/owner.ts";
import { fieldProblem } from "../support/problems.ts";
import { changePassword, hashOf, storedPasswordOf, tryLogin } from "./account-passwords.ts";

/**
 * An account with a hash of version 1.0, which trimmed passwords, did not normalise them, and gave them to bcrypt
 * without SHA-512.
 */
async function newOlderAccount(password: string, cost = 4) {
  const account = await newAccount();
  const hash = hashSync(password, cost);
  await asOwner`
    UPDATE users SET password_hash = ${hash}, password_trimmed = true, password_prehashed = false
    WHERE id = ${account.id}`;
  return account;
}

test("a password matches in every Unicode normal form, and only with its leading and trailing space", async () => {
  const api = connectApi();
  const [username, password] = [uniqueName("new-"), "  re\u0301sume\u0301 of mine "];
  await api.post("/api/auth/register/", { username, email: "new@example.org", password });
  expect(await tryLogin(api, username, "  r\u00e9sum\u00e9 of mine ")).toBe(200);
  expect(await tryLogin(api, username, password)).toBe(200);
  for (const other of [password.trim(), ` ${password}`])
    expect(await tryLogin(api, username, other)).toBe(401);
});

test("an older account logs in with its password as typed, with or without the space around it", async () => {
  const decomposed = await newOlderAccount("re\u0301sume\u0301 of mine");
  expect(await tryLogin(decomposed.api, decomposed.username, "re\u0301sume\u0301 of mine")).toBe(200);
  const trimmed = await newOlderAccount("correct horse");
  for (const typed of ["correct horse", " correct horse\n"])
    expect(await tryLogin(trimmed.api, trimmed.username, typed)).toBe(200);
  expect(await tryLogin(trimmed.api, trimmed.username, "correct  horse")).toBe(401);
});

test("the example of the original API, admin with strongpassword, registers and logs in", async () => {
  const api = connectApi();
  const [username, password] = [uniqueName("admin-"), "strongpassword"];
  const { status } = await api.post("/api/auth/register/", {
    username,
    email: "admin@example.com",
    password,
  });
  expect([status, await tryLogin(api, username, password)]).toEqual([201, 200]);
});

test("common passwords, also with digits or replaced letters, get 400 at registration and at a password change", async () => {
  const account = await newAccount();
  await setPassword(account.id, PASSWORD);
  const message = "Too common: choose a password that fewer people use";
  for (const password of ["P@ssw0rd", "Summer2026", "welcome123", "Hospita1!"]) {
    const body = { username: uniqueName("new-"), email: "new@example.org", password };
    const registered = await account.api.post("/api/auth/register/", body);
    expect([registered.status, registered.body.errors]).toEqual([400, { password: [message] }]);
    const changed = await changePassword(account, PASSWORD, password);
    expect([changed.status, changed.body.errors]).toEqual([400, { new: [message] }]);
  }
});

test("login replaces a hash of a lower cost in the same two database requests, and keeps one of a higher cost", async () => {
  const account = await newOlderAccount(PASSWORD, 4);
  const api = connectApi({ BCRYPT_COST: 6 });
  expect(await tryLogin(api, account.username, "not the password")).toBe(401);
  expect(await hashOf(account.id)).toMatch(/^\$2[aby]\$04\$/);
  await api.databaseRequests();
  await logIn(api, account.username);
  expect(await api.databaseRequests()).toBe(2);
  const newHash = await hashOf(account.id);
  expect(newHash).toMatch(/^\$2[aby]\$06\$/);
  await logIn(connectApi({ BCRYPT_COST: 5 }), account.username);
  expect(await hashOf(account.id)).toBe(newHash);
  expect(await matchPassword(PASSWORD, await storedPasswordOf(account.id), 4)).toBe(PASSWORD);
});

test("login replaces a hash of the password itself by one of its SHA-512, of the same or a higher cost", async () => {
  for (const [cost, newCost] of [
    [4, "05"],
    [5, "05"],
    [6, "06"],
  ] as const) {
    const account = await newOlderAccount(PASSWORD, cost);
    const api = connectApi({ BCRYPT_COST: 5 });
    const before = await storedPasswordOf(account.id);
    expect(await tryLogin(api, account.username, "not the password")).toBe(401);
    expect(await storedPasswordOf(account.id)).toEqual(before);
    await logIn(api, account.username);
    const after = await storedPasswordOf(account.id);
    expect(after).toMatchObject({ password_prehashed: true });
    expect(after.password_hash.slice(4, 6)).toBe(newCost);
    expect(compareSync(await sha512Of(PASSWORD), after.password_hash)).toBe(true);
    await logIn(api, account.username);
    expect(await storedPasswordOf(account.id)).toEqual(after);
  }
});

/** The first 72 characters of the SHA-512 in base64: what bcrypt gets. */
async function sha512Of(password: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-512", new TextEncoder().encode(password));
  return btoa(String.fromCharCode(...new Uint8Array(digest))).slice(0, 72);
}

test("every one of a password's 256 bytes counts, and the SHA-512 itself is no password", async () => {
  const api = connectApi();
  // 128 characters of 2 bytes each.
  for (const password of ["xy".repeat(128), "éè".repeat(64)]) {
    const username = uniqueName("long-");
    const register = (text: string) =>
      api.post("/api/auth/register/", { username, email: "long@example.org", password: text });
    expect(await register(`${password}x`)).toEqual(fieldProblem("password"));
    expect((await register(password)).status).toBe(201);
    expect(await tryLogin(api, username, password)).toBe(200);
    for (const wrong of [
      password.slice(0, -1),
      `${password}x`,
      `${password.slice(0, -1)}z`,
      await sha512Of(password),
    ])
      expect(await tryLogin(api, username, wrong)).toBe(401);
  }
});

test("a password of an older account is compared whole, although its bcrypt hash has read 72 bytes", async () => {
  const password = "xy".repeat(36);
  const account = await newOlderAccount(password);
  for (const wrong of [`${password}x`, await sha512Of(password)])
    expect(await tryLogin(account.api, account.username, wrong)).toBe(401);
  expect(await tryLogin(account.api, account.username, password)).toBe(200);
});

test("an older account changes its password: the new one is hashed with SHA-512, in the same statement", async () => {
  const account = await newOlderAccount("an older horse");
  expect((await changePassword(account, "an older horse", "z".repeat(72).concat("?"))).status).toBe(200);
  expect(await storedPasswordOf(account.id)).toMatchObject({
    password_trimmed: false,
    password_prehashed: true,
  });
  expect(await tryLogin(account.api, account.username, "z".repeat(72).concat("?"))).toBe(200);
});

test("PASSWORD_MIN_LENGTH applies to new passwords, with all other errors at once, and not to a login", async () => {
  const strict = connectApi({ PASSWORD_MIN_LENGTH: 15 });
  const username = uniqueName("new-");
  const register = (password: string, email = "new@example.org") =>
    strict.post("/api/auth/register/", { username, email, password });
  // 14 characters, and 15 characters with 14 in NFC.
  for (const short of ["x7 fourteen ch", "x7 fourteen e\u0301h"]) {
    const { status, body } = await register(short, "nobody");
    expect([status, body.errors]).toEqual([
      400,
      {
        email: ["Invalid email address"],
        password: ["Too short: expected at least 15 characters"],
      },
    ]);
  }
  expect((await register("x7 fifteen char")).status).toBe(201);
  const older = await signUp(connectApi(), uniqueName("older-"));
  await setPassword(older.id, "12 character");
  expect(await tryLogin(strict, older.username, "12 character")).toBe(200);
  const change = (newPassword: string) =>
    strict.post("/api/auth/password/", { current: "12 character", new: newPassword }, { token: older.token });
  expect(await change("x7 fourteen ch")).toEqual(fieldProblem("new"));
  expect((await change("x7 fifteen char")).status).toBe(200);
});
