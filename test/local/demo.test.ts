import { beforeEach, expect, test } from "vitest";
import { fillDemo } from "../../local/demo.ts";
import { migrate } from "../../ops/migrate.ts";
import { matchPassword } from "../../src/auth/passwords.ts";
import { emptyDatabase, query } from "../ops/support.ts";

let url: string;
beforeEach(async () => {
  url = await emptyDatabase();
  await migrate(url);
});

test("fillDemo returns an admin and a clinician, with passwords that match their hashes", async () => {
  const accounts = await fillDemo(url, { patients: 300 });
  for (const { id, username, password } of accounts) {
    const [user] = await query(url, "SELECT * FROM users WHERE id = $1", [id]);
    expect(user).toMatchObject({ username, active: true });
    expect(await matchPassword(password, user, 10)).toBe(password);
  }
  expect(await query(url, "SELECT role FROM users ORDER BY id")).toEqual([
    { role: "admin" },
    { role: "clinician" },
  ]);
});

test("all emails are at example.org, and the numbers of patients and accounts are those that were asked for", async () => {
  const progress: number[] = [];
  const [, clinician] = await fillDemo(url, { patients: 300, accounts: 5, largest: 100 }, (n) =>
    progress.push(n),
  );
  const people = await query(url, "SELECT email FROM patients UNION ALL SELECT email FROM doctors");
  expect(people.length).toBeGreaterThan(300);
  for (const { email } of people.filter(({ email }) => email !== null))
    expect(email).toMatch(/^(dr\.)?[a-z]+\.[a-z]+\.\d+@example\.org$/);
  const shares = "SELECT created_by, count(*)::integer AS patients FROM patients GROUP BY 1 ORDER BY 1";
  expect(await query(url, shares)).toHaveLength(5);
  expect(await query(url, shares)).toContainEqual({ created_by: clinician?.id, patients: 100 });
  expect(progress.at(-1)).toBe(300);
});

test("two empty databases get the same people", async () => {
  const people = "SELECT firstname, lastname, email, birth_date, age, gender FROM patients ORDER BY id";
  await fillDemo(url, { patients: 20 });
  const other = await emptyDatabase();
  await migrate(other);
  await fillDemo(other, { patients: 20 });
  expect(await query(url, people)).toEqual(await query(other, people));
});

test("a second run adds other people and changes the passwords of the accounts", async () => {
  const [first] = await fillDemo(url, { patients: 300 });
  // As version 1.1 has left it.
  await query(url, "UPDATE users SET password_prehashed = false");
  const [second] = await fillDemo(url, { patients: 300 });
  expect(second?.id).toBe(first?.id);
  const [user] = await query(url, "SELECT * FROM users WHERE id = $1", [first?.id]);
  expect(await matchPassword(second?.password ?? "", user, 10)).toBe(second?.password);
  // Of each twenty, one has no email, and one shares another's.
  expect(await query(url, "SELECT count(DISTINCT email)::integer AS patients FROM patients")).toEqual([
    { patients: 540 },
  ]);
});

test("an existing account with the name of a demo account, but another email, is an error and not changed", async () => {
  const insert =
    "INSERT INTO users (username, email, password_hash) VALUES ('Demo.Admin', 'a@b.example', repeat('x', 60))";
  await query(url, insert);
  await expect(fillDemo(url, { patients: 1 })).rejects.toThrow(
    "The account demo.admin exists and is not a demo account",
  );
  const select = "SELECT password_hash FROM users WHERE username = 'Demo.Admin'";
  expect(await query(url, select)).toEqual([{ password_hash: "x".repeat(60) }]);
});

test("two shared clinics have members and patients, also after a second run", async () => {
  for (const patients of [100, 20]) await fillDemo(url, { patients });
  const clinics = `SELECT name, count(DISTINCT account_id)::integer AS members, count(DISTINCT p.id)::integer AS patients
    FROM clinics c JOIN memberships ON clinic_id = c.id JOIN patients p ON p.owner_id = c.id
    WHERE kind = 'shared' GROUP BY name ORDER BY name`;
  expect(await query(url, clinics)).toEqual([
    { name: "Chapel Street", members: 2, patients: 10 },
    { name: "North Street", members: 2, patients: 10 },
  ]);
});

test("there are families with one email and address, people with one name, partial birth dates, and patients and doctors without an email", async () => {
  await fillDemo(url, { patients: 300 });
  const families = `SELECT count(*)::integer AS members FROM patients p JOIN patients head USING (owner_id, email, lastname, address)
    WHERE p.email_shared AND NOT head.email_shared`;
  expect(await query(url, families)).toEqual([{ members: 15 }]);
  expect(await query(url, "SELECT id FROM patients WHERE lastname = ''")).toHaveLength(15);
  const births =
    "SELECT length(birth_date) AS length, count(*)::integer AS patients FROM patients GROUP BY 1 ORDER BY 1";
  expect((await query(url, births)).map(({ length }) => length)).toEqual([4, 7, 10, null]);
  expect(await query(url, "SELECT id FROM patients WHERE email IS NULL AND phones <> '{}'")).toHaveLength(15);
  expect(await query(url, "SELECT id FROM doctors WHERE email IS NULL")).not.toEqual([]);
  const pairs =
    "SELECT FROM patients p JOIN patients other USING (owner_id, name_sort_key, age) WHERE p.id < other.id";
  expect((await query(url, pairs)).length).toBeGreaterThan(0);
});

test("ten doctors have hours and appointments of the past and to come, and one is absent, also after a second run", async () => {
  for (const patients of [1000, 20]) await fillDemo(url, { patients });
  const doctors = `SELECT count(DISTINCT s.doctor_id)::integer AS schedules, count(DISTINCT a.doctor_id)::integer AS with_appointments
    FROM schedules s LEFT JOIN appointments a USING (doctor_id) WHERE s.doctor_id <= 30`;
  expect(await query(url, doctors)).toEqual([{ schedules: 10, with_appointments: 10 }]);
  const statuses =
    "SELECT DISTINCT starts_at < now() AS past, status FROM appointments ORDER BY past DESC, status";
  expect((await query(url, statuses)).map(({ past, status }) => [past, status])).toEqual([
    [true, "cancelled"],
    [true, "fulfilled"],
    [true, "no_show"],
    [false, "booked"],
    [false, "cancelled"],
  ]);
  const refused = `SELECT a.id FROM appointments a WHERE NOT EXISTS (
      SELECT FROM open_windows(a.doctor_id, a.day, a.day) w WHERE tstzrange(a.starts_at, a.ends_at) <@ w)
    OR EXISTS (SELECT FROM absences b WHERE b.doctor_id = a.doctor_id AND tstzrange(b.starts_at, b.ends_at) && tstzrange(a.starts_at, a.ends_at))
    OR NOT EXISTS (SELECT FROM mappings m WHERE m.patient_id = a.patient_id AND m.doctor_id = a.doctor_id)`;
  expect(await query(url, refused)).toEqual([]);
  expect(await query(url, "SELECT id FROM absences")).toHaveLength(2);
});
