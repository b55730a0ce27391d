import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { migrate } from "../../local/migrate.ts";
import { createRole } from "../../local/role.ts";
import { createDatabase, dropDatabase, random } from "./commands.ts";
import { describeOnServer, postgresUrl, startTime, withClient } from "./support.ts";

vi.setConfig({ testTimeout: startTime, hookTimeout: startTime });

describeOnServer("The role that the Worker runs as", () => {
  const name = random("test_role");
  let url: string;
  let worker: string;
  beforeAll(async () => {
    url = await createDatabase();
    await migrate(url);
    worker = await createRole(url, name);
  });
  afterAll(async () => {
    await dropDatabase(url);
    await withClient(postgresUrl, (client) => client.query(`DROP ROLE ${name}`));
  });

  const asOwner = (statement: string, values?: unknown[]) =>
    withClient(url, async (client) => (await client.query(statement, values)).rows);

  /** Runs the statements in a transaction that comes to nothing. @returns the last one's rows */
  const tried = (...statements: string[]) =>
    withClient(worker, async (client) => {
      await client.query("BEGIN");
      for (const statement of statements.slice(0, -1)) await client.query(statement);
      return (await client.query(statements.at(-1) ?? "")).rows;
    });

  const register =
    "INSERT INTO users (username, email, password_hash) VALUES ('grace', 'g@h', repeat('x', 60)) RETURNING id";
  const login =
    "INSERT INTO sessions (user_id, token_version, expires_at) SELECT id, token_version, now() FROM users WHERE username = 'grace' RETURNING id";
  const issue =
    "INSERT INTO refresh_tokens (token_hash, session_id) SELECT repeat('0', 64), id FROM sessions RETURNING token_hash";
  const newPatient =
    "INSERT INTO patients (firstname, lastname, email, age, gender, created_by) SELECT 'A', 'B', 'a@b', 1, 'F', id FROM users WHERE username = 'grace' RETURNING id";
  const newDoctor =
    "INSERT INTO doctors (firstname, lastname, email, gender, specialization, created_by) SELECT 'A', 'B', 'a@b', 'F', 'GEN', id FROM users WHERE username = 'grace' RETURNING id";
  const assign =
    "INSERT INTO mappings (patient_id, owner_id, doctor_id) SELECT p.id, p.created_by, d.id FROM patients p, doctors d RETURNING id";

  test.each([
    [
      "register an account and read it",
      [register, "SELECT role, active, token_version FROM users WHERE username = 'grace'"],
    ],
    ["open a session and end it", [register, login, "UPDATE sessions SET ended_at = now() RETURNING id"]],
    [
      "issue a refresh token and spend it",
      [register, login, issue, "UPDATE refresh_tokens SET spent_at = now() RETURNING token_hash"],
    ],
    [
      "clear sessions away with their refresh tokens",
      [register, login, issue, "DELETE FROM sessions RETURNING id"],
    ],
    ["create a patient and change it", [register, newPatient, "UPDATE patients SET age = 2 RETURNING id"]],
    [
      "delete a patient with its assignments",
      [register, newPatient, newDoctor, assign, "DELETE FROM patients RETURNING id"],
    ],
    [
      "create a doctor and change it",
      [register, newDoctor, "UPDATE doctors SET firstname = 'C' RETURNING id"],
    ],
    ["delete a doctor", [register, newDoctor, "DELETE FROM doctors RETURNING id"]],
    [
      "assign a doctor and end that",
      [register, newPatient, newDoctor, assign, "DELETE FROM mappings RETURNING id"],
    ],
  ])("may %s", async (_, statements) => {
    expect(await tried(...statements)).toHaveLength(1);
  });

  const insufficientPrivilege = { code: "42501" };

  test.each([
    ["create a table", "CREATE TABLE public.mine ()"],
    ["create a schema", "CREATE SCHEMA mine"],
    ["create a function", "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'"],
    ["create a role", "CREATE ROLE test_never_made"],
    ["change a table", "ALTER TABLE users ADD COLUMN phone text"],
    ["drop a constraint", "ALTER TABLE users DROP CONSTRAINT users_role_check"],
    ["drop a table", "DROP TABLE mappings"],
    [
      "add a trigger",
      "CREATE TRIGGER t BEFORE INSERT ON users EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    ],
    [
      "insert an admin",
      "INSERT INTO users (username, email, password_hash, role) VALUES ('eve', 'e@f', repeat('x', 60), 'admin')",
    ],
    [
      "choose whether a new account is active",
      "INSERT INTO users (username, email, password_hash, active) VALUES ('eve', 'e@f', repeat('x', 60), false)",
    ],
    ["make itself an admin", "UPDATE users SET role = 'admin'"],
    ["change a password", "UPDATE users SET password_hash = repeat('y', 60)"],
    ["lock accounts", "SELECT FROM users FOR UPDATE"],
    ["delete an account", "DELETE FROM users"],
    ["delete a refresh token", "DELETE FROM refresh_tokens"],
    ["update an assignment", "UPDATE mappings SET assigned_at = now()"],
    ["truncate mappings", "TRUNCATE mappings"],
    ["truncate patients with what hangs on them", "TRUNCATE patients CASCADE"],
    ["read the passwords of roles", "SELECT FROM pg_authid"],
    ["read which migrations were applied", "SELECT FROM drizzle.__drizzle_migrations"],
    ["read the server's files", "SELECT pg_read_file('/etc/passwd')"],
    ["run programs", "COPY (SELECT 1) TO PROGRAM 'true'"],
    ["turn triggers and foreign keys off", "SET session_replication_role = replica"],
  ])("may not %s", async (_, statement) => {
    await expect(tried(statement)).rejects.toMatchObject(insufficientPrivilege);
  });

  test("may not become the owner of the database", async () => {
    const [{ owner }] = await asOwner("SELECT quote_ident(current_user) AS owner");
    await expect(tried(`SET ROLE ${owner}`)).rejects.toMatchObject(insufficientPrivilege);
  });

  test("may not make itself a superuser", async () => {
    await expect(tried(`ALTER ROLE ${name} SUPERUSER`)).rejects.toMatchObject(insufficientPrivilege);
  });

  test("owns nothing", async () => {
    const owned = await asOwner(
      "SELECT FROM pg_shdepend WHERE deptype = 'o' AND refobjid = (SELECT oid FROM pg_roles WHERE rolname = $1)",
      [name],
    );
    expect(owned).toEqual([]);
  });
});
