import { randomBytes } from "node:crypto";
import type pg from "pg";
import { hashPassword } from "../src/auth/passwords.ts";

// The accounts of the demo data, and the clinics that they share.

/** The accounts to log in to. The first one is an admin. */
const USERNAMES = ["demo.admin", "demo.clinician"];
const HASH_COST = 10;

export interface DemoAccount {
  id: number;
  username: string;
  password: string;
}

/**
 * Creates the accounts to log in to, or gives them new passwords and ends their sessions.
 *
 * @throws an error when there is another account with one of their names.
 */
export async function upsertAccounts(client: pg.Client): Promise<DemoAccount[]> {
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
export async function insertOthers(client: pg.Client, count: number): Promise<number[]> {
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

/**
 * Creates two shared clinics. The clinician is their manager, the admin a clerk. It gives each some of the
 * clinician's patients above an id. The first and the last one stay: they look like one person. Once in a database.
 */
export async function insertClinics(client: pg.Client, admin: number, clinician: number, afterId: number) {
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
