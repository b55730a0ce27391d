import { expect, test } from "vitest";
import { connectApi } from "../support/api.ts";
import { asOwner, logIn, PASSWORD, unique } from "../support/fixtures.ts";

const registration = (fields: Record<string, unknown> = {}) => {
  const username = unique("new-");
  return { username, email: `${username}@example.org`, password: PASSWORD, ...fields };
};

const register = async (fields: Record<string, unknown>) =>
  connectApi().post("/api/auth/register/", registration(fields));

/** The rows of the accounts of this name, in any case. */
const stored = (username: string) => asOwner`SELECT * FROM users WHERE lower(username) = lower(${username})`;

test("registering answers 201 with id, username and email and nothing else, in one database request", async () => {
  const api = connectApi();
  const { username, email, password } = registration();
  const answer = await api.post("/api/auth/register/", { username, email, password });
  expect(answer.status).toBe(201);
  expect(answer.body).toEqual({ id: expect.any(Number), username, email });
  expect(answer.body.id).toBeGreaterThan(0);
  expect(await api.databaseRequests()).toBe(1);
});

test("the password is stored as a bcrypt hash of the configured cost only", async () => {
  const { username } = (await register({ password: "open sesame!" })).body;
  const [account] = await stored(username);
  expect(account?.["password_hash"]).toMatch(/^\$2[aby]\$04\$[./A-Za-z0-9]{53}$/);
  expect(JSON.stringify(account)).not.toContain("open sesame");
});

test("a new account is an active clinician", async () => {
  const { username } = (await register({})).body;
  expect(await stored(username)).toMatchObject([{ role: "clinician", active: true, token_version: 1 }]);
});

test.each(["role", "active", "token_version", "password_hash", "is_admin", "first_name"])(
  "registration takes no %s",
  async (field) => {
    const api = connectApi();
    const body = registration({ [field]: "admin" });
    const answer = await api.post("/api/auth/register/", body);
    expect(answer.status).toBe(400);
    expect(Object.keys(answer.body.errors)).toEqual([field]);
    expect(await stored(body.username)).toEqual([]);
    expect(await api.databaseRequests()).toBe(0);
  },
);

test("an id is read-only: it is accepted and ignored", async () => {
  const answer = await register({ id: 1_999_999_999 });
  expect(answer.status).toBe(201);
  expect(answer.body.id).not.toBe(1_999_999_999);
});

test("a taken username answers 409, in whatever case it is written", async () => {
  const api = connectApi();
  const { username } = (await api.post("/api/auth/register/", registration({ username: unique("Taken-") })))
    .body;
  for (const same of [username, username.toUpperCase(), username.toLowerCase()]) {
    const answer = await api.post("/api/auth/register/", registration({ username: same }));
    expect(answer.status).toBe(409);
    expect(answer.body).not.toHaveProperty("errors");
  }
  expect(await stored(username)).toMatchObject([{ username }]);
});

test("two accounts may have the same email", async () => {
  const email = `${unique("shared-")}@example.org`;
  expect((await register({ email })).status).toBe(201);
  expect((await register({ email })).status).toBe(201);
});

test.each(["username", "email", "password"])("white space around the %s is trimmed", async (field) => {
  const api = connectApi();
  const body: Record<string, unknown> = registration();
  const answer = await api.post("/api/auth/register/", { ...body, [field]: ` \t${body[field]}\n ` });
  expect(answer.status).toBe(201);
  expect(answer.body).toMatchObject({ username: body["username"], email: body["email"] });
  await expect(logIn(api, answer.body.username)).resolves.toHaveProperty("access");
});

/** A username that no other test has, as long as is asked. */
const ofLength = (length: number) => unique("n").padEnd(length, "x");

test("a username may have a single character", async () => {
  expect((await register({ username: "q" })).status).toBe(201);
});

test.each([
  ["a username of 150 characters", { username: ofLength(150) }],
  ["a username with every sign that is allowed", { username: unique("@.+-_Zz09") }],
  ["a password of 8 characters", { password: "12345678" }],
  ["a password of 8 characters of 4 bytes each", { password: "😀".repeat(8) }],
  ["a password of 72 bytes", { password: "x".repeat(72) }],
  ["a password of 24 characters of 3 bytes each", { password: "€".repeat(24) }],
  ["a password with spaces inside", { password: "a b c d e f" }],
  [
    "an email of 254 characters",
    { email: `${"a".repeat(64)}@${"b".repeat(60)}.${"c".repeat(60)}.${"d".repeat(59)}.example` },
  ],
])("registration takes %s", async (_, fields) => {
  const answer = await register(fields);
  expect(answer.body).not.toHaveProperty("errors");
  expect(answer.status).toBe(201);
});

test.each([
  ["username", "of 151 characters", ofLength(151)],
  ["username", "with a space inside", "two words"],
  ["username", "with a letter that is not ASCII", "josé"],
  ["username", "with a digit that is not ASCII", "user٣"],
  ["username", "with a full-width letter", "ａdmin"],
  ["username", "with a slash", "a/b"],
  ["username", "with a line break inside", "a\nb"],
  ["email", "without an @", "nobody.example.org"],
  ["email", "without a domain", "nobody@"],
  ["email", "with two @", "a@b@example.org"],
  ["email", "with a space inside", "a b@example.org"],
  [
    "email",
    "of 255 characters",
    `${"a".repeat(64)}@${"b".repeat(60)}.${"c".repeat(60)}.${"d".repeat(60)}.example`,
  ],
  ["password", "of 7 characters", "1234567"],
  ["password", "of 7 characters in 14 UTF-16 units", "😀".repeat(7)],
  ["password", "of 7 characters, trimmed", " 1234567 "],
  ["password", "of 73 bytes", "x".repeat(73)],
  ["password", "of 25 characters of 3 bytes each", "€".repeat(25)],
  ...["username", "email", "password"].flatMap((field) => [
    [field, "that is missing", undefined],
    [field, "that is null", null],
    [field, "that is a number", 12345678],
    [field, "that is a list", ["correct", "horse"]],
    [field, "that is empty", ""],
    [field, "that is blank", " \t\n\u00a0    "],
    [field, "with a NUL inside", "nobody\0@example.org"],
    [field, "with a lone high surrogate", "nobody\ud800@example.org"],
    [field, "with a lone low surrogate", "nobody\udc00@example.org"],
  ]),
] as [string, string, unknown][])(
  "a %s %s is refused by its name, without a database request",
  async (field, _, value) => {
    const api = connectApi();
    const answer = await api.post("/api/auth/register/", registration({ [field]: value }));
    expect(answer.status).toBe(400);
    expect(answer.body.errors).toEqual({ [field]: expect.arrayContaining([expect.any(String)]) });
    expect(await api.databaseRequests()).toBe(0);
  },
);

test("all fields that are wrong are named at once", async () => {
  const answer = await connectApi().post("/api/auth/register/", {
    username: "two words",
    password: "short",
    nickname: "x",
  });
  expect(answer.status).toBe(400);
  expect(Object.keys(answer.body.errors).sort()).toEqual(["email", "nickname", "password", "username"]);
  expect(answer.body.detail).toBe("4 fields are not valid.");
});
