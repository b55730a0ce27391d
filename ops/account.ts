import { runAsCommand, withClient } from "./command.ts";
import { databaseUrl } from "./environment.ts";

/** What may be done to an account, as the SQL that does it. */
const changes = new Map([
  ["admin", "role = 'admin'"],
  ["clinician", "role = 'clinician'"],
  ["enable", "active = true"],
  ["disable", "active = false"],
  ["sign-out", "token_version = token_version + 1"],
]);

const usage = `Usage: npm run account -- <username> <change>

  admin      may change and delete every doctor
  clinician  only those it created
  disable    refuses the account from its next request on
  enable     accepts it again
  sign-out   ends all its sessions, on every device

on the database of DATABASE_URL, or of .dev.vars.`;

/**
 * Changes an account, whatever the case its username is written in.
 *
 * @returns the account as it is afterwards.
 * @throws an error whose message says how this is used, or that there is no such account.
 */
export async function changeAccount(url: string, username = "", change = "") {
  const assignment = changes.get(change);
  if (!username || !assignment) throw new Error(usage);
  const statement = `
    UPDATE users SET ${assignment}, updated_at = now() WHERE lower(username COLLATE "C") = lower($1 COLLATE "C")
    RETURNING username, role, active, token_version`;
  const { rows } = await withClient(url, (client) => client.query(statement, [username]));
  if (rows.length === 0) throw new Error(`There is no account called ${username}.`);
  return rows[0];
}

if (import.meta.main) {
  await runAsCommand(async () => console.log(await changeAccount(databaseUrl(), ...process.argv.slice(2))));
}
