import { expect, test } from "vitest";
import { logIn, PASSWORD, uniqueName } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { asOwner } from "../support/owner.ts";
import { problem } from "../support/problems.ts";

const api = connectApi({ BCRYPT_COST: 5 });

// Any number of accounts may have the same email.
const email = "ward@example.org";
const register = (username: string) =>
  api.post("/api/auth/register/", { username, email, password: PASSWORD });

/** The accounts with this username in any case. */
const findAccounts = (username: string) =>
  asOwner`SELECT * FROM users WHERE lower(username) = lower(${username})`;

test("register creates an active clinician and answers with id, username and email and nothing else", async () => {
  const username = uniqueName("new-");
  const { status, body } = await register(username);
  const account = { id: expect.any(Number), username, email };
  expect([status, body]).toEqual([201, account]);
  const [row] = await findAccounts(username);
  expect(row).toMatchObject({ ...body, role: "clinician", active: true, token_version: 1 });
  // The password is stored only as a hash of BCRYPT_COST.
  expect(row?.["password_hash"]).toMatch(/^\$2[aby]\$05\$[./A-Za-z0-9]{53}$/);
  expect(JSON.stringify(row)).not.toContain(PASSWORD);
});

test("a username keeps its case, and login accepts it in any case", async () => {
  const username = uniqueName("Nurse.Joy-");
  expect((await register(username)).body.username).toBe(username);
  for (const spelling of [username, username.toLowerCase(), username.toUpperCase(), `  ${username} `])
    await expect(logIn(api, spelling)).resolves.toHaveProperty("access");
});

test("a username that exists in any case gets 409, and the account is unchanged", async () => {
  const username = uniqueName("Taken-");
  await register(username);
  const before = await findAccounts(username);
  for (const spelling of [username, username.toUpperCase(), username.toLowerCase()])
    expect(await register(spelling)).toEqual(problem(409, "An account with this username already exists."));
  expect(await findAccounts(username)).toEqual(before);
});
