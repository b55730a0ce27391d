import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { migrate } from "../../ops/migrate.ts";
import { createRole } from "../../ops/role.ts";
import { changed, emptyDatabase, newDatabase, query, random, run } from "./support.ts";

const { serverUrl } = inject("cloud");

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

/** A name for a role, which is dropped afterwards. */
function newName(name = random("test_role")): string {
  roles.push(name);
  return name;
}

/** What the server knows about a role, its password among it. */
const roleNamed = (name: string) => asOwner("SELECT * FROM pg_authid WHERE rolname = $1", [name]);

/** Whether the role's password is this one, which logging in does not tell where the server trusts its own machine. */
async function hasPassword(name: string, password: string): Promise<boolean> {
  const [{ rolpassword }] = await roleNamed(name);
  const [, iterations, salt = "", storedKey] =
    /^SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):/.exec(rolpassword) ?? [];
  const salted = pbkdf2Sync(password, Buffer.from(salt, "base64"), Number(iterations), 32, "sha256");
  const clientKey = createHmac("sha256", salted).update("Client Key").digest();
  return createHash("sha256").update(clientKey).digest("base64") === storedKey;
}

test("the command role prints a URL that logs in to the same database as that role", async () => {
  const name = newName();
  const given = `${url}?options=-c%20geqo%3Doff`;
  const { status, stdout } = await run("role", given, name);
  const [, printed = ""] = /^The Worker's DATABASE_URL:\n(\S+)\n$/.exec(stdout) ?? [];
  expect(status).toBe(0);
  const nobody = { username: "", password: "" };
  expect(changed(printed, nobody)).toBe(changed(given, nobody));
  expect(await query(printed, "SELECT current_user AS role")).toEqual([{ role: name }]);
});

test("run again it sets a new password in place of the old one", async () => {
  const name = newName();
  const first = new URL(await createRole(url, name)).password;
  expect(await hasPassword(name, first)).toBe(true);
  const second = new URL(await createRole(url, name)).password;
  expect(await hasPassword(name, second)).toBe(true);
  expect(await hasPassword(name, first)).toBe(false);
});

test("run again it gives the rights that are lacking, and takes those that were granted meanwhile", async () => {
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

test("who owns the tables and not the database is told what the database's owner has to do", async () => {
  const [owner, name] = [newName(), newName()];
  const { url, drop } = await newDatabase();
  try {
    await query(url, `CREATE ROLE ${owner} LOGIN CREATEROLE PASSWORD 'pw'`);
    const database = new URL(url).pathname.slice(1);
    await query(
      url,
      `GRANT CREATE ON DATABASE ${database} TO ${owner}; GRANT ALL ON SCHEMA public TO ${owner}`,
    );
    const own = changed(url, { username: owner, password: "pw" });
    await migrate(own);
    const told: string[] = [];
    const worker = await createRole(own, name, (words) => void told.push(words));
    const command = `REVOKE TEMPORARY ON DATABASE "${database}" FROM PUBLIC;`;
    expect(told).toEqual([`${name} may make temporary tables until the database's owner says: ${command}`]);
    await query(url, command);
    await expect(query(worker, "CREATE TEMPORARY TABLE mine ()")).rejects.toMatchObject({ code: "42501" });
  } finally {
    await drop();
  }
});

test("SQL in a name is taken for a name", async () => {
  const name = newName(`${random("test")}" SUPERUSER; --'x`);
  const printed = await createRole(url, name);
  expect(await roleNamed(name)).toMatchObject([{ rolname: name, rolsuper: false }]);
  expect(decodeURIComponent(new URL(printed).username)).toBe(name);
});

describe("a role that may do more than the Worker needs is refused, and left as it is:", () => {
  test.each([
    ["a superuser", "SUPERUSER"],
    ["one that may make roles", "CREATEROLE"],
    ["one that may make databases", "CREATEDB"],
    ["one that passes over row security", "BYPASSRLS"],
  ])("%s", async (_, attribute) => {
    const name = newName();
    await asOwner(`CREATE ROLE ${name} ${attribute}`);
    const before = await roleNamed(name);
    const sentence = `${name} may do more than the Worker needs: name another role.`;
    await expect(createRole(url, name)).rejects.toThrow(sentence);
    expect(await roleNamed(name)).toEqual(before);
  });

  test("a member of another role, and the owner of a table", async () => {
    const [member, owner] = [newName(), newName()];
    await asOwner(`CREATE ROLE ${member} IN ROLE pg_read_all_data; CREATE ROLE ${owner}`);
    await asOwner(`CREATE TABLE theirs (); ALTER TABLE theirs OWNER TO ${owner}`);
    for (const name of [member, owner]) await expect(createRole(url, name)).rejects.toThrow("may do more");
    await asOwner("DROP TABLE theirs");
  });

  test("the user it runs as", async () => {
    const name = newName();
    await asOwner(`CREATE ROLE ${name} LOGIN PASSWORD 'pw'`);
    const before = await roleNamed(name);
    const own = changed(url, { username: name, password: "pw" });
    await expect(createRole(own, name)).rejects.toThrow("may do more");
    expect(await roleNamed(name)).toEqual(before);
  });
});

test("where the tables are missing it says what to do first, and neither makes nor changes a role", async () => {
  const unmigrated = await emptyDatabase();
  const [made, other] = [newName(), newName()];
  const { password } = new URL(await createRole(url, made));
  for (const name of [made, other])
    expect(await run("role", unmigrated, name)).toEqual({
      status: 1,
      stdout: "",
      stderr: "The tables are not there yet: run `npm run db:migrate` first.\n",
    });
  expect(await hasPassword(made, password)).toBe(true);
  expect(await roleNamed(other)).toEqual([]);
});
