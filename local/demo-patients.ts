import type pg from "pg";
import { birthOf, patientFactory, personFactory, random } from "./demo-people.ts";

// The patients of the demo data.

/** Patients per INSERT statement. */
const BATCH = 5000;

interface DemoPatients {
  /** How many patients to insert. */
  patients: number;
  /** How many of them the account `owners.largest` owns; the others are spread evenly over the accounts `owners.others`. */
  largest: number;
  owners: { largest: number; others: number[] };
  /** The ids of the doctors who are assigned to them. */
  doctors: number[];
  /** The number of the first patient. */
  seed: number;
}

/** @param onProgress called with the number of patients inserted so far. */
export async function insertPatients(
  client: pg.Client,
  { patients, largest, owners, doctors, seed }: DemoPatients,
  onProgress: (patients: number) => void,
): Promise<void> {
  // The patients of the largest owner are spread evenly between those of the others, as in a real database.
  const ownerOf = (i: number) =>
    Math.floor(((i + 1) * largest) / patients) > Math.floor((i * largest) / patients)
      ? owners.largest
      : owners.others[i % owners.others.length];
  const createPerson = personFactory();
  const createPatient = patientFactory();
  for (let from = 0; from < patients; from += BATCH) {
    const rows = Array.from({ length: Math.min(BATCH, patients - from) }, (_, i) => ({
      ...createPatient(seed + from + i, createPerson(seed + from + i), ownerOf(from + i)),
      ...birthOf(seed + from + i, Math.floor(100 * random() ** 0.7)),
      created_by: ownerOf(from + i),
      doctors: pickDoctors(doctors),
    }));
    await client.query(insertBatch, [JSON.stringify(rows)]);
    onProgress(from + rows.length);
  }
}

/**
 * Inserts a batch of patients and their assignments: the first doctor of a patient is the primary one. Each third patient
 * has had the last of them before. JSON, because `unnest` would flatten the lists of doctors.
 */
const insertBatch = `
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

/** Picks no doctors for every other patient, otherwise one to three. */
function pickDoctors(ids: number[]): number[] {
  const count = Math.max(0, Math.floor(random() * 6) - 2);
  return [...new Set(Array.from({ length: count }, () => ids[Math.floor(random() * ids.length)] ?? 0))];
}

/** Makes the last of an account's patients above an id look like the first one. Members of families stay as they are. */
export async function enterTwice(client: pg.Client, owner: number, afterId: number): Promise<void> {
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

/** Creates an identifier system, and gives its numbers to the first patients above an id. */
export async function insertIdentifiers(client: pg.Client, admin: number, afterId: number): Promise<void> {
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
