import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, inject, test } from "vitest";
import { migrate } from "../../ops/migrate.ts";
import { createRole } from "../../ops/role.ts";
import { emptyDatabase, query, random } from "./support.ts";

const { ownerUrl } = inject("database");
const folder = mkdtempSync(join(tmpdir(), "hospital-backup-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Also false when pg_dump is older than the server: it refuses then. */
const hasPgDump = spawnSync("pg_dump", ["-s", "-f", "/dev/null", ownerUrl]).status === 0;

const insertRows = `
  INSERT INTO users (username, email, password_hash) SELECT 'user-' || n, 'a@b.org', repeat('x', 60) FROM generate_series(1, 9) n;
  INSERT INTO sessions (user_id, token_version, expires_at) SELECT id, 1, now() FROM users;
  INSERT INTO refresh_tokens (token_hash, session_id) SELECT encode(sha256(id::text::bytea), 'hex'), id FROM sessions;
  INSERT INTO doctors (firstname, lastname, email, gender, specialization, created_by)
    SELECT 'Ä', '\\', n || '@b.org', 'F', 'GEN', n FROM generate_series(1, 9) n;
  INSERT INTO patients (firstname, lastname, email, age, gender, created_by, owner_id)
    SELECT E'a\\nb', '🩺', n || '@b.org', 1, 'F', 1 + n % 9, 1 + n % 9 FROM generate_series(1, 500) n;
  INSERT INTO mappings (patient_id, owner_id, doctor_id) SELECT id, owner_id, 1 + id % 9 FROM patients;
  UPDATE patients SET owner_id = NULL, deleted_from = owner_id, deleted_at = now() WHERE id % 7 = 0;
  INSERT INTO emergency_accesses (account_id, patient_id, expires_at) SELECT 1, id, now() FROM patients WHERE id < 9;
  INSERT INTO idempotency_keys (account_id, key, fingerprint, answer) SELECT id, 'k', repeat('0', 64), '{}' FROM users;
  INSERT INTO audit_events (action, outcome, patients, changes, at)
    SELECT 'read', 'done', ARRAY[n], '{"a": {"before": null, "after": "é"}}', now() - n * interval '1 day' FROM generate_series(0, 99) n`;

/** All tables and sequences, each with its number of rows and one hash of them. */
async function contentsOf(url: string): Promise<Record<string, string>> {
  const names = await query(
    url,
    "SELECT relname AS name, CASE relkind WHEN 'S' THEN 'last_value, is_called' ELSE '*' END AS columns FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S') ORDER BY 1",
  );
  const hashes = names.map(async ({ name, columns }) => {
    const [row] = await query(
      url,
      `SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) AS hash, count(*) AS rows FROM (SELECT ${columns} FROM ${name}) t`,
    );
    return [name, `${row.rows} ${row.hash}`] as const;
  });
  return Object.fromEntries(await Promise.all(hashes));
}

const rightsOf = (url: string, role: string) =>
  query(
    url,
    `SELECT table_name, column_name, privilege_type FROM information_schema.column_privileges WHERE grantee = $1
     UNION ALL SELECT table_name, NULL, privilege_type FROM information_schema.table_privileges WHERE grantee = $1
     UNION ALL SELECT object_name, NULL, privilege_type FROM information_schema.usage_privileges WHERE grantee = $1
     UNION ALL SELECT routine_name, NULL, privilege_type FROM information_schema.routine_privileges WHERE grantee = $1
     ORDER BY 1, 2, 3`,
    [role],
  );

test.runIf(hasPgDump)(
  "a restored dump has every row, and the role has every right again (where pg_dump is installed)",
  async () => {
    const [from, to] = [await emptyDatabase(), await emptyDatabase()];
    await migrate(from);
    await query(from, insertRows);
    const role = random("test");
    await createRole(from, role);
    const dump = join(folder, "hospital.dump");
    execFileSync("pg_dump", ["--format=custom", "--no-owner", "--no-privileges", `--file=${dump}`, from]);
    execFileSync("pg_restore", ["--no-owner", "--exit-on-error", `--dbname=${to}`, dump]);
    expect(await migrate(to)).toEqual({ migrations: 0, functions: 0 });
    const contents = await contentsOf(from);
    expect(Object.keys(contents)).toEqual(
      expect.arrayContaining(["patients", "audit_events_default", "mappings_id_seq"]),
    );
    expect(await contentsOf(to)).toEqual(contents);
    await createRole(to, role);
    const rights = await rightsOf(from, role);
    expect(rights.length).toBeGreaterThan(30);
    expect(await rightsOf(to, role)).toEqual(rights);
    await query(from, `DROP OWNED BY ${role}`);
    await query(to, `DROP OWNED BY ${role}; DROP ROLE ${role}`);
  },
);
