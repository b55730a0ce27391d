import { randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import { faker } from "@faker-js/faker/locale/en";
import { Presets, SingleBar } from "cli-progress";
import type pg from "pg";
import { runAsCommand, withClient } from "../ops/command.ts";
import { databaseUrl } from "../ops/environment.ts";
import { hashPassword } from "../src/auth/passwords.ts";
import { specializations } from "../src/db/schema.ts";
import { isLocal } from "../src/local-host.ts";
import { insertAppointments } from "./demo-appointments.ts";
import { birthOf, patientFactory, personFactory, phoneOf, random } from "./demo-people.ts";

/** The accounts to log in to. The first one is an admin. */
const USERNAMES = ["demo.admin", "demo.clinician"];
const HASH_COST = 10;
/** Patients per INSERT statement. */
const BATCH = 5000;
export interface Demo {
  /** How many patients to add. */
  patients: number;
  /** How many accounts own them, at least 2. Nobody can log in to the third and later ones. */
  accounts?: number;
  /** How many of the patients the second account owns. */
  largest?: number;
}

export interface DemoAccount {
  id: number;
  username: string;
  password: string;
}

/**
 * Adds generated people to the database at `url`: accounts, doctors, patients spread over the accounts, one to
 * three doctors assigned to every other patient, and appointments with some doctors. The random numbers are seeded with the number of patients created
 * before, so two empty databases get the same people, and a second run adds others with new emails.
 *
 * @param url of the migrated database, as its owner.
 * @param onProgress called with the number of patients added so far.
 * @returns the accounts to log in to. If they existed, their passwords are changed and their sessions ended.
 * @throws an error whose message says what is wrong.
 */
export function fillDemo(
  url: string,
  { patients, accounts = 2, largest = Math.ceil(patients / 2) }: Demo,
  onProgress: (patients: number) => void = () => {},
): Promise<DemoAccount[]> {
  return withClient(url, async (client) => {
    const seed = await readIdCount(client, "patients");
    faker.seed(seed);
    const demoAccounts = await upsertAccounts(client);
    const others = await insertOthers(client, accounts - demoAccounts.length);
    const [admin, clinician] = demoAccounts as [DemoAccount, DemoAccount];
    const doctorIds = await insertDoctors(client, admin.id, Math.min(500, 10 + patients / 50));
    const owners = [admin.id, ...others];
    // The second account's patients are spread evenly between those of the others, as in a real database.
    const ownerOf = (i: number) =>
      Math.floor(((i + 1) * largest) / patients) > Math.floor((i * largest) / patients)
        ? clinician.id
        : owners[i % owners.length];
    const createPerson = personFactory();
    const createPatient = patientFactory();
    for (let from = 0; from < patients; from += BATCH) {
      const rows = Array.from({ length: Math.min(BATCH, patients - from) }, (_, i) => ({
        ...createPatient(seed + from + i, createPerson(seed + from + i), ownerOf(from + i)),
        ...birthOf(seed + from + i, Math.floor(100 * random() ** 0.7)),
        created_by: ownerOf(from + i),
        doctors: pickDoctors(doctorIds),
      }));
      await client.query(insertPatients, [JSON.stringify(rows)]);
      onProgress(from + rows.length);
    }
    await insertIdentifiers(client, admin.id, seed);
    await enterTwice(client, clinician.id, seed);
    await insertClinics(client, admin.id, clinician.id, seed);
    await insertAppointments(client, admin.id, doctorIds);
    // Autovacuum would do this a minute later; until then the planner has no statistics.
    await client.query(
      "VACUUM (ANALYZE) users, doctors, patients, mappings, ended_assignments, appointments",
    );
    return demoAccounts;
  });
}

/**
 * Inserts a batch of patients and their assignments: the first doctor of a patient is the primary one. Each third patient
 * has had the last of them before. JSON, because `unnest` would flatten the lists of doctors.
 */
const insertPatients = `
  WITH input AS MATERIALIZED (
    SELECT nextval('patients_id_seq')::integer AS id, r.* FROM json_to_recordset($1) AS r
      (firstname text, lastname text, email text, email_shared boolean, phones text[], address jsonb, birth_date text,
        age smallint, gender text, created_by integer, doctors integer[])
  ), created AS (
    INSERT INTO patients (id, firstname, lastname, email, email_shared, phones, address, birth_date, age, age_as_of, gender, created_by, owner_id)
    OVERRIDING SYSTEM VALUE
    SELECT id, firstname, lastname, email, email_shared, phones, address, birth_date, age, CASE WHEN age IS NOT NULL THEN CURRENT_DATE END,
      gender, created_by, created_by FROM input
    RETURNING id
  ), ended AS (
    INSERT INTO ended_assignments (id, patient_id, owner_id, doctor_id, doctor_name, role, assigned_at, ended_at, ended_by)
    SELECT nextval('mappings_id_seq'), created.id, input.created_by, d.id, btrim(d.firstname || ' ' || d.lastname), 'covering',
      now() - interval '60 days', now() - interval '30 days', input.created_by
    FROM created JOIN input USING (id) JOIN doctors d ON d.id = input.doctors[cardinality(input.doctors)]
    WHERE created.id % 3 = 0
  )
  INSERT INTO mappings (patient_id, owner_id, doctor_id, role, is_primary)
  SELECT created.id, created_by, doctor_id, (ARRAY['attending', 'consulting', 'covering'])[least(nth, 3)], nth = 1
  FROM created JOIN input USING (id), unnest(input.doctors) WITH ORDINALITY AS d (doctor_id, nth)`;

/** Makes the last of an account's patients above an id look like the first one. Members of families stay as they are. */
async function enterTwice(client: pg.Client, owner: number, afterId: number): Promise<void> {
  await client.query(
    `UPDATE patients p SET firstname = first.firstname, lastname = first.lastname, gender = first.gender, birth_date = first.birth_date,
       age = first.age, age_as_of = first.age_as_of
     FROM (
       SELECT (array_agg(id ORDER BY id))[1] AS first_id, (array_agg(id ORDER BY id DESC))[1] AS last_id FROM patients
       WHERE owner_id = $1 AND id > $2 AND address IS NULL AND NOT email_shared AND firstname <> '' AND lastname <> ''
     ) pair JOIN patients first ON first.id = pair.first_id
     WHERE p.id = pair.last_id`,
    [owner, afterId],
  );
}

/**
 * Creates two shared clinics. The clinician is their manager, the admin a clerk. It gives each some of the
 * clinician's patients above an id. The first and the last one stay: they look like one person. Once in a database.
 */
async function insertClinics(client: pg.Client, admin: number, clinician: number, afterId: number) {
  await client.query(
    `WITH created AS (
       INSERT INTO clinics (name, kind, time_zone)
       SELECT name, 'shared', zone FROM (VALUES ('Chapel Street', 'America/New_York'), ('North Street', 'Europe/London')) c (name, zone)
       WHERE NOT EXISTS (SELECT FROM clinics WHERE name = c.name AND kind = 'shared')
       RETURNING id, time_zone
     ), members AS (
       INSERT INTO memberships (clinic_id, account_id, role, time_zone, clinic_active)
       SELECT id, account, role, time_zone, true FROM created, (VALUES ($1::int, 'clerk'), ($2::int, 'manager')) m (account, role)
     )
     UPDATE patients p SET owner_id = clinic.id
     FROM (SELECT id, row_number() OVER (ORDER BY id) - 1 AS n FROM created) clinic,
       (SELECT id, row_number() OVER (ORDER BY id) AS n FROM patients
        WHERE owner_id = $2 AND id > $3 AND address IS NULL AND NOT email_shared AND firstname <> '' AND lastname <> '' ORDER BY id OFFSET 1 LIMIT 20) chosen
     WHERE p.id = chosen.id AND chosen.n % 2 = clinic.n
       AND p.id < (SELECT max(id) FROM patients WHERE owner_id = $2 AND address IS NULL AND NOT email_shared AND firstname <> '' AND lastname <> '')`,
    [admin, clinician, afterId],
  );
}

/** Creates an identifier system, and gives its numbers to the first patients above an id. */
async function insertIdentifiers(client: pg.Client, admin: number, afterId: number): Promise<void> {
  await client.query(
    `INSERT INTO identifier_systems (name, uri, pattern, created_by)
     VALUES ('mrn', 'https://hospital.example/mrn', '\\d{6,9}', $1) ON CONFLICT (name) DO NOTHING`,
    [admin],
  );
  await client.query(
    `UPDATE patients SET identifiers = jsonb_build_array(
       jsonb_build_object('system', 'mrn', 'value', lpad(id::text, 6, '0')))
     WHERE id IN (SELECT id FROM patients WHERE id > $1 ORDER BY id LIMIT 20)`,
    [afterId],
  );
}

/** How many ids a table's sequence has generated. It never decreases, also when rows are deleted. */
async function readIdCount(client: pg.Client, table: "patients" | "doctors"): Promise<number> {
  const { rows } = await client.query(
    `SELECT CASE WHEN is_called THEN last_value ELSE 0 END::integer AS count FROM ${table}_id_seq`,
  );
  return rows[0].count;
}

async function upsertAccounts(client: pg.Client): Promise<DemoAccount[]> {
  const passwords = USERNAMES.map(() => randomBytes(9).toString("base64url"));
  const hashes = await Promise.all(passwords.map((password) => hashPassword(password, HASH_COST)));
  const { rows } = await client.query<{ id: number; username: string }>(
    `INSERT INTO users (username, email, password_hash, password_prehashed, role)
     SELECT username, username || '@example.org', hash, true, CASE username WHEN $3 THEN 'admin' ELSE 'clinician' END
     FROM unnest($1::text[], $2::text[]) AS r (username, hash)
     ON CONFLICT (lower(username COLLATE "C")) DO UPDATE
     SET password_hash = EXCLUDED.password_hash, password_prehashed = true, token_version = users.token_version + 1, updated_at = now()
     WHERE users.email = EXCLUDED.email
     RETURNING id, username`,
    [USERNAMES, hashes, USERNAMES[0]],
  );
  return USERNAMES.map((username, i) => {
    const id = rows.find((row) => row.username === username)?.id;
    if (id === undefined)
      throw new Error(
        `The account ${username} exists and is not a demo account: its email is not ${username}@example.org.`,
      );
    return { id, username, password: passwords[i] ?? "" };
  });
}

/** Inserts accounts that nobody can log in to, because their password is not kept. @returns their ids */
async function insertOthers(client: pg.Client, count: number): Promise<number[]> {
  if (count <= 0) return [];
  const { rows } = await client.query<{ id: number }>(
    `WITH input AS (SELECT 'demo.' || n AS username FROM generate_series(1, $1::integer) n), created AS (
       INSERT INTO users (username, email, password_hash, password_prehashed)
       SELECT username, username || '@example.org', $2, true FROM input
       ON CONFLICT (lower(username COLLATE "C")) DO NOTHING RETURNING id
     )
     SELECT id FROM created
     UNION ALL SELECT id FROM users WHERE username IN (SELECT username FROM input) ORDER BY id`,
    [count, await hashPassword(randomBytes(9).toString("base64url"), HASH_COST)],
  );
  return rows.map(({ id }) => id);
}

async function insertDoctors(client: pg.Client, owner: number, count: number) {
  const offset = await readIdCount(client, "doctors");
  const createPerson = personFactory();
  const doctors = Array.from({ length: Math.floor(count) }, (_, i) => ({
    ...createPerson(offset + i),
    // One of ten is known by a phone number only.
    ...(i % 10 === 5 && { email: null }),
    phones: i % 5 === 0 ? [phoneOf(offset + i)] : [],
    specialization: faker.helpers.arrayElement(specializations),
    most: faker.number.int({ min: 4, max: 24 }),
  }));
  const { rows } = await client.query<{ id: number }>(
    `INSERT INTO doctors (firstname, lastname, email, phones, gender, specialization, max_appointments_per_day, created_by)
     SELECT firstname, lastname, 'dr.' || email, phones, gender, specialization, most, $2
     FROM json_to_recordset($1) AS r
       (firstname text, lastname text, email text, phones text[], gender text, specialization text, most integer)
     RETURNING id`,
    [JSON.stringify(doctors), owner],
  );
  return rows.map(({ id }) => id);
}

/** Picks no doctors for every other patient, otherwise one to three. */
function pickDoctors(ids: number[]): number[] {
  const count = Math.max(0, Math.floor(random() * 6) - 2);
  return [...new Set(Array.from({ length: count }, () => ids[Math.floor(random() * ids.length)] ?? 0))];
}

if (import.meta.main) {
  await runAsCommand(async () => {
    const { values } = parseArgs({ options: { patients: { type: "string", default: "1000" } } });
    const patients = Number(values.patients);
    if (!/^[1-9]\d{0,7}$/.test(values.patients)) throw new Error("Usage: npm run demo -- --patients 1000");
    const url = databaseUrl();
    if (!isLocal(new URL(url))) throw new Error("Demo data can be added to a database on this machine only.");
    const bar = new SingleBar(
      { format: "{bar} {value} of {total} patients, {duration_formatted}" },
      Presets.rect,
    );
    bar.start(patients, 0);
    const accounts = await fillDemo(url, { patients }, (done) => bar.update(done)).finally(() => bar.stop());
    const passwords = accounts.map(({ username, password }) => `  ${username.padEnd(16)} ${password}`);
    console.log(
      `Added ${patients} patients, half of them owned by each account. The passwords are now:\n${passwords.join("\n")}`,
    );
  });
}
