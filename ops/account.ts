import { randomBytes } from "node:crypto";
import { hashPassword } from "../src/auth/passwords.ts";
import { runAsCommand, withClient } from "./command.ts";
import { databaseUrl } from "./environment.ts";
import { inviteAsOperator } from "./invitation.ts";

/** SQL that ends all sessions of the account and invalidates its tokens, if `condition` is true. */
const signOutIf = (condition: string) => `token_version = u.token_version + (${condition})::int`;

const RESET = "reset-password";

/** After how many hours a password that this command has set expires, unless it was changed. */
const PASSWORD_HOURS = 24;

/** The changes of an account, by name, as the SQL of the assignments to its row. */
const assignments = new Map([
  ["admin", `role = 'admin', ${signOutIf("u.role <> 'admin'")}`],
  ["clinician", `role = 'clinician', ${signOutIf("u.role <> 'clinician'")}`],
  ["auditor", `role = 'auditor', ${signOutIf("u.role <> 'auditor'")}`],
  ["enable", `active = true, ${signOutIf("NOT u.active")}`],
  ["disable", `active = false, ${signOutIf("u.active")}`],
  ["sign-out", signOutIf("true")],
  [
    RESET,
    `password_hash = $3, password_trimmed = false, password_prehashed = true, must_change_password = true,
     password_expires_at = now() + interval '${PASSWORD_HOURS} hours', ${signOutIf("true")}`,
  ],
]);

/** bcrypt's cost here. If the Worker's BCRYPT_COST is higher, the next login replaces the hash. */
const BCRYPT_COST = 10;

/** The length of a new password: 96 random bits, as 16 characters. */
const PASSWORD_BYTES = 12;

const usage = `Usage: npm run account -- <username> <change>
       npm run account -- invite <email> <role>

  admin           makes it an admin, who may change every doctor and administer accounts
  clinician       makes it a clinician, who may change only records of its own
  auditor         makes it an auditor, who may read the audit log and accounts, and nothing else
  disable         refuses its requests, from the next one on
  enable          accepts its requests again, after a new login
  sign-out        ends all its sessions
  reset-password  sets a new password, which is printed once, and which the account must change within 24 hours

invite prints the code of an invitation for seven days, with which one person registers with this email as admin or
clinician: so you get the first admin. It works unless REGISTRATION is closed.

The last active admin can be neither disabled nor made a clinician or an auditor. Each change and each invitation is audited.

It works on the database of DATABASE_URL, or of .dev.vars.`;

/**
 * The statement that changes the account $1 and inserts an audit event of the action $2. The event names no account
 * as the actor: the operator need not have one.
 */
const changeStatement = (assignment: string): string => `
  WITH old AS (
    SELECT id, role, active, token_version FROM users
    WHERE lower(username COLLATE "C") = lower($1 COLLATE "C") FOR UPDATE),
  new AS (
    UPDATE users u SET ${assignment}, updated_at = now() FROM old WHERE u.id = old.id
    RETURNING u.id, u.username, u.role, u.active, u.token_version),
  audit_event AS (
    INSERT INTO audit_events (action, outcome, subject_id, changes)
    SELECT $2, 'done', id, (
      SELECT json_object_agg(key, json_build_object('before', o.value, 'after', n.value))
      FROM json_each((SELECT row_to_json(old) FROM old)) o
      JOIN json_each((SELECT row_to_json(r) FROM (SELECT new.role, new.active, new.token_version) r)) n USING (key)
      WHERE o.value::text <> n.value::text)
    FROM new),
  reset_failures AS (
    UPDATE login_attempts SET failures = 0, blocked_until = 'epoch'
    WHERE $2 = '${RESET}' AND username = (SELECT lower(username COLLATE "C") FROM new))
  SELECT username, role, active, token_version FROM new`;

/**
 * Changes an account.
 *
 * @param url of the database, as its owner.
 * @param username in any case.
 * @param change one of the names in the usage text.
 * @returns the account after the change, and after `reset-password` its new `password`, with the hours until it expires.
 * @throws an error whose message is the usage text, or says that the account does not exist.
 */
export async function changeAccount(url: string, username = "", change = "") {
  const assignment = assignments.get(change);
  if (!username || !assignment) throw new Error(usage);
  const password = change === RESET ? randomBytes(PASSWORD_BYTES).toString("base64url") : undefined;
  const values = [username, change, ...(password ? [await hashPassword(password, BCRYPT_COST)] : [])];
  const { rows } = await withClient(url, (client) => client.query(changeStatement(assignment), values));
  if (rows.length === 0) throw new Error(`There is no account called ${username}.`);
  return { ...rows[0], ...(password && { password, expires_in_hours: PASSWORD_HOURS }) };
}

if (import.meta.main) {
  await runAsCommand(async () => {
    const [first, second, third] = process.argv.slice(2);
    // With two words, an account called `invite` is changed.
    const isInvitation = first === "invite" && second !== undefined && third !== undefined;
    console.log(
      isInvitation
        ? await inviteAsOperator(databaseUrl(), second, third)
        : await changeAccount(databaseUrl(), first, second),
    );
  }, usage);
}
