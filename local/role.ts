import { randomBytes } from "node:crypto";
import pg from "pg";
import { runAsCommand, withClient } from "./command.ts";
import { databaseUrl, embeddedUrl } from "./environment.ts";

/**
 * What the API does, and no more: it makes no tables, no admins and no changes to an account. Cascades and foreign keys
 * run with the rights of the tables' owner. (Before PostgreSQL 15 everybody could make tables in `public`.)
 */
const grants = (role: string): string => `
  REVOKE CREATE ON SCHEMA public FROM PUBLIC;
  REVOKE ALL ON ALL TABLES IN SCHEMA public FROM ${role};
  GRANT USAGE ON SCHEMA public TO ${role};
  GRANT SELECT, INSERT (username, email, password_hash) ON users TO ${role};
  GRANT SELECT, INSERT, UPDATE, DELETE ON sessions TO ${role};
  GRANT SELECT, INSERT, UPDATE ON refresh_tokens TO ${role};
  GRANT SELECT, INSERT, UPDATE, DELETE ON patients, doctors TO ${role};
  GRANT SELECT, INSERT, DELETE ON mappings TO ${role};`;

/**
 * Makes the database role that the Worker runs as, or gives an existing one a new password and just those rights.
 *
 * @param url the database, as its owner.
 * @returns the same URL for the role.
 * @throws an error whose message says why not; nothing has been changed then.
 */
export async function createRole(url: string, name: string): Promise<string> {
  if (url === embeddedUrl)
    throw new Error("The embedded database has one user only: no role can be made there.");
  const password = randomBytes(24).toString("base64url");
  await withClient(url, async (client) => {
    const verb = await verbFor(client, name);
    const role = pg.escapeIdentifier(name);
    // One query of several statements is one transaction.
    await client
      .query(`${verb} ROLE ${role} LOGIN PASSWORD ${pg.escapeLiteral(password)}; ${grants(role)}`)
      .catch(explain);
  });
  const own = new URL(url);
  own.username = name;
  own.password = password;
  return own.href;
}

/** Whether a role may do anything but by the grants above: by an attribute, by membership, or because it owns something. */
const mighty = `
  SELECT rolname = current_user OR rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls
    OR EXISTS (SELECT FROM pg_auth_members WHERE member = r.oid)
    OR EXISTS (SELECT FROM pg_class WHERE relowner = r.oid) AS mighty
  FROM pg_roles r WHERE rolname = $1`;

/** Whether the role is to be made or altered. One with other rights is neither. */
async function verbFor(client: pg.Client, name: string): Promise<"CREATE" | "ALTER"> {
  const { rows } = await client.query(mighty, [name]);
  if (rows[0]?.mighty) throw new Error(`${name} may do more than the Worker needs: name another role.`);
  return rows.length === 0 ? "CREATE" : "ALTER";
}

function explain(error: unknown): never {
  const missesTable = error instanceof pg.DatabaseError && error.code === "42P01";
  throw missesTable ? new Error("The tables are not there yet: run `npm run db:migrate` first.") : error;
}

if (import.meta.main) {
  await runAsCommand(async () => {
    const [name = "hospital_api"] = process.argv.slice(2);
    console.log(`The Worker's DATABASE_URL:\n${await createRole(databaseUrl(), name)}`);
  });
}
