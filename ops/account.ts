import { randomBytes } from "node:crypto";
import { hash } from "bcryptjs";
import { runAsCommand, withClient } from "./command.ts";
import { databaseUrl } from "./environment.ts";

/** What makes all its tokens and sessions worthless, when that is so. */
const signedOut = (when: string) => `token_version = u.token_version + (${when})::int`;

const RESET = "reset-password";

/** What may be done to an account, as the SQL that does it. */
const changes = new Map([
  ["admin", `role = 'admin', ${signedOut("u.role <> 'admin'")}`],
  ["clinician", `role = 'clinician', ${signedOut("u.role <> 'clinician'")}`],
  ["enable", `active = true, ${signedOut("NOT u.active")}`],
  ["disable", `active = false, ${signedOut("u.active")}`],
  ["sign-out", signedOut("true")],
  [RESET, `password_hash = $3, password_trimmed = false, must_change_password = true, ${signedOut("true")}`],
]);

/** bcrypt's cost here; where the Worker's is higher, the hash is replaced at the next login. */
const BCRYPT_COST = 10;

/** Bytes of a password that is set here: 96 random bits. */
const PASSWORD_BYTES = 12;

const usage = `Usage: npm run account -- <username> <change>

  admin           may change and delete every doctor, and see to accounts
  clinician       only what is its own
  disable         refuses the account from its next request on
  enable          accepts it again; its sessions are over
  sign-out        ends all its sessions, on every device
  reset-password  gives it a password that it has to change, and prints that once

There is always an active admin: the last one stays one.

on the database of DATABASE_URL, or of .dev.vars.`;

/** Changes an account, and puts that on record, as done by nobody whom the API knows. */
const changing = (assignment: string): string => `
  WITH old AS (
    SELECT id, role, active, token_version FROM users
    WHERE lower(username COLLATE "C") = lower($1 COLLATE "C") FOR UPDATE),
  new AS (
    UPDATE users u SET ${assignment}, updated_at = now() FROM old WHERE u.id = old.id
    RETURNING u.id, u.username, u.role, u.active, u.token_version),
  recorded AS (
    INSERT INTO audit_events (action, outcome, subject_id, changes)
    SELECT $2, 'done', id, (
      SELECT json_object_agg(key, json_build_object('before', o.value, 'after', n.value))
      FROM json_each((SELECT row_to_json(old) FROM old)) o
      JOIN json_each((SELECT row_to_json(r) FROM (SELECT new.role, new.active, new.token_version) r)) n USING (key)
      WHERE o.value::text <> n.value::text)
    FROM new),
  let_in AS (
    UPDATE login_attempts SET failures = 0, blocked_until = 'epoch'
    WHERE $2 = '${RESET}' AND username = (SELECT lower(username COLLATE "C") FROM new))
  SELECT username, role, active, token_version FROM new`;

/**
 * Changes an account, whatever the case its username is written in.
 *
 * @returns the account as it is afterwards; with its new password, where it has been given one.
 * @throws an error whose message says how this is used, or that there is no such account.
 */
export async function changeAccount(url: string, username = "", change = "") {
  const assignment = changes.get(change);
  if (!username || !assignment) throw new Error(usage);
  const password = change === RESET ? randomBytes(PASSWORD_BYTES).toString("base64url") : undefined;
  const values = [username, change, ...(password ? [await hash(password, BCRYPT_COST)] : [])];
  const { rows } = await withClient(url, (client) => client.query(changing(assignment), values));
  if (rows.length === 0) throw new Error(`There is no account called ${username}.`);
  return { ...rows[0], ...(password && { password }) };
}

if (import.meta.main) {
  await runAsCommand(async () => console.log(await changeAccount(databaseUrl(), ...process.argv.slice(2))));
}
