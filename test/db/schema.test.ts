import { describe, expect, test } from "vitest";
import { asOwner, unique } from "../support/fixtures.ts";

type Row = Record<string, unknown>;

/** A valid row, with names of its own. */
const rows = {
  users: (): Row => ({ username: unique("raw-"), email: "raw@example.org", password_hash: "x".repeat(60) }),
  refresh_tokens: (): Row => ({ token_hash: unique("").padEnd(64, "0") }),
  patients: (): Row => ({
    firstname: "A",
    lastname: "B",
    email: `${unique("raw-")}@example.org`,
    age: 1,
    gender: "F",
  }),
  doctors: (): Row => ({
    firstname: "A",
    lastname: "B",
    email: `${unique("raw-")}@example.org`,
    gender: "F",
    specialization: "GEN",
    max_appointments_per_day: 10,
  }),
};

/** Inserts a row as the database's owner, with an account of its own where one is needed. */
async function insert(table: keyof typeof rows, changes: Row = {}) {
  const row: Row = { role: "clinician", ...rows[table](), ...changes };
  if (table === "users") return insertUser(row);
  const [owner] = await insertUser({ role: "clinician", ...rows.users() });
  const id = owner?.["id"];
  switch (table) {
    case "refresh_tokens":
      return asOwner`
        WITH session AS (INSERT INTO sessions (user_id, token_version, expires_at) VALUES (${id}, 1, now()) RETURNING id)
        SELECT id FROM session`.then(
        ([session]) => asOwner`
        INSERT INTO refresh_tokens (token_hash, session_id) VALUES (${row["token_hash"]}, ${session?.["id"]}) RETURNING *`,
      );
    case "patients":
      return asOwner`
        INSERT INTO patients (firstname, lastname, email, age, gender, created_by)
        VALUES (${row["firstname"]}, ${row["lastname"]}, ${row["email"]}, ${row["age"]}, ${row["gender"]}, ${id})
        RETURNING *`;
    case "doctors":
      return asOwner`
        INSERT INTO doctors (firstname, lastname, email, gender, specialization, max_appointments_per_day, created_by)
        VALUES (${row["firstname"]}, ${row["lastname"]}, ${row["email"]}, ${row["gender"]}, ${row["specialization"]},
                ${row["max_appointments_per_day"]}, ${id})
        RETURNING *`;
  }
}

const insertUser = (row: Row) => asOwner`
  INSERT INTO users (username, email, password_hash, role)
  VALUES (${row["username"]}, ${row["email"]}, ${row["password_hash"]}, ${row["role"]})
  RETURNING *`;

const names = ["", "  ", "\t\n", "x".repeat(65)];
const emails = (max: number) => [
  "",
  "nobody",
  "@example.org",
  "nobody@",
  "a@b@c",
  "a b@c.org",
  `a@${"b".repeat(max - 1)}`,
];
const genders = ["", "f", "X", "female"];

/** For every CHECK of the schema: what the contract forbids, and what it just allows. */
const checks: [keyof typeof rows, string, { forbidden: unknown[]; allowed: unknown[] }][] = [
  [
    "users",
    "username",
    {
      forbidden: ["", "two words", "josé", "a/b", "a\nb", "x".repeat(151)],
      allowed: [unique("x").padEnd(150, "x")],
    },
  ],
  ["users", "email", { forbidden: emails(254), allowed: [`a@${"b".repeat(252)}`] }],
  ["users", "password_hash", { forbidden: ["", "x".repeat(59), "x".repeat(61)], allowed: ["y".repeat(60)] }],
  ["users", "role", { forbidden: ["", "doctor", "Admin"], allowed: ["clinician", "admin"] }],
  [
    "refresh_tokens",
    "token_hash",
    {
      forbidden: ["", "a token", "A".repeat(64), "0".repeat(63), "0".repeat(65)],
      allowed: [unique("").padEnd(64, "f")],
    },
  ],
  ["patients", "firstname", { forbidden: names, allowed: ["x", "€".repeat(64), "Jean Luc"] }],
  ["patients", "lastname", { forbidden: names, allowed: ["x", "😀".repeat(64), "O'Neil"] }],
  ["patients", "email", { forbidden: emails(128), allowed: [`a@${"b".repeat(126)}`] }],
  ["patients", "age", { forbidden: [-1, 121], allowed: [0, 120] }],
  ["patients", "gender", { forbidden: genders, allowed: ["M", "F", "O", "U"] }],
  ["doctors", "firstname", { forbidden: names, allowed: ["x", "€".repeat(64)] }],
  ["doctors", "lastname", { forbidden: names, allowed: ["x", "😀".repeat(64)] }],
  ["doctors", "email", { forbidden: emails(128), allowed: [`${unique("a")}@`.padEnd(128, "b")] }],
  ["doctors", "gender", { forbidden: genders, allowed: ["M", "F", "O", "U"] }],
  [
    "doctors",
    "specialization",
    { forbidden: ["", "gen", "SURG"], allowed: ["CARD", "DERM", "NEUR", "ORTH", "PED", "GEN"] },
  ],
  ["doctors", "max_appointments_per_day", { forbidden: [-1, 1001], allowed: [0, 1000] }],
];

describe.each(checks)("%s.%s", (table, column, { forbidden, allowed }) => {
  test.each(forbidden)("is never %j", async (value) => {
    await expect(insert(table, { [column]: value })).rejects.toMatchObject({
      constraint: `${table}_${column}_check`,
    });
  });

  test.each(allowed)("may be %j", async (value) => {
    expect(await insert(table, { [column]: value })).toMatchObject([{ [column]: value }]);
  });
});

test("there is no CHECK besides these", async () => {
  const constraints = await asOwner`
    SELECT conname FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace`;
  const expected = checks.map(([table, column]) => `${table}_${column}_check`);
  expect(constraints.map(({ conname }) => conname).sort()).toEqual(expected.sort());
});

test("usernames, doctors' emails and a patients' owner's emails are unique ignoring case", async () => {
  const [user] = await insert("users");
  await expect(insert("users", { username: user?.["username"].toUpperCase() })).rejects.toMatchObject({
    constraint: "users_username_key",
  });
  const [doctor] = await insert("doctors");
  await expect(insert("doctors", { email: doctor?.["email"].toUpperCase() })).rejects.toMatchObject({
    constraint: "doctors_email_key",
  });
  const [patient] = await insert("patients");
  const again = asOwner`
    INSERT INTO patients (firstname, lastname, email, age, gender, created_by)
    SELECT firstname, lastname, upper(email), age, gender, created_by FROM patients WHERE id = ${patient?.["id"]}`;
  await expect(again).rejects.toMatchObject({ constraint: "patients_created_by_email_key" });
});
