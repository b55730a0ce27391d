import { runAsCommand, withClient } from "./command.ts";
import { databaseUrl } from "./environment.ts";

/** What may be done to an account, as the SQL that does it. */
const changes = new Map([
  ["admin", "role = 'admin'"],
  ["clinician", "role = 'clinician'"],
  ["enable", "active = true"],
  ["disable", "active = false"],
  ["sign-out", "token_version = u.token_version + 1"],
]);

const usage = `Usage: npm run account -- <username> <change>

  admin      may change and delete every doctor
  clinician  only those it created
  disable    refuses the account from its next request on
  enable     accepts it again
  sign-out   ends all its sessions, on every device

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
    FROM new)
  SELECT username, role, active, token_version FROM new`;

/**
 * Changes an account, whatever the case its username is written in.
 *
 * @returns the account as it is afterwards.
 * @throws an error whose message says how this is used, or that there is no such account.
 */
export async function changeAccount(url: string, username = "", change = "") {
  const assignment = changes.get(change);
  if (!username || !assignment) throw new Error(usage);
  const { rows } = await withClient(url, (client) => client.query(changing(assignment), [username, change]));
  if (rows.length === 0) throw new Error(`There is no account called ${username}.`);
  return rows[0];
}

if (import.meta.main) {
  await runAsCommand(async () => console.log(await changeAccount(databaseUrl(), ...process.argv.slice(2))));
}
