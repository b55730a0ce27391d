import { runAsCommand, withClient } from "./command.ts";
import { databaseUrl } from "./environment.ts";

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

await runAsCommand(async () => {
  const [username, change = ""] = process.argv.slice(2);
  const assignment = changes.get(change);
  if (!username || !assignment) throw new Error(usage);
  const statement = `
    UPDATE users SET ${assignment}, updated_at = now() WHERE lower(username COLLATE "C") = lower($1 COLLATE "C")
    RETURNING username, role, active, token_version`;
  const { rows } = await withClient(databaseUrl(), (client) => client.query(statement, [username]));
  if (rows.length === 0) throw new Error(`There is no account called ${username}.`);
  console.log(rows[0]);
});
