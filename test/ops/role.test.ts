import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { migrate } from "../../ops/migrate.ts";
import { createRole } from "../../ops/role.ts";
import { changeUrl, emptyDatabase, newDatabase, query, random, run } from "./support.ts";

const { serverUrl } = inject("database");

let url: string;
let drop: () => Promise<unknown>;
const roles: string[] = [];
beforeAll(async () => {
  ({ url, drop } = await newDatabase());
  await migrate(url);
});
afterAll(async () => {
  await drop();
  for (const role of roles) await query(serverUrl, `DROP ROLE IF EXISTS "${role.replaceAll('"', '""')}"`);
});

const asOwner = (statement: string, values?: unknown[]) => query(url, statement, values);

/** A name for a role, which is dropped after the tests. */
function newName(name = random("test_role")): string {
  roles.push(name);
  return name;
}

/** The role as the server stores it, with the hash of its password. */
const findRole = (name: string) => asOwner("SELECT * FROM pg_authid WHERE rolname = $1", [name]);

/** Whether this is the role's password. A login does not show it: the server may trust local connections. */
async function hasPassword(name: string, password: string): Promise<boolean> {
  const [{ rolpassword }] = await findRole(name);
  const [, iterations, salt = "", storedKey] =
    /^SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):/.exec(rolpassword) ?? [];
  const salted = pbkdf2Sync(password, Buffer.from(salt, "base64"), Number(iterations), 32, "sha256");
  const clientKey = createHmac("sha256", salted).update("Client Key").digest();
  return createHash("sha256").update(clientKey).digest("base64") === storedKey;
}

test("the command role prints a URL that connects to the same database as the new role", async () => {
  const name = newName();
  const ownerUrl = `${url}?options=-c%20geqo%3Doff`;
  const { status, stdout } = await run("role", ownerUrl, name);
  const [, printed = ""] = /^The Worker's DATABASE_URL:\n(\S+)\n$/.exec(stdout) ?? [];
  expect(status).toBe(0);
  const nobody = { username: "", password: "" };
  expect(changeUrl(printed, nobody)).toBe(changeUrl(ownerUrl, nobody));
  expect(await query(printed, "SELECT current_user AS role")).toEqual([{ role: name }]);
});

test("the role may execute the API's functions also where the owner's default privileges give that to nobody", async () => {
  const name = newName();
  const hardened = await newDatabase();
  try {
    await query(hardened.url, "ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC");
    await migrate(hardened.url);
    await createRole(hardened.url, name);
    // Those of btree_gist are called by indexes, which check no rights.
    const functionsWhere = (condition: string, values: string[]) =>
      query(
        hardened.url,
        `SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prorettype <> 'trigger'::regtype
           AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e') AND ${condition} ORDER BY proname`,
        values,
      );
    // Operators call the first one; the Worker only through erase_patient, which runs as the owner.
    const ofOwner = [{ proname: "erase_audit_values" }, { proname: "keep_manager" }];
    expect(await functionsWhere("NOT has_function_privilege($1, oid, 'EXECUTE')", [name])).toEqual(ofOwner);
    expect(await functionsWhere("has_function_privilege($1, oid, 'EXECUTE')", ["public"])).toEqual([]);
  } finally {
    await hardened.drop();
  }
});

test("no role may call a function that runs with the owner's rights, also in a database restored without privileges", async () => {
  const restored = await newDatabase();
  try {
    await migrate(restored.url);
    await query(restored.url, "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO PUBLIC");
    await createRole(restored.url, newName());
    expect(
      await query(
        restored.url,
        `SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND has_function_privilege('public', oid, 'EXECUTE')
           AND (prosecdef OR proname = 'erase_audit_values') ORDER BY proname`,
      ),
    ).toEqual([]);
  } finally {
    await restored.drop();
  }
});

test("a second run replaces the password", async () => {
  const name = newName();
  const first = new URL(await createRole(url, name)).password;
  expect(await hasPassword(name, first)).toBe(true);
  const second = new URL(await createRole(url, name)).password;
  expect(await hasPassword(name, second)).toBe(true);
  expect(await hasPassword(name, first)).toBe(false);
});

test("--keep-password grants missing rights, revokes additional ones and leaves the password", async () => {
  const name = newName();
  const { password } = new URL(await createRole(url, name));
  await asOwner(`REVOKE ALL ON doctors FROM ${name}`);
  await asOwner(`GRANT TRUNCATE ON patients TO ${name}`);
  const { status, stdout } = await run("role", url, name, "--keep-password");
  expect([status, stdout]).toEqual([0, `${name} has the rights of this version, and its old password.\n`]);
  expect(await hasPassword(name, password)).toBe(true);
  const rights =
    "SELECT has_table_privilege($1, 'doctors', 'SELECT') AS read, has_table_privilege($1, 'patients', 'TRUNCATE') AS truncate";
  expect(await asOwner(rights, [name])).toEqual([{ read: true, truncate: false }]);
});

test("--keep-password of a role that does not exist says how to create it, and creates none", async () => {
  const name = newName();
  const { status, stderr } = await run("role", url, name, "--keep-password");
  expect([status, stderr]).toEqual([
    1,
    `There is no role ${name}: leave --keep-password out to create it.\n`,
  ]);
  expect(await findRole(name)).toEqual([]);
});

test("a second run grants missing rights and revokes additional ones", async () => {
  const name = newName();
  await createRole(url, name);
  const rights = `
    SELECT table_name, privilege_type, column_name FROM information_schema.column_privileges WHERE grantee = $1
    UNION ALL SELECT table_name, privilege_type, NULL FROM information_schema.table_privileges WHERE grantee = $1
    ORDER BY 1, 2, 3`;
  const before = await asOwner(rights, [name]);
  await asOwner(`REVOKE ALL ON doctors FROM ${name}`);
  await asOwner(`GRANT UPDATE ON users TO ${name}`);
  await asOwner(`GRANT INSERT (role) ON users TO ${name}`);
  await asOwner(`GRANT TRUNCATE ON patients TO ${name}`);
  await createRole(url, name);
  expect(await asOwner(rights, [name])).toEqual(before);
});

test("a second run resets the settings that the role has changed itself", async () => {
  const name = newName();
  const worker = await createRole(url, name);
  await query(worker, `ALTER ROLE ${name} SET statement_timeout = 0`);
  await query(worker, `ALTER ROLE ${name} SET work_mem = '1GB'`);
  await query(
    worker,
    `ALTER ROLE ${name} IN DATABASE ${new URL(url).pathname.slice(1)} SET lock_timeout = 0`,
  );
  const settings = `SELECT current_setting('statement_timeout') AS statement, current_setting('lock_timeout') AS lock,
    current_setting('work_mem') <> '1GB' AS is_reset`;
  expect(await query(worker, settings)).toEqual([{ statement: "0", lock: "0", is_reset: false }]);
  expect(await query(await createRole(url, name), settings)).toEqual([
    { statement: "15s", lock: "4s", is_reset: true },
  ]);
});

test("an owner of the tables only is told the statements that the database's owner and a superuser must run", async () => {
  const [owner, name] = [newName(), newName()];
  const { url, drop } = await newDatabase();
  try {
    await query(url, `CREATE ROLE ${owner} LOGIN CREATEROLE PASSWORD 'pw'`);
    const database = new URL(url).pathname.slice(1);
    await query(
      url,
      `GRANT CREATE ON DATABASE ${database} TO ${owner}; GRANT ALL ON SCHEMA public TO ${owner}`,
    );
    const own = changeUrl(url, { username: owner, password: "pw" });
    await migrate(own);
    const messages: string[] = [];
    const worker = await createRole(own, name, (message) => void messages.push(message));
    expect(messages).toEqual([
      `${name} can create temporary tables until the database's owner runs: REVOKE TEMPORARY ON DATABASE "${database}" FROM PUBLIC;`,
      expect.stringMatching(
        /^\S+ can create large objects until a superuser runs .+: REVOKE EXECUTE ON FUNCTION lo_\S+\(.+ FROM PUBLIC;$/,
      ),
    ]);
    for (const message of messages) await query(url, message.slice(message.indexOf("REVOKE")));
    for (const statement of ["CREATE TEMPORARY TABLE mine ()", "SELECT lo_create(0)"])
      await expect(query(worker, statement)).rejects.toMatchObject({ code: "42501" });
    // Again, when there is nothing left to revoke.
    messages.length = 0;
    await createRole(own, name, (message) => void messages.push(message));
    expect(messages).toEqual([]);
  } finally {
    await drop();
  }
});

test("SQL in a role's name is quoted", async () => {
  const name = newName(`${random("test")}" SUPERUSER; --'x`);
  const printed = await createRole(url, name);
  expect(await findRole(name)).toMatchObject([{ rolname: name, rolsuper: false }]);
  expect(decodeURIComponent(new URL(printed).username)).toBe(name);
});

describe("a role with more rights than the Worker needs is refused and not changed:", () => {
  test.each([
    ["a superuser", "SUPERUSER"],
    ["a role that can create roles", "CREATEROLE"],
    ["a role that can create databases", "CREATEDB"],
    ["a role that bypasses row security", "BYPASSRLS"],
  ])("%s", async (_, attribute) => {
    const name = newName();
    await asOwner(`CREATE ROLE ${name} ${attribute}`);
    const before = await findRole(name);
    const message = `${name} has more rights than the Worker may have: name another role.`;
    await expect(createRole(url, name)).rejects.toThrow(message);
    expect(await findRole(name)).toEqual(before);
  });

  test("a member of another role, and the owner of a table", async () => {
    const [member, owner] = [newName(), newName()];
    await asOwner(`CREATE ROLE ${member} IN ROLE pg_read_all_data; CREATE ROLE ${owner}`);
    await asOwner(`CREATE TABLE owned (); ALTER TABLE owned OWNER TO ${owner}`);
    for (const name of [member, owner])
      await expect(createRole(url, name)).rejects.toThrow("has more rights");
    await asOwner("DROP TABLE owned");
  });

  test("the current user", async () => {
    const name = newName();
    await asOwner(`CREATE ROLE ${name} LOGIN PASSWORD 'pw'`);
    const before = await findRole(name);
    const own = changeUrl(url, { username: name, password: "pw" });
    await expect(createRole(own, name)).rejects.toThrow("has more rights");
    expect(await findRole(name)).toEqual(before);
  });
});

test("without tables it says to migrate first, and neither creates nor changes a role", async () => {
  const unmigrated = await emptyDatabase();
  const [existing, missing] = [newName(), newName()];
  const { password } = new URL(await createRole(url, existing));
  const message = "The tables do not exist yet: run `npm run db:migrate` first.";
  await expect(createRole(unmigrated, existing)).rejects.toThrow(message);
  const result = await run("role", unmigrated, missing);
  expect(result).toEqual({ status: 1, stdout: "", stderr: `${message}\n` });
  expect(await hasPassword(existing, password)).toBe(true);
  expect(await findRole(missing)).toEqual([]);
});
