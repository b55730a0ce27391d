import { randomBytes } from "node:crypto";
import { getTableColumns } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import pg from "pg";
import * as schema from "../src/db/schema.ts";
import { fields as doctors } from "../src/doctors/contract.ts";
import { fields as patients } from "../src/patients/contract.ts";
import { runAsCommand, withClient } from "./command.ts";
import { databaseUrl } from "./environment.ts";

type TableName = {
  [Name in keyof typeof schema]: (typeof schema)[Name] extends PgTable ? Name : never;
}[keyof typeof schema];

/** What a change writes of a record: the client's fields, and that it was changed. Never whose it is. */
const changed = (fields: Record<string, unknown>): string =>
  [...Object.keys(fields), "updated_at", "version"].join(", ");

/** What creating a record writes of it; its version, and what is computed, are for PostgreSQL to say. */
const created = (fields: Record<string, unknown>): string =>
  ["id", ...Object.keys(fields), "created_by", "created_at", "updated_at"].join(", ");

/** What is said of an event; not when it was, nor in which order: that is for PostgreSQL to say. */
const { id, at, ...recorded } = getTableColumns(schema.audit_events);

/** What the API does with each table, and no more: it gives no account another name, and deletes none. */
const rights: Record<TableName, string> = {
  users:
    "SELECT, INSERT (username, email, password_hash, role), UPDATE (password_hash, password_version, password_trimmed, role, active, token_version, must_change_password, doctor_id, updated_at)",
  invitations: "SELECT, INSERT (email, role, code_hash, created_by, expires_at), DELETE",
  login_attempts: "SELECT, INSERT, UPDATE (failures, failed_at, blocked_until, logged_in_at), DELETE",
  sessions:
    "SELECT, INSERT (user_id, token_version, password_version, expires_at, user_agent), UPDATE (ended_at, last_used_at, password_version), DELETE",
  refresh_tokens: "SELECT, INSERT (token_hash, session_id), UPDATE (spent_at)",
  // Never deleted, nor given another creator: it is handed over, hidden, or brought back.
  patients: `SELECT, INSERT (${created(patients)}, owner_id), UPDATE (${changed(patients)}, owner_id, deleted_from, deleted_at)`,
  doctors: `SELECT, INSERT (${created(doctors)}), UPDATE (${changed(doctors)}), DELETE`,
  mappings: "SELECT, INSERT (id, patient_id, owner_id, doctor_id, assigned_at), DELETE",
  emergency_accesses: "SELECT, INSERT (account_id, patient_id, expires_at), UPDATE (expires_at), DELETE",
  idempotency_keys: "SELECT, INSERT (account_id, key, fingerprint, record_id, answer), UPDATE (key), DELETE",
  audit_events: `SELECT, INSERT (${Object.keys(recorded)})`,
};

/** The tables whose records get their ids from a sequence that the API asks. */
const numbered: TableName[] = ["patients", "doctors", "mappings", "audit_events"];

/** What holds for the role's sessions. Migrations are the owner's, and wait as long as they must. */
const settings = {
  // Less than an attempt of two has (45 % of the 10 s of DATABASE_TIMEOUT_MS): who waits in vain for what another
  // transaction holds is told that nothing was done. Deadlocks are found after 1 s.
  lock_timeout: "'4s'",
  // More than DATABASE_TIMEOUT_MS: what nobody waits for any more ends, should it not have been cancelled.
  statement_timeout: "'15s'",
  // Each statement is a transaction of its own: none of the Worker's is ever idle in one.
  idle_in_transaction_session_timeout: "'5s'",
  // Names mean the API's own tables, and what PostgreSQL has, whatever else there is in the database.
  search_path: "public, pg_temp",
};

/** Just these rights, whatever the role had. Cascades and foreign keys run with those of the tables' owner. */
const grants = (role: string, database: string): string => `
  ${Object.entries(settings)
    .map(([name, value]) => `ALTER ROLE ${role} SET ${name} = ${value};`)
    .join("\n")}
  -- Everybody may make temporary tables in a database, unless this is said of it.
  REVOKE TEMPORARY ON DATABASE ${database} FROM PUBLIC, ${role};
  -- Before PostgreSQL 15 everybody could make tables here.
  REVOKE CREATE ON SCHEMA public FROM PUBLIC;
  REVOKE ALL ON SCHEMA public FROM ${role};
  REVOKE ALL ON ALL TABLES IN SCHEMA public FROM ${role};
  REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM ${role};
  REVOKE ALL ON ALL ROUTINES IN SCHEMA public FROM ${role};
  GRANT USAGE ON SCHEMA public TO ${role};
  ${Object.entries(rights)
    .map(([table, right]) => `GRANT ${right} ON public.${table} TO ${role};`)
    .join("\n")}
  ${numbered.map((table) => `GRANT USAGE ON SEQUENCE public.${table}_id_seq TO ${role};`).join("\n")}
  -- What a dump without privileges has forgotten.
  REVOKE EXECUTE ON FUNCTION public.audit_partitions, public.assignments_come_back, public.sessions_bounded,
    public.users_last_admin FROM PUBLIC;
  GRANT EXECUTE ON FUNCTION public.audit_partitions TO ${role};`;

/**
 * Makes the database role that the Worker runs as, or gives an existing one a new password and just those rights.
 *
 * @param url the database, as its owner.
 * @param tell is told what was not to be had, for somebody else to do.
 * @returns the same URL for the role.
 * @throws an error whose message says why not; nothing has been changed then.
 */
export async function createRole(
  url: string,
  name: string,
  tell: (words: string) => void = () => {},
): Promise<string> {
  const password = randomBytes(24).toString("base64url");
  await withClient(url, async (client) => {
    const verb = await verbFor(client, name);
    const role = pg.escapeIdentifier(name);
    const database = pg.escapeIdentifier(client.database ?? "");
    // One query of several statements is one transaction.
    await client
      .query(`${verb} ROLE ${role} LOGIN PASSWORD ${pg.escapeLiteral(password)}; ${grants(role, database)}`)
      .catch(explain);
    // Whoever owns the tables need not own the database: PostgreSQL takes no right away then, and only warns.
    const { rows } = await client.query("SELECT has_database_privilege($1, $2, 'TEMPORARY') AS temporary", [
      name,
      client.database,
    ]);
    if (rows[0]?.temporary)
      tell(
        `${name} may make temporary tables until the database's owner says: REVOKE TEMPORARY ON DATABASE ${database} FROM PUBLIC;`,
      );
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
    console.log(`The Worker's DATABASE_URL:\n${await createRole(databaseUrl(), name, console.error)}`);
  });
}
