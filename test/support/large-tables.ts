import { type SetupStep, statement } from "./explain.ts";

/** All tables but the audit log. */
export const allTables = [
  "absences",
  "appointments",
  "audit_digests",
  "calendar_feeds",
  "change_feed",
  "clinics",
  "doctors",
  "emergency_accesses",
  "ended_assignments",
  "idempotency_keys",
  "identifier_systems",
  "invitations",
  "login_attempts",
  "mappings",
  "memberships",
  "patient_identifiers",
  "patient_merges",
  "patients",
  "probes",
  "record_changes",
  "refresh_tokens",
  "schedules",
  "sessions",
  "users",
];
export const analyzeStep = { run: statement(`ANALYZE ${allTables}`) };

/** How many patients, deleted patients, doctors and assignments there are. */
const RECORDS = 50_000;

/** As many records of each kind, of 1,001 accounts; half of the patients belong to one account. */
export const fillTablesSteps = (bigAccount: number): SetupStep[] =>
  [
    statement(`INSERT INTO users (username, email, password_hash)
      SELECT 'fill-' || n, n || '@fill.example.org', repeat('x', 60) FROM generate_series(1, 1000) n`),
    statement("ANALYZE users"), // for the joins below
    statement(`INSERT INTO audit_digests (day, events, sha256, hmac, closed_at)
      SELECT DATE '2000-01-01' + n, 0, repeat('0', 64), repeat('0', 64), now() FROM generate_series(1, 20000) n`),
    statement(`INSERT INTO sessions (user_id, token_version, expires_at)
      SELECT u.id, 1, now() + interval '1 day' FROM users u, generate_series(1, 10) WHERE username LIKE 'fill-%'`),
    statement(`INSERT INTO calendar_feeds (account_id, clinic_id, label, token_hash)
      SELECT account_id, clinic_id, 'Fill', encode(sha256((account_id || '-' || n)::bytea), 'hex')
      FROM memberships ms JOIN users u ON u.id = ms.account_id, generate_series(1, 20) n WHERE username LIKE 'fill-%'`),
    statement(`INSERT INTO refresh_tokens (token_hash, session_id)
      SELECT encode(sha256(s.id::text::bytea), 'hex'), s.id
      FROM sessions s JOIN users u ON u.id = s.user_id WHERE username LIKE 'fill-%'`),
    statement(`INSERT INTO idempotency_keys (account_id, key, fingerprint, answer)
      SELECT u.id, n, repeat('0', 64), '{}' FROM users u, generate_series(1, 10) n WHERE username LIKE 'fill-%'`),
    statement(`INSERT INTO probes (account_id, hour, not_found)
      SELECT u.id, n, 1 FROM users u, generate_series(1, 20) n WHERE username LIKE 'fill-%'`),
    statement(`INSERT INTO login_attempts (username, network, failures, failed_at, blocked_until)
      SELECT CASE n % 2 WHEN 0 THEN '' ELSE 'fill-' || n END, n::text, 0, now(), now() FROM generate_series(1, 20000) n`),
    statement(`INSERT INTO invitations (email, role, code_hash, created_by, expires_at)
      SELECT email, 'clinician', encode(sha256(id::text::bytea), 'hex'), id, now() FROM users WHERE username LIKE 'fill-%'`),
    statement(
      `INSERT INTO identifier_systems (name, created_by) SELECT 'fill-' || n, $1 FROM generate_series(1, 20000) n`,
      bigAccount,
    ),
    statement(
      `INSERT INTO doctors (firstname, lastname, email, gender, specialization, created_by)
       SELECT 'Gregory', 'House' || n % 1000, n || '@fill.example.org', 'M', 'NEUR', $1::int FROM generate_series(1, ${RECORDS}) n`,
      bigAccount,
    ),
    statement(
      `INSERT INTO patients (firstname, lastname, email, age, gender, created_by, owner_id)
       SELECT 'Ada', 'Lovelace' || n % 1000, n || '@fill.example.org', 36, 'F', u.id, CASE n % 2 WHEN 0 THEN $1::int ELSE u.id END
       FROM generate_series(1, ${RECORDS}) n JOIN users u ON u.username = 'fill-' || (n / 2 % 1000 + 1) ORDER BY n`,
      bigAccount,
    ),
    statement(`INSERT INTO patients (firstname, lastname, email, age, gender, created_by, deleted_from, deleted_at)
      SELECT firstname, lastname, email, age, gender, created_by, owner_id, now() FROM patients WHERE email LIKE '%@fill.example.org'`),
    statement(`INSERT INTO patient_identifiers (patient_id, owner_id, system, key)
      SELECT id, owner_id, 'fill-1', 'F' || id FROM patients WHERE email LIKE '%@fill.example.org'`),
    statement(`INSERT INTO emergency_accesses (account_id, patient_id, expires_at)
      SELECT u.id, p.id, now() FROM patients p, users u WHERE u.username = 'fill-1' AND p.id % 10 = 0`),
    statement(`INSERT INTO mappings (patient_id, owner_id, doctor_id)
      SELECT p.id, p.owner_id, d.first + p.id % ${RECORDS}
      FROM patients p, (SELECT min(id) AS first FROM doctors WHERE email LIKE '%@fill.example.org') d
      WHERE p.email LIKE '%@fill.example.org' AND p.owner_id IS NOT NULL ORDER BY p.id`),
    statement(`INSERT INTO schedules (doctor_id, time_zone, slot_minutes, week)
      SELECT id, 'UTC', 30, '{[540,1020)}' FROM doctors WHERE email LIKE '%@fill.example.org'`),
    statement(`INSERT INTO absences (doctor_id, starts_at, ends_at, created_by)
      SELECT id, now(), now() + interval '1 day', created_by FROM doctors WHERE email LIKE '%@fill.example.org'`),
    // Each patient has had another doctor before. One doctor has had the patients of many accounts.
    statement(`INSERT INTO ended_assignments (id, patient_id, owner_id, doctor_id, doctor_name, assigned_at, ended_by)
      SELECT m.id, m.patient_id, m.owner_id, CASE m.id / 2 % 2 WHEN 0 THEN m.doctor_id ELSE 7 END, 'Gregory House', m.assigned_at, m.owner_id
      FROM mappings m JOIN patients p ON p.id = m.patient_id WHERE p.email LIKE '%@fill.example.org'`),
    // Each patient has an appointment: with its doctor, some of them still booked, or a cancelled one with one doctor.
    // Nobody is busy twice.
    statement(`INSERT INTO appointments (patient_id, owner_id, doctor_id, starts_at, ends_at, time_zone, status, override_reason, created_by)
      SELECT patient_id, owner_id, CASE status WHEN 'cancelled' THEN 7 ELSE doctor_id END, starts_at, starts_at + interval '30 minutes', 'UTC', status, 'For the plans', ended_by
      FROM ended_assignments, LATERAL (
        SELECT date_trunc('minute', now()) - make_interval(mins => id) AS starts_at, CASE WHEN doctor_id = 7 THEN 'cancelled' WHEN patient_id % 10 = 0 THEN 'booked' ELSE 'fulfilled' END AS status
      ) a WHERE owner_id IS NOT NULL`),
  ].map((run) => ({ run }));

export const DOCTOR = 2_000_000_000;
/** How many patients the doctor's account owns, how many are assigned to the doctor, and how many are both. */
export const [OWN, ASSIGNED] = [3000, 3000];
const BOTH = 300;

/** A doctor with an account that owns patients, and with patients of its own and of other accounts assigned. */
export const fillForDoctor = (account: number): SetupStep[] =>
  [
    statement(
      `INSERT INTO doctors (id, firstname, lastname, email, gender, specialization, created_by) OVERRIDING SYSTEM VALUE
       VALUES ($1, 'James', 'Wilson', 'wilson@fill.example.org', 'M', 'GEN', $2)`,
      DOCTOR,
      account,
    ),
    statement("UPDATE users SET doctor_id = $1 WHERE id = $2", DOCTOR, account),
    statement(
      `INSERT INTO patients (firstname, lastname, email, age, gender, created_by, owner_id)
       SELECT 'Ada', 'Lovelace' || n, 'own-' || n || '@fill.example.org', 36, 'F', $1::int, $1::int FROM generate_series(1, $2::int) n`,
      account,
      OWN,
    ),
    assignPatients("owner_id = $2", BOTH, account),
    assignPatients("owner_id <> $2", ASSIGNED - BOTH, account),
    statement(
      `INSERT INTO appointments (patient_id, owner_id, doctor_id, starts_at, ends_at, time_zone, status, override_reason, created_by)
       SELECT patient_id, owner_id, doctor_id, starts_at, starts_at + interval '1 minute' * 5, 'UTC', 'fulfilled', 'For the plans', $2::int
       FROM mappings, LATERAL (SELECT date_trunc('minute', now()) - make_interval(mins => 5 * id) AS starts_at) a
       WHERE current_doctor_id = $1`,
      DOCTOR,
      account,
    ),
  ].map((run) => ({ run }));

const assignPatients = (condition: string, count: number, account: number) =>
  statement(
    `INSERT INTO mappings (patient_id, owner_id, doctor_id)
     SELECT id, owner_id, $1::int FROM patients WHERE ${condition} ORDER BY id % 97, id LIMIT ${count}`,
    DOCTOR,
    account,
  );
