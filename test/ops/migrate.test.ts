import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getTableColumns, getTableName, is } from "drizzle-orm";
import { PgTable } from "drizzle-orm/pg-core";
import pg from "pg";
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  inject,
  onTestFinished,
  test,
  vi,
} from "vitest";
import { withClient } from "../../ops/command.ts";
import { migrationsFolder } from "../../ops/environment.ts";
import { applyMissingMigrations, migrate } from "../../ops/migrate.ts";
import * as schema from "../../src/db/schema.ts";
import { statementFunctions } from "../../src/db/sql/functions.ts";
import { changeUrl, copyDatabase, emptyDatabase, newDatabase, query, run } from "./support.ts";

const journal = JSON.parse(readFileSync(join(migrationsFolder, "meta", "_journal.json"), "utf8"));
/** How many migrations the project has. */
const ownCount: number = journal.entries.length;
const functionCount = Object.keys(statementFunctions).length;

/**
 * Copies the project's migrations for the running test and adds some, each generated a millisecond after the one
 * before. `undefined` leaves out the migration of that millisecond.
 *
 * @returns the folder
 */
function migrationsAnd(...more: (string | undefined)[]): string {
  const folder = mkdtempSync(join(tmpdir(), "migrations-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  cpSync(migrationsFolder, folder, { recursive: true });
  const last = Math.max(...journal.entries.map(({ when }: { when: number }) => when));
  const entries = [...journal.entries];
  for (const [index, statements] of more.entries()) {
    if (statements === undefined) continue;
    const tag = `more_${index}`;
    writeFileSync(join(folder, `${tag}.sql`), statements);
    entries.push({ idx: entries.length, version: "7", when: last + 1 + index, tag, breakpoints: true });
  }
  writeFileSync(join(folder, "meta", "_journal.json"), JSON.stringify({ ...journal, entries }));
  return folder;
}

/** Copies the project's migrations before the one with this name, for the running test. @returns the folder */
function migrationsBefore(name: string): string {
  const folder = migrationsAnd();
  const end = journal.entries.findIndex(({ tag }: { tag: string }) => tag.endsWith(`_${name}`));
  const entries = journal.entries.slice(0, end);
  writeFileSync(join(folder, "meta", "_journal.json"), JSON.stringify({ ...journal, entries }));
  return folder;
}

const addWards = `
  CREATE TABLE wards (id integer PRIMARY KEY, name text CONSTRAINT wards_name_check CHECK (name <> ''));
--> statement-breakpoint
  ALTER TABLE patients ADD ward_id integer CONSTRAINT patients_ward_id_fkey REFERENCES wards;
--> statement-breakpoint
  CREATE INDEX patients_ward_id_idx ON patients (ward_id);`;
const addBeds = "CREATE TABLE beds (id integer)";
const broken = `${addBeds};\n--> statement-breakpoint\nALTER TABLE nowhere ADD bed_id integer;`;

/**
 * All columns, constraints and indexes, one a line, and the hashes of the migrations that the database has recorded.
 */
const state = async (url: string) => ({
  structure: await query(
    url,
    `SELECT concat_ws(' ', relname, attname, format_type(atttypid, atttypmod), attnotnull, attidentity,
       pg_get_expr(adbin, adrelid)) AS line
     FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid LEFT JOIN pg_attrdef ON adrelid = c.oid AND adnum = attnum
     WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
     UNION ALL SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint
     WHERE connamespace = 'public'::regnamespace
     UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
     ORDER BY line`,
  ),
  functions: await query(
    url,
    `SELECT pg_get_functiondef(oid) AS definition FROM pg_proc
     WHERE pronamespace = to_regnamespace('statements')::oid ORDER BY proname`,
  ),
  applied: await query(url, "SELECT hash FROM drizzle.__drizzle_migrations ORDER BY created_at"),
});

const addAda =
  "INSERT INTO users (username, email, password_hash) VALUES ('ada', 'a@b.org', repeat('x', 60))";

describe("migrating an empty database", () => {
  let url: string;
  beforeEach(async () => {
    url = await emptyDatabase();
  });

  test("creates every table and column of the schema, and no others", async () => {
    expect(await migrate(url)).toEqual({ migrations: ownCount, functions: functionCount });
    const tables = Object.values(schema).filter((value) => is(value, PgTable));
    const columns = tables.flatMap((table) =>
      Object.values(getTableColumns(table)).map((column) => `${getTableName(table)}.${column.name}`),
    );
    const actual = await query(
      url,
      `SELECT relname || '.' || attname AS name FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
       WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
         AND attnum > 0 AND NOT attisdropped`,
    );
    expect(actual.map(({ name }) => name).sort()).toEqual(columns.sort());
  });

  test("with the command prints the numbers of migrations and functions; a second run changes nothing", async () => {
    const printed = async () => (await run("migrate", url)).stdout;
    expect(await printed()).toBe(
      `${ownCount} migration(s) applied, ${functionCount} function(s) created; the database is up to date.\n`,
    );
    const before = await state(url);
    expect(await printed()).toBe("The database was up to date.\n");
    expect(await state(url)).toEqual(before);
  });

  test("by five callers at once succeeds for all and is done once", async () => {
    const results = await Promise.all(Array.from({ length: 5 }, () => migrate(url)));
    expect(results.map(({ migrations }) => migrations).sort()).toEqual([0, 0, 0, 0, ownCount]);
    expect(results.map(({ functions }) => functions).sort((a, b) => a - b)).toEqual([
      0,
      0,
      0,
      0,
      functionCount,
    ]);
    expect((await state(url)).applied).toHaveLength(ownCount);
  });
});

test("migrating gives a password that an operator has set before 24 hours, and no other password an end", async () => {
  const url = await emptyDatabase();
  await withClient(url, (client) => applyMissingMigrations(client, migrationsBefore("password_expires_at")));
  await query(
    url,
    `INSERT INTO users (username, email, password_hash, must_change_password)
     SELECT name, 'a@b.org', repeat('x', 60), name = 'set' FROM unnest(ARRAY['own', 'set']) AS name`,
  );
  await withClient(url, (client) => applyMissingMigrations(client));
  const hours = "extract(epoch FROM password_expires_at - now()) / 3600";
  const [own, set] = await query(
    url,
    `SELECT ${hours} <= 24 AND ${hours} > 20 AS ends FROM users ORDER BY username`,
  );
  expect([own.ends, set.ends]).toEqual([null, true]);
});

test("migrating names the rows whose email is no valid address, by id, and changes nothing", async () => {
  const url = await emptyDatabase();
  await withClient(url, (client) => applyMissingMigrations(client, migrationsBefore("email_addresses")));
  const addresses = ["ada@example.org", "root@localhost", `${"x".repeat(65)}@example.org`, "a@b-.org"];
  await query(
    url,
    `INSERT INTO users (username, email, password_hash)
     SELECT 'user-' || n, email, repeat('x', 60) FROM unnest($1::text[]) WITH ORDINALITY AS address (email, n)`,
    [addresses],
  );
  await query(
    url,
    `INSERT INTO doctors (firstname, lastname, email, gender, specialization, created_by)
     VALUES ('A', 'B', 'ADA@example.org', 'F', 'GEN', 1), ('A', 'B', 'jose\u0301@example.org', 'F', 'GEN', 1)`,
  );
  const migrateAll = () => withClient(url, (client) => applyMissingMigrations(client));
  await expect(migrateAll()).rejects.toThrow(
    "and none was applied: these rows have an email that is no valid address (of each table the first 20); doctors with the ids 2; users with the ids 2, 3, 4. Fix",
  );
  await query(url, "UPDATE doctors SET email = normalize(email, NFC)");
  await query(url, "UPDATE users SET email = 'new@example.org' WHERE id > 1");
  expect(await migrateAll()).toBeGreaterThan(0);
  expect(await query(url, "SELECT email FROM doctors WHERE id = 1")).toEqual([{ email: "ADA@example.org" }]);
});

test("migrating dates each age by the newest audit event that set it, of any version, or else by the last change", async () => {
  const url = await emptyDatabase();
  await withClient(url, (client) => applyMissingMigrations(client, migrationsBefore("birth_dates")));
  await query(
    url,
    "INSERT INTO users (username, email, password_hash) VALUES ('ada', 'a@b.org', repeat('x', 60))",
  );
  await query(
    url,
    `INSERT INTO patients (firstname, lastname, email, age, gender, created_by, owner_id, updated_at)
     SELECT 'A', 'B', n || '@b.org', 36, 'F', 1, 1, '2025-05-05' FROM generate_series(1, 5) n`,
  );
  const age = '{"age":{"before":null,"after":36}}';
  await query(
    url,
    `INSERT INTO audit_events (action, outcome, at, patients, patient_id, changes) VALUES
       ('create', 'done', '2021-01-01', '{1}', NULL, $1), ('update', 'done', '2021-01-02T23:30Z', '{1}', NULL, $1),
       ('update', 'done', '2021-01-03', '{1}', NULL, '{"gender":{}}'), ('update', 'refused', '2021-01-04', '{1}', NULL, $1),
       ('create', 'done', '2022-01-01', NULL, 2, $1),
       ('import', 'done', '2023-01-01', '{3,4}', NULL, NULL), ('update', 'done', '2024-01-01', NULL, 4, $1),
       ('read', 'done', '2024-06-06', '{1,5}', NULL, NULL)`,
    [age],
  );
  await withClient(url, (client) => applyMissingMigrations(client));
  const rows = await query(url, "SELECT age_as_of::text AS day FROM patients ORDER BY id");
  expect(rows.map(({ day }) => day)).toEqual([
    "2021-01-02",
    "2022-01-01",
    "2023-01-01",
    "2024-01-01",
    "2025-05-05",
  ]);
});

describe("migrating a database that has the project's migrations", () => {
  let migrated: Awaited<ReturnType<typeof newDatabase>>;
  let url: string;
  beforeAll(async () => {
    migrated = await newDatabase();
    await migrate(migrated.url);
  });
  beforeEach(async () => {
    url = await copyDatabase(migrated.url);
  });
  afterAll(() => migrated.drop());

  test("step by step gives the same schema as migrating an empty database, and keeps the data", async () => {
    const folder = migrationsAnd(addWards, "ALTER TABLE wards ADD floor smallint DEFAULT 0 NOT NULL");
    await query(url, addAda);
    expect(await migrate(url, migrationsAnd(addWards))).toMatchObject({ migrations: 1 });
    expect(await migrate(url, folder)).toMatchObject({ migrations: 1 });
    const fresh = await emptyDatabase();
    await migrate(fresh, folder);
    expect(await state(url)).toEqual(await state(fresh));
    expect(await query(url, "SELECT username FROM users")).toEqual([{ username: "ada" }]);
  });

  test("with a migration that fails gives the reason, and applies none of the missing migrations", async () => {
    const before = await state(url);
    await expect(migrate(url, migrationsAnd(addWards, broken))).rejects.toThrow(
      /^A migration failed, and none was applied: relation "nowhere" does not exist\. Fix the cause, then migrate again\.$/,
    );
    expect(await state(url)).toEqual(before);
    expect(await migrate(url, migrationsAnd(addWards))).toMatchObject({ migrations: 1 });
  });

  test("with a migration that the data violates leaves the data and the schema as they were", async () => {
    await query(url, addAda);
    const before = await state(url);
    const strict = "UPDATE users SET email = 'x@y.org'; ALTER TABLE users ADD phone text NOT NULL";
    await expect(migrate(url, migrationsAnd(strict))).rejects.toThrow('column "phone" of relation "users"');
    expect(await state(url)).toEqual(before);
    expect(await query(url, "SELECT email FROM users")).toEqual([{ email: "a@b.org" }]);
  });

  test("with code older than the database is refused, and changes nothing", async () => {
    await migrate(url, migrationsAnd(addWards));
    const before = await state(url);
    await expect(migrate(url)).rejects.toThrow(
      /^The database is newer than this code: deploy the code that migrated it, or a later one\.$/,
    );
    expect(await state(url)).toEqual(before);
  });

  test("with a missing migration older than an applied one is refused and applies none, until it is generated again", async () => {
    await migrate(url, migrationsAnd(undefined, addWards));
    const before = await state(url);
    const folder = migrationsAnd(addBeds, addWards, "ALTER TABLE wards ADD floor smallint");
    await expect(migrate(url, folder)).rejects.toThrow(
      /^A missing migration is older than one the database has: remove it, and generate it again\.$/,
    );
    expect(await state(url)).toEqual(before);
    expect(await migrate(url, migrationsAnd(undefined, addWards, addBeds))).toMatchObject({ migrations: 1 });
  });
});

describe("migrating from version 1.1.0 while a request runs", () => {
  let url: string;
  beforeEach(async () => {
    url = await emptyDatabase();
    const folder = migrationsBefore("request_audited");
    await withClient(url, (client) => applyMissingMigrations(client, folder));
  });

  /** Migrates while a transaction has read some tables, and lets it do the rest when the migration waits for it. */
  const migrateDuring = (tables: string, rest: (request: pg.Client) => Promise<unknown>) =>
    withClient(url, async (request) => {
      await request.query("BEGIN");
      await request.query(`SELECT FROM ${tables}`);
      const migration = migrate(url);
      const isWaiting = async () =>
        (
          await query(
            url,
            "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
          )
        ).length > 0;
      await vi.waitUntil(isWaiting, { timeout: 60_000 });
      const [migrated] = await Promise.all([migration, rest(request)]);
      return migrated;
    });

  const all = { migrations: ownCount - 6, functions: functionCount };

  // As requests lock them: those that log in their attempts, all others accounts and sessions, then records.
  test.each([
    "login_attempts",
    "users",
    "users, sessions",
    "users, sessions, patients, mappings",
    "patients, mappings",
  ])("that has read %s waits for it, and is no deadlock", async (tables) => {
    const migrated = await migrateDuring(tables, async (request) => {
      await request.query("SELECT FROM users, sessions, patients, mappings, doctors");
      await request.query("INSERT INTO audit_events (action, outcome) VALUES ('list', 'done')");
      await request.query("COMMIT");
    });
    expect(migrated).toEqual(all);
  });

  test("in a deadlock with a refresh, which locks sessions before accounts, migrates in the end", async () => {
    const migrated = await migrateDuring("sessions", async (request) => {
      // Longer than that of the migration, so that PostgreSQL ends the migration's wait.
      await request.query("SET LOCAL deadlock_timeout = '20s'");
      await request.query("SELECT FROM users").catch(() => {});
      await request.query("ROLLBACK");
    });
    expect(migrated).toEqual(all);
  });
});

test("in a database with the locale of another script, a phone number has ASCII digits", async ({ skip }) => {
  const { serverUrl } = inject("database");
  const [{ version }] = await query(
    serverUrl,
    "SELECT current_setting('server_version_num')::int AS version",
  );
  skip(version < 150_000, "PostgreSQL 14 has no databases with an ICU locale.");
  const url = await emptyDatabase("TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'ar'");
  await withClient(url, (client) => applyMissingMigrations(client));
  await query(
    url,
    "INSERT INTO users (username, email, password_hash) VALUES ('ada', 'a@b.org', repeat('x', 60))",
  );
  const insertPatient = (phone: string) =>
    query(
      url,
      `INSERT INTO patients (firstname, lastname, age, gender, created_by, owner_id, phones) VALUES ('A', 'B', 1, 'F', 1, 1, ARRAY[$1])`,
      [phone],
    );
  await insertPatient("+4312345678");
  await expect(insertPatient("+43١٢٣٤٥٦٧٨")).rejects.toMatchObject({ constraint: "patients_phones_check" });
});

test("migrating a database that does not exist gives the reason", async () => {
  const { serverUrl } = inject("database");
  await expect(migrate(changeUrl(serverUrl, { pathname: "/nowhere" }))).rejects.toThrow(
    `Cannot connect to the database ${new URL(serverUrl).host}/nowhere: database "nowhere" does not exist. `,
  );
});

describe("migrating through a pooled address", () => {
  beforeEach(() => void vi.spyOn(pg.Client.prototype, "connect").mockRejectedValue(new Error("no network")));
  afterEach(() => void vi.restoreAllMocks());

  test.each(["ep-calm-sea-123456-pooler.us-east-2.aws.neon.tech", "EP-X-POOLER.US-EAST-2.AWS.NEON.TECH"])(
    "of Neon (%s) is refused, without a connection",
    async (host) => {
      await expect(migrate(`postgresql://ada:s3cret@${host}/neondb?sslmode=require`)).rejects.toThrow(
        /^This is Neon's pooled address: migrations need the direct one, the same without -pooler\.$/,
      );
      expect(pg.Client.prototype.connect).not.toHaveBeenCalled();
    },
  );

  test("of another provider connects", async () => {
    await expect(migrate("postgresql://ada:s3cret@db-pooler.example.com/hospital")).rejects.toThrow(
      /^Cannot connect to the database db-pooler\.example\.com\/hospital: no network\./,
    );
  });
});
