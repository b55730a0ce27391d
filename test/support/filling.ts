import { type Step, statement } from "./explain.ts";

/** All tables but the record. */
export const tables = [
  "doctors",
  "emergency_accesses",
  "idempotency_keys",
  "invitations",
  "login_attempts",
  "mappings",
  "patients",
  "refresh_tokens",
  "sessions",
  "users",
];
export const takeStatistics = { run: statement(`ANALYZE ${tables}`) };

/** A hundred thousand doctors and patients, of whom one account has half, among those of a thousand others; and as many assignments. */
export const fill = (bigAccount: number): Step[] =>
  [
    statement(`INSERT INTO users (username, email, password_hash)
      SELECT 'fill-' || n, n || '@fill.example.org', repeat('x', 60) FROM generate_series(1, 1000) n`),
    statement("ANALYZE users"), // for the joins below, which are the test's
    statement(`INSERT INTO sessions (user_id, token_version, expires_at)
      SELECT u.id, 1, now() + interval '1 day' FROM users u, generate_series(1, 10) WHERE username LIKE 'fill-%'`),
    statement(`INSERT INTO refresh_tokens (token_hash, session_id)
      SELECT encode(sha256(s.id::text::bytea), 'hex'), s.id
      FROM sessions s JOIN users u ON u.id = s.user_id WHERE username LIKE 'fill-%'`),
    statement(`INSERT INTO idempotency_keys (account_id, key, fingerprint, answer)
      SELECT u.id, n, repeat('0', 64), '{}' FROM users u, generate_series(1, 10) n WHERE username LIKE 'fill-%'`),
    statement(`INSERT INTO login_attempts (username, network, failures, failed_at, blocked_until)
      SELECT CASE n % 2 WHEN 0 THEN '' ELSE 'fill-' || n END, n::text, 0, now(), now() FROM generate_series(1, 20000) n`),
    statement(`INSERT INTO invitations (email, role, code_hash, created_by, expires_at)
      SELECT email, 'clinician', encode(sha256(id::text::bytea), 'hex'), id, now() FROM users WHERE username LIKE 'fill-%'`),
    statement(
      `INSERT INTO doctors (firstname, lastname, email, gender, specialization, created_by)
       SELECT 'Gregory', 'House' || n % 1000, n || '@fill.example.org', 'M', 'NEUR', $1::int FROM generate_series(1, 100000) n`,
      bigAccount,
    ),
    statement(
      `INSERT INTO patients (firstname, lastname, email, age, gender, created_by, owner_id)
       SELECT 'Ada', 'Lovelace' || n % 1000, n || '@fill.example.org', 36, 'F', u.id, CASE n % 2 WHEN 0 THEN $1::int ELSE u.id END
       FROM generate_series(1, 100000) n JOIN users u ON u.username = 'fill-' || (n / 2 % 1000 + 1) ORDER BY n`,
      bigAccount,
    ),
    statement(`INSERT INTO patients (firstname, lastname, email, age, gender, created_by, deleted_from, deleted_at)
      SELECT firstname, lastname, email, age, gender, created_by, owner_id, now() FROM patients WHERE email LIKE '%@fill.example.org'`),
    statement(`INSERT INTO emergency_accesses (account_id, patient_id, expires_at)
      SELECT u.id, p.id, now() FROM patients p, users u WHERE u.username = 'fill-1' AND p.id % 10 = 0`),
    statement(`INSERT INTO mappings (patient_id, owner_id, doctor_id)
      SELECT p.id, p.owner_id, d.first + p.id % 100000
      FROM patients p, (SELECT min(id) AS first FROM doctors WHERE email LIKE '%@fill.example.org') d
      WHERE p.email LIKE '%@fill.example.org' AND p.owner_id IS NOT NULL ORDER BY p.id`),
  ].map((run) => ({ run }));
