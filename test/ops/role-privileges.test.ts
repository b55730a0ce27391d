import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { migrate } from "../../ops/migrate.ts";
import { createRole } from "../../ops/role.ts";
import { newDatabase, query, random } from "./support.ts";

// What the database role of the Worker may not do.

const { serverUrl } = inject("database");
const name = random("test_role");

let url: string;
let drop: () => Promise<unknown>;
const asOwner = (statement: string, values?: unknown[]) => query(url, statement, values);
let worker: string;
beforeAll(async () => {
  ({ url, drop } = await newDatabase());
  await migrate(url);
  // The default before PostgreSQL 15, also in databases upgraded from there.
  await asOwner("GRANT CREATE ON SCHEMA public TO PUBLIC");
  worker = await createRole(url, name);
});
afterAll(async () => {
  await drop();
  await query(serverUrl, `DROP ROLE IF EXISTS ${name}`);
});

const triggerFunction = "suppress_redundant_updates_trigger";
const insertEve = (column: string, value: string) =>
  `INSERT INTO users (username, email, password_hash, ${column}) VALUES ('eve', 'e@f.org', repeat('x', 60), ${value})`;
const insertPatient = (column: string, value: string) =>
  `INSERT INTO patients (firstname, lastname, email, age, gender, created_by, ${column})
   VALUES ('Eve', 'Eve', 'e@f.org', 1, 'F', 1, ${value})`;

test.each([
  ["create a table", "CREATE TABLE public.mine ()"],
  ["create a schema", "CREATE SCHEMA mine"],
  ["create a function", "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'"],
  ["create a role", "CREATE ROLE test_never_made"],
  [
    "create a function of a statement",
    "CREATE FUNCTION statements.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
  ],
  ["change a table", "ALTER TABLE users ADD COLUMN phone text"],
  ["drop a constraint", "ALTER TABLE users DROP CONSTRAINT users_role_check"],
  ["drop a table", "DROP TABLE mappings"],
  ["add a trigger", `CREATE TRIGGER t BEFORE INSERT ON users EXECUTE FUNCTION ${triggerFunction}()`],
  ["choose whether a new account is active", insertEve("active", "false")],
  ["rename an account", "UPDATE users SET username = 'eve'"],
  ["change an invitation's code", "UPDATE invitations SET code_hash = repeat('0', 64)"],
  ["move failed logins to another username", "UPDATE login_attempts SET username = 'eve'"],
  ["delete an account", "DELETE FROM users"],
  ["create a temporary table", "CREATE TEMPORARY TABLE mine ()"],
  ["create a large object", "SELECT lo_create(0)"],
  ["store data in a large object", "SELECT lo_from_bytea(0, 'x')"],
  ["open a large object", "SELECT lo_open(1, 131072)"],
  ["write to a large object", "SELECT lo_put(1, 0, 'x')"],
  ["read a large object", "SELECT lo_get(1)"],
  ["delete a large object", "SELECT lo_unlink(1)"],
  ["choose a patient's version", insertPatient("version", "7")],
  ["create a deleted patient", insertPatient("deleted_from, deleted_at", "1, now()")],
  ["choose a doctor's version", "INSERT INTO doctors (version) VALUES (7)"],
  [
    "choose when an idempotency key was first used",
    "INSERT INTO idempotency_keys (created_at) VALUES (now())",
  ],
  ["create a used refresh token", "INSERT INTO refresh_tokens (spent_at) VALUES (now())"],
  ["delete a refresh token", "DELETE FROM refresh_tokens"],
  ["update an assignment", "UPDATE mappings SET assigned_at = now()"],
  ["change a patient's created_by", "UPDATE patients SET created_by = 1"],
  ["change the account of a session", "UPDATE sessions SET user_id = 1"],
  ["move a refresh token to another session", "UPDATE refresh_tokens SET session_id = gen_random_uuid()"],
  ["change the stored response of an idempotency key", "UPDATE idempotency_keys SET answer = ''"],
  ["change an audit event", "UPDATE audit_events SET outcome = 'done'"],
  ["delete an audit event", "DELETE FROM audit_events"],
  ["truncate the audit log", "TRUNCATE audit_events"],
  ["change a partition of the audit log", "UPDATE audit_events_default SET outcome = 'done'"],
  ["drop a partition of the audit log", "DROP TABLE audit_events_default"],
  [
    "choose the time of an audit event",
    "INSERT INTO audit_events (action, outcome, at) VALUES ('read', 'done', '2001-01-01')",
  ],
  [
    "choose the id of an audit event",
    "INSERT INTO audit_events (action, outcome, id) VALUES ('read', 'done', 1)",
  ],
  [
    "choose the hash of an audit event's changes",
    "INSERT INTO audit_events (action, outcome, changes_sha256) VALUES ('read', 'done', '')",
  ],
  ["change a digest of the audit log", "UPDATE audit_digests SET events = 0"],
  ["delete a digest of the audit log", "DELETE FROM audit_digests"],
  ["truncate the digests of the audit log", "TRUNCATE audit_digests"],
  ["delete a patient", "DELETE FROM patients"],
  ["remove values from the audit log", "SELECT erase_audit_values(1, NULL)"],
  ["truncate mappings", "TRUNCATE mappings"],
  ["truncate patients and the tables that refer to them", "TRUNCATE patients CASCADE"],
  ["read the passwords of roles", "SELECT FROM pg_authid"],
  ["read the applied migrations", "SELECT FROM drizzle.__drizzle_migrations"],
  ["read the server's files", "SELECT pg_read_file('/etc/passwd')"],
  ["run programs", "COPY (SELECT 1) TO PROGRAM 'true'"],
  ["turn triggers and foreign keys off", "SET session_replication_role = replica"],
  ["make itself a superuser", "ALTER ROLE CURRENT_USER SUPERUSER"],
])("the role may not %s", async (_, statement) => {
  await expect(query(worker, statement)).rejects.toMatchObject({ code: "42501" });
});

test("the role's sessions have timeouts, a fixed search_path and READ COMMITTED", async () => {
  // The settings of createRole override those of the database.
  await asOwner(
    `ALTER DATABASE ${new URL(url).pathname.slice(1)} SET default_transaction_isolation = 'serializable'`,
  );
  const names =
    "lock_timeout statement_timeout idle_in_transaction_session_timeout search_path transaction_isolation".split(
      " ",
    );
  const settings = await query(
    worker,
    "SELECT setting FROM unnest($1::text[]) name, current_setting(name) setting",
    [names],
  );
  expect(settings.map(({ setting }) => setting)).toEqual([
    "4s",
    "15s",
    "5s",
    "public, pg_temp",
    "read committed",
  ]);
});

test("the role can change its own password and settings: PostgreSQL cannot forbid that", async () => {
  const { username, password } = new URL(worker);
  await query(worker, `ALTER ROLE ${username} PASSWORD '${password}'`);
  await query(worker, `ALTER ROLE ${username} SET statement_timeout = '15s'`);
});

test("the role cannot become the owner of the database, and owns nothing", async () => {
  const [{ owner }] = await asOwner("SELECT quote_ident(current_user) AS owner");
  await expect(query(worker, `SET ROLE ${owner}`)).rejects.toMatchObject({ code: "42501" });
  const { username } = new URL(worker);
  const ownedObjects = "SELECT FROM pg_shdepend WHERE deptype = 'o' AND refobjid = $1::regrole";
  expect(await asOwner(ownedObjects, [username])).toEqual([]);
});
