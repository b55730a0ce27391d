import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { embeddedUrl } from "../../local/environment.ts";
import { migrate } from "../../local/migrate.ts";
import { createRole } from "../../local/role.ts";
import { createDatabase, dropDatabase, random, run } from "./commands.ts";
import { changed, describeOnServer, postgresUrl, startTime, withClient } from "./support.ts";

vi.setConfig({ testTimeout: startTime, hookTimeout: startTime });

test("The command role refuses the embedded database, which has one user only", async () => {
  expect(await run("role", embeddedUrl)).toEqual({
    status: 1,
    stdout: "",
    stderr: "The embedded database has one user only: no role can be made there.\n",
  });
});

describeOnServer("The command role", () => {
  let url: string;
  let unmigratedUrl: string;
  const roles: string[] = [];
  beforeAll(async () => {
    url = await createDatabase();
    unmigratedUrl = await createDatabase();
    await migrate(url);
  });
  afterAll(async () => {
    await dropDatabase(url);
    await dropDatabase(unmigratedUrl);
    await withClient(postgresUrl, async (client) => {
      for (const role of roles) await client.query(`DROP ROLE IF EXISTS ${client.escapeIdentifier(role)}`);
    });
  });

  const asOwner = (statement: string, values?: unknown[]) =>
    withClient(url, async (client) => (await client.query(statement, values)).rows);

  /** A name for a role, which is dropped afterwards. */
  function newName(name = random("test_role")): string {
    roles.push(name);
    return name;
  }

  /** Runs the command. @returns the URL it printed */
  async function printedUrl(name: string): Promise<string> {
    const { status, stdout, stderr } = await run("role", url, name);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const [, printed] = /^The Worker's DATABASE_URL:\n(\S+)\n$/.exec(stdout) ?? [];
    return printed ?? expect.fail(stdout);
  }

  /** Whether the role's password is this one, which logging in does not tell where the server trusts its own machine. */
  async function hasPassword(name: string, password: string): Promise<boolean> {
    const [{ rolpassword }] = await asOwner("SELECT rolpassword FROM pg_authid WHERE rolname = $1", [name]);
    const [, iterations, salt = "", storedKey] =
      /^SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):/.exec(rolpassword) ?? [];
    const salted = pbkdf2Sync(password, Buffer.from(salt, "base64"), Number(iterations), 32, "sha256");
    const clientKey = createHmac("sha256", salted).update("Client Key").digest();
    return createHash("sha256").update(clientKey).digest("base64") === storedKey;
  }

  test("prints a URL that logs in to the database as that role", async () => {
    const name = newName();
    const { rows } = await withClient(await printedUrl(name), (client) =>
      client.query("SELECT current_user AS role, current_database() AS database"),
    );
    expect(rows).toEqual([{ role: name, database: new URL(url).pathname.slice(1) }]);
  });

  test("keeps the rest of the URL", async () => {
    const given = `${url}?options=-c%20geqo%3Doff`;
    const printed = await createRole(given, newName());
    const withoutUser = { username: "", password: "" };
    expect(changed(printed, withoutUser)).toBe(changed(given, withoutUser));
  });

  test("sets the password it prints, and run again a new one in its place", async () => {
    const name = newName();
    const first = new URL(await printedUrl(name)).password;
    expect(await hasPassword(name, first)).toBe(true);
    const second = new URL(await printedUrl(name)).password;
    expect(await hasPassword(name, second)).toBe(true);
    expect(await hasPassword(name, first)).toBe(false);
  });

  test("run again gives the rights that are lacking", async () => {
    const name = newName();
    await createRole(url, name);
    await asOwner(`REVOKE ALL ON doctors FROM ${name}`);
    const printed = await createRole(url, name);
    await withClient(printed, (client) => client.query("DELETE FROM doctors"));
  });

  test("takes SQL in a name for a name", async () => {
    const name = newName(`${random("test")}" SUPERUSER; --'x`);
    const printed = await createRole(url, name);
    const made = await asOwner("SELECT rolname, rolsuper FROM pg_roles WHERE rolname = $1", [name]);
    expect(made).toEqual([{ rolname: name, rolsuper: false }]);
    expect(decodeURIComponent(new URL(printed).username)).toBe(name);
  });

  // As before PostgreSQL 15, and in what was upgraded from there.
  test("makes a role that may not create a table where everybody may", async () => {
    await asOwner("GRANT CREATE ON SCHEMA public TO PUBLIC");
    try {
      const worker = await createRole(url, newName());
      const attempt = withClient(worker, (client) => client.query("BEGIN; CREATE TABLE public.mine ()"));
      await expect(attempt).rejects.toMatchObject({ code: "42501" });
    } finally {
      await asOwner("REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    }
  });

  describe("for a role that may do more than the Worker needs", () => {
    /** What the server knows about the role, its password among it. */
    const roleNamed = (name: string) => asOwner("SELECT * FROM pg_authid WHERE rolname = $1", [name]);

    test.each(["SUPERUSER", "CREATEROLE"])("(%s) says so, and changes nothing", async (attribute) => {
      const name = newName();
      await asOwner(`CREATE ROLE ${name} ${attribute}`);
      const before = await roleNamed(name);
      expect(await run("role", url, name)).toEqual({
        status: 1,
        stdout: "",
        stderr: `${name} may do more than the Worker needs: name another role.\n`,
      });
      expect(await roleNamed(name)).toEqual(before);
    });

    test("(the user it runs as) says so, and changes nothing", async () => {
      const name = newName();
      await asOwner(`CREATE ROLE ${name} LOGIN PASSWORD 'pw'`);
      const before = await roleNamed(name);
      const asItself = changed(url, { username: name, password: "pw" });
      await expect(createRole(asItself, name)).rejects.toThrow(
        `${name} may do more than the Worker needs: name another role.`,
      );
      expect(await roleNamed(name)).toEqual(before);
    });
  });

  describe("where the tables are missing", () => {
    let name: string;
    beforeEach(() => {
      name = newName();
    });

    test("says what to do first, and leaves no role behind", async () => {
      expect(await run("role", unmigratedUrl, name)).toEqual({
        status: 1,
        stdout: "",
        stderr: "The tables are not there yet: run `npm run db:migrate` first.\n",
      });
      expect(await asOwner("SELECT FROM pg_roles WHERE rolname = $1", [name])).toEqual([]);
    });

    test("leaves the password of a role that is there as it is", async () => {
      const { password } = new URL(await createRole(url, name));
      await expect(createRole(unmigratedUrl, name)).rejects.toThrow("npm run db:migrate");
      expect(await hasPassword(name, password)).toBe(true);
    });
  });
});
