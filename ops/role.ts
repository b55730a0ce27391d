import { randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import pg from "pg";
import { runAsCommand, withClient } from "./command.ts";
import { largeObjectFunctions, warnOfDefaultRights } from "./default-rights.ts";
import { databaseUrl } from "./environment.ts";
import { grantStatements } from "./role-privileges.ts";

const usage = `Usage: npm run db:role [-- <name>] [--keep-password]

Creates the database role of the Worker, hospital_api or <name>, with the rights that the API needs and no others, and
prints the Worker's DATABASE_URL. If the role exists, it gets a new password and the same rights; with --keep-password
only the rights, and the Worker goes on with the URL that it has.

It works on the database of DATABASE_URL, or of .dev.vars, as its owner. The tables must exist: run db:migrate first.`;

/**
 * Creates the database role of the Worker. If it exists, it gets a new password and exactly the same rights.
 *
 * @param url of the database, as its owner.
 * @param warn is called with a message when the owner of the database or a superuser has to run a statement as well.
 * @returns the same URL with the role's name and password.
 * @throws an error whose message gives the reason; nothing has been changed then.
 */
export async function createRole(
  url: string,
  name: string,
  warn: (message: string) => void = () => {},
): Promise<string> {
  const password = randomBytes(24).toString("base64url");
  await withClient(url, async (client) => {
    const verb = (await roleExists(client, name)) ? "ALTER" : "CREATE";
    const role = pg.escapeIdentifier(name);
    const setPassword = `${verb} ROLE ${role} LOGIN PASSWORD ${pg.escapeLiteral(password)};`;
    await grantRights(client, name, setPassword, warn);
  });
  const roleUrl = new URL(url);
  roleUrl.username = name;
  roleUrl.password = password;
  return roleUrl.href;
}

/**
 * Gives an existing role exactly the rights of this version, and leaves its password.
 *
 * @throws an error whose message gives the reason; nothing has been changed then.
 */
async function updateRole(url: string, name: string, warn: (message: string) => void): Promise<void> {
  await withClient(url, async (client) => {
    if (!(await roleExists(client, name)))
      throw new Error(`There is no role ${name}: leave --keep-password out to create it.`);
    await grantRights(client, name, "", warn);
  });
}

/** @param setPassword a statement to execute in the same transaction, before the others. */
async function grantRights(
  client: pg.Client,
  name: string,
  setPassword: string,
  warn: (message: string) => void,
): Promise<void> {
  const database = pg.escapeIdentifier(client.database ?? "");
  const largeObjects = await largeObjectFunctions(client, "pg_has_role(proowner, 'USAGE')");
  // Several statements in one query are one transaction.
  await client
    .query(`${setPassword} ${grantStatements(pg.escapeIdentifier(name), database, largeObjects)}`)
    .catch(throwWithAdvice);
  await warnOfDefaultRights(client, name, warn);
}

/** Whether a role has rights beyond grants: by an attribute, by membership in another role, or as an owner. */
const privilegedStatement = `
  SELECT rolname = current_user OR rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls
    OR EXISTS (SELECT FROM pg_auth_members WHERE member = r.oid)
    OR EXISTS (SELECT FROM pg_class WHERE relowner = r.oid) AS is_privileged
  FROM pg_roles r WHERE rolname = $1`;

/** Whether the role exists. @throws an error when it has more rights than it may have */
async function roleExists(client: pg.Client, name: string): Promise<boolean> {
  const { rows } = await client.query(privilegedStatement, [name]);
  if (rows[0]?.is_privileged)
    throw new Error(`${name} has more rights than the Worker may have: name another role.`);
  return rows.length > 0;
}

function throwWithAdvice(error: unknown): never {
  const missesTable = error instanceof pg.DatabaseError && error.code === "42P01";
  throw missesTable ? new Error("The tables do not exist yet: run `npm run db:migrate` first.") : error;
}

if (import.meta.main) {
  await runAsCommand(async () => {
    const options = { "keep-password": { type: "boolean" } } as const;
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    const [name = "hospital_api"] = positionals;
    if (values["keep-password"]) {
      await updateRole(databaseUrl(), name, console.error);
      return console.log(`${name} has the rights of this version, and its old password.`);
    }
    console.log(`The Worker's DATABASE_URL:\n${await createRole(databaseUrl(), name, console.error)}`);
  }, usage);
}
