import { expect, test } from "vitest";
import { logIn, PASSWORD, unique } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { asOwner } from "../support/owner.ts";
import { problem } from "../support/problems.ts";

const api = connectApi({ BCRYPT_COST: 5 });

// Any number of accounts may have the same email.
const email = "ward@example.org";
const register = (username: string) =>
  api.post("/api/auth/register/", { username, email, password: PASSWORD });

/** The rows of the accounts of this name, in any case. */
const stored = (username: string) => asOwner`SELECT * FROM users WHERE lower(username) = lower(${username})`;

test("registering makes an active clinician, and answers with id, username and email and nothing else", async () => {
  const username = unique("new-");
  const { status, body } = await register(username);
  const account = { id: expect.any(Number), username, email };
  expect([status, body]).toEqual([201, account]);
  const [row] = await stored(username);
  expect(row).toMatchObject({ ...body, role: "clinician", active: true, token_version: 1 });
  // As a hash of the configured cost, and nowhere else.
  expect(row?.["password_hash"]).toMatch(/^\$2[aby]\$05\$[./A-Za-z0-9]{53}$/);
  expect(JSON.stringify(row)).not.toContain(PASSWORD);
});

test("a username is kept as it is written and logs in however it is written", async () => {
  const username = unique("Nurse.Joy-");
  expect((await register(username)).body.username).toBe(username);
  for (const written of [username, username.toLowerCase(), username.toUpperCase(), `  ${username} `])
    await expect(logIn(api, written)).resolves.toHaveProperty("access");
});

test("a taken username is 409, in whatever case it is written, and the account stays as it is", async () => {
  const username = unique("Taken-");
  await register(username);
  const before = await stored(username);
  for (const same of [username, username.toUpperCase(), username.toLowerCase()])
    expect(await register(same)).toEqual(problem(409, "An account with this username already exists."));
  expect(await stored(username)).toEqual(before);
});
