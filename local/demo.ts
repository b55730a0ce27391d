import { randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import { faker } from "@faker-js/faker/locale/en";
import { hash } from "bcryptjs";
import { Presets, SingleBar } from "cli-progress";
import type pg from "pg";
import { runAsCommand, withClient } from "../ops/command.ts";
import { databaseUrl, isLocal } from "../ops/environment.ts";
import { specializations } from "../src/db/schema.ts";

/** The accounts that somebody logs in to, the first of which is an admin. */
const USERNAMES = ["demo.admin", "demo.clinician"];
const HASH_COST = 10;
/** How many patients are sent in one statement. */
const BATCH = 5000;
/** How many names of a kind faker makes up; they are combined afterwards, for it takes microseconds for each. */
const NAMES = 2000;

export interface Demo {
  /** How many patients are added. */
  patients: number;
  /** How many accounts they are spread over, 2 at least; nobody can log in to the third and later ones. */
  accounts?: number;
  /** How many of the patients are the second account's. */
  largest?: number;
}

export interface DemoAccount {
  id: number;
  username: string;
  password: string;
}

/**
 * Adds made-up people to the database at `url`: accounts, doctors, patients in the order of their creation spread over
 * the accounts, and one to three doctors assigned to every other patient. The same database gets the same people, for
 * all chance is seeded with what is there already; a database that has some gets others, whose emails are new.
 *
 * @param url the database, migrated, as its owner.
 * @param onProgress is told how many patients there are so far.
 * @returns the accounts to log in to; when they were there already, their passwords are new and their sessions over.
 * @throws an error whose message says why not.
 */
export function fillDemo(
  url: string,
  { patients, accounts = 2, largest = Math.ceil(patients / 2) }: Demo,
  onProgress: (patients: number) => void = () => {},
): Promise<DemoAccount[]> {
  return withClient(url, async (client) => {
    const seed = await idsGiven(client, "patients");
    faker.seed(seed);
    const known = await upsertAccounts(client);
    const others = await insertOthers(client, accounts - known.length);
    const [admin, clinician] = known as [DemoAccount, DemoAccount];
    const doctorIds = await insertDoctors(client, admin.id, Math.min(500, 10 + patients / 50));
    const owners = [admin.id, ...others];
    // The second account's patients lie evenly between those of the others, as they would in life.
    const ownerOf = (i: number) =>
      Math.floor(((i + 1) * largest) / patients) > Math.floor((i * largest) / patients)
        ? clinician.id
        : owners[i % owners.length];
    const person = people();
    for (let from = 0; from < patients; from += BATCH) {
      const rows = Array.from({ length: Math.min(BATCH, patients - from) }, (_, i) => ({
        ...person(seed + from + i),
        age: Math.floor(100 * chance() ** 0.7),
        created_by: ownerOf(from + i),
        doctors: doctorsOf(doctorIds),
      }));
      await client.query(insertPatients, [JSON.stringify(rows)]);
      onProgress(from + rows.length);
    }
    // What autovacuum would do in a minute: until then the planner knows nothing of all this.
    await client.query("VACUUM (ANALYZE) users, doctors, patients, mappings");
    return known;
  });
}

/** For a batch and its assignments. JSON, because `unnest` would flatten the lists of doctors. */
const insertPatients = `
  WITH given AS MATERIALIZED (
    SELECT * FROM json_to_recordset($1) AS r
      (firstname text, lastname text, email text, age smallint, gender text, created_by integer, doctors integer[])
  ), created AS (
    INSERT INTO patients (firstname, lastname, email, age, gender, created_by, owner_id)
    SELECT firstname, lastname, email, age, gender, created_by, created_by FROM given
    RETURNING id, created_by, email
  )
  INSERT INTO mappings (patient_id, owner_id, doctor_id)
  SELECT created.id, created_by, doctor_id
  FROM created JOIN given USING (created_by, email), unnest(given.doctors) AS doctor_id`;

/** How many ids a table has given out: what hangs on it is new for ever, also after rows have been deleted. */
async function idsGiven(client: pg.Client, table: "patients" | "doctors"): Promise<number> {
  const { rows } = await client.query(
    `SELECT CASE WHEN is_called THEN last_value ELSE 0 END::integer AS given FROM ${table}_id_seq`,
  );
  return rows[0].given;
}

async function upsertAccounts(client: pg.Client): Promise<DemoAccount[]> {
  const passwords = USERNAMES.map(() => randomBytes(9).toString("base64url"));
  const hashes = await Promise.all(passwords.map((password) => hash(password, HASH_COST)));
  const { rows } = await client.query<{ id: number; username: string }>(
    `INSERT INTO users (username, email, password_hash, role)
     SELECT username, username || '@example.org', hash, CASE username WHEN $3 THEN 'admin' ELSE 'clinician' END
     FROM unnest($1::text[], $2::text[]) AS r (username, hash)
     ON CONFLICT (lower(username COLLATE "C")) DO UPDATE
     SET password_hash = EXCLUDED.password_hash, token_version = users.token_version + 1, updated_at = now()
     WHERE users.email = EXCLUDED.email
     RETURNING id, username`,
    [USERNAMES, hashes, USERNAMES[0]],
  );
  return USERNAMES.map((username, i) => {
    const id = rows.find((row) => row.username === username)?.id;
    if (id === undefined) throw new Error(`There is an account ${username} that is not of the demo.`);
    return { id, username, password: passwords[i] ?? "" };
  });
}

/** The ids of accounts that nobody logs in to: their one password is thrown away. */
async function insertOthers(client: pg.Client, count: number): Promise<number[]> {
  if (count <= 0) return [];
  const { rows } = await client.query<{ id: number }>(
    `WITH given AS (SELECT 'demo.' || n AS username FROM generate_series(1, $1::integer) n), created AS (
       INSERT INTO users (username, email, password_hash)
       SELECT username, username || '@example.org', $2 FROM given
       ON CONFLICT (lower(username COLLATE "C")) DO NOTHING RETURNING id
     )
     SELECT id FROM created
     UNION ALL SELECT id FROM users WHERE username IN (SELECT username FROM given) ORDER BY id`,
    [count, await hash(randomBytes(9).toString("base64url"), HASH_COST)],
  );
  return rows.map(({ id }) => id);
}

async function insertDoctors(client: pg.Client, owner: number, count: number) {
  const given = await idsGiven(client, "doctors");
  const person = people();
  const doctors = Array.from({ length: Math.floor(count) }, (_, i) => ({
    ...person(given + i),
    specialization: faker.helpers.arrayElement(specializations),
    most: faker.number.int({ min: 4, max: 24 }),
  }));
  const { rows } = await client.query<{ id: number }>(
    `INSERT INTO doctors (firstname, lastname, email, gender, specialization, max_appointments_per_day, created_by)
     SELECT firstname, lastname, 'dr.' || email, gender, specialization, most, $2
     FROM json_to_recordset($1) AS r
       (firstname text, lastname text, email text, gender text, specialization text, most integer)
     RETURNING id`,
    [JSON.stringify(doctors), owner],
  );
  return rows.map(({ id }) => id);
}

/** Makes up people; the number is the one of their email, which nobody else may have. */
function people() {
  const names = (make: () => string) => Array.from({ length: NAMES }, make);
  const female = names(() => faker.person.firstName("female"));
  const male = names(() => faker.person.firstName("male"));
  const last = names(() => faker.person.lastName());
  const pick = (list: string[]) => list[Math.floor(chance() * list.length)] ?? "";
  return (number: number) => {
    const kind = chance();
    const gender = kind < 0.49 ? "F" : kind < 0.98 ? "M" : kind < 0.99 ? "O" : "U";
    const firstname = pick(gender === "F" || (gender !== "M" && number % 2 === 0) ? female : male);
    const lastname = pick(last);
    const local = `${firstname}.${lastname}`.toLowerCase().replace(/[^a-z.]/g, "");
    return { firstname, lastname, gender, email: `${local}.${number + 1}@example.org` };
  };
}

const chance = (): number => faker.number.float();

/** None for every other patient, else one to three. */
function doctorsOf(ids: number[]): number[] {
  const count = Math.max(0, Math.floor(chance() * 6) - 2);
  return [...new Set(Array.from({ length: count }, () => ids[Math.floor(chance() * ids.length)] ?? 0))];
}

if (import.meta.main) {
  await runAsCommand(async () => {
    const { values } = parseArgs({ options: { patients: { type: "string", default: "1000" } } });
    const patients = Number(values.patients);
    if (!/^[1-9]\d{0,7}$/.test(values.patients)) throw new Error("Usage: npm run demo -- --patients 1000");
    const url = databaseUrl();
    if (!isLocal(new URL(url))) throw new Error("Demo data are for a database on this machine only.");
    const bar = new SingleBar(
      { format: "{bar} {value} of {total} patients, {duration_formatted}" },
      Presets.rect,
    );
    bar.start(patients, 0);
    const accounts = await fillDemo(url, { patients }, (done) => bar.update(done)).finally(() => bar.stop());
    const told = accounts.map(({ username, password }) => `  ${username.padEnd(16)} ${password}`);
    console.log(
      `Added ${patients} patients, half of them each account's. Its password is now:\n${told.join("\n")}`,
    );
  });
}
