import { compare } from "bcryptjs";
import { beforeEach, expect, test } from "vitest";
import { fillDemo } from "../../local/demo.ts";
import { migrate } from "../../ops/migrate.ts";
import { emptyDatabase, query } from "../ops/support.ts";

let url: string;
beforeEach(async () => {
  url = await emptyDatabase();
  await migrate(url);
});

test("the accounts it names log in with the passwords it gives, and one is an admin", async () => {
  const accounts = await fillDemo(url, { patients: 300 });
  for (const { id, username, password } of accounts) {
    const [user] = await query(url, "SELECT * FROM users WHERE id = $1", [id]);
    expect(user).toMatchObject({ username, active: true });
    expect(await compare(password, user.password_hash)).toBe(true);
  }
  expect(await query(url, "SELECT role FROM users ORDER BY id")).toEqual([
    { role: "admin" },
    { role: "clinician" },
  ]);
});

test("the people it makes up are all at example.org, and as many as were asked for", async () => {
  const told: number[] = [];
  const [, clinician] = await fillDemo(url, { patients: 300, accounts: 5, largest: 100 }, (n) =>
    told.push(n),
  );
  const people = await query(url, "SELECT email FROM patients UNION ALL SELECT email FROM doctors");
  expect(people.length).toBeGreaterThan(300);
  for (const { email } of people) expect(email).toMatch(/^(dr\.)?[a-z]+\.[a-z]+\.\d+@example\.org$/);
  const shares = "SELECT created_by, count(*)::integer AS patients FROM patients GROUP BY 1 ORDER BY 1";
  expect(await query(url, shares)).toHaveLength(5);
  expect(await query(url, shares)).toContainEqual({ created_by: clinician?.id, patients: 100 });
  expect(told.at(-1)).toBe(300);
});

test("an empty database gets the same people every time", async () => {
  const people = "SELECT firstname, lastname, email, age, gender FROM patients ORDER BY id";
  await fillDemo(url, { patients: 20 });
  const other = await emptyDatabase();
  await migrate(other);
  await fillDemo(other, { patients: 20 });
  expect(await query(url, people)).toEqual(await query(other, people));
});

test("run again it adds others, and gives the accounts new passwords", async () => {
  const [first] = await fillDemo(url, { patients: 300 });
  const [second] = await fillDemo(url, { patients: 300 });
  expect(second?.id).toBe(first?.id);
  const [{ password_hash }] = await query(url, "SELECT password_hash FROM users WHERE id = $1", [first?.id]);
  expect(await compare(second?.password ?? "", password_hash)).toBe(true);
  expect(await query(url, "SELECT count(DISTINCT email)::integer AS patients FROM patients")).toEqual([
    { patients: 600 },
  ]);
});

test("an account of somebody else by one of its names is left alone", async () => {
  const own =
    "INSERT INTO users (username, email, password_hash) VALUES ('Demo.Admin', 'a@b.example', repeat('x', 60))";
  await query(url, own);
  await expect(fillDemo(url, { patients: 1 })).rejects.toThrow("There is an account demo.admin that is not");
  const theirs = "SELECT password_hash FROM users WHERE username = 'Demo.Admin'";
  expect(await query(url, theirs)).toEqual([{ password_hash: "x".repeat(60) }]);
});
