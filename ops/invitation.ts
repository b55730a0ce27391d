import { createHash, randomBytes } from "node:crypto";
import { INVITATION_CODE_BYTES, INVITATION_DAYS, NewInvitation } from "../src/invitations/requests.ts";
import { withClient } from "./command.ts";

/**
 * Inserts an invitation of no account, because the operator need not have one, and the same audit event as an admin's
 * invitation has.
 */
const inviteStatement = `
  WITH created AS (
    INSERT INTO invitations (email, role, code_hash, expires_at)
    VALUES ($1, $2, $3, now() + make_interval(days => $4))
    RETURNING id, email, role, expires_at),
  audit_event AS (
    INSERT INTO audit_events (action, outcome, changes)
    SELECT 'invite', 'done', json_build_object(
      'invitation', json_build_object('before', NULL, 'after', id),
      'email', json_build_object('before', NULL, 'after', email),
      'role', json_build_object('before', NULL, 'after', role))
    FROM created)
  SELECT id, email, role, expires_at FROM created`;

/**
 * Creates an invitation without an account that sends it: the first admin registers with one.
 *
 * @param url of the database, as its owner.
 * @param role `clinician` or `admin`.
 * @returns the invitation with its `code`, which is stored nowhere.
 * @throws an error whose message says which value is wrong; nothing has been changed then.
 */
export async function inviteAsOperator(url: string, email: string, role: string) {
  const { success, data, error } = NewInvitation.safeParse({ email, role });
  if (!success)
    throw new Error(error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("\n"));
  const code = randomBytes(INVITATION_CODE_BYTES).toString("base64url");
  // What `hashToken` of src/crypto.ts returns: Node 24 lacks Uint8Array.toHex.
  const code_hash = createHash("sha256").update(code).digest("hex");
  const values = [data.email, data.role, code_hash, INVITATION_DAYS];
  const { rows } = await withClient(url, (client) => client.query(inviteStatement, values));
  return { ...rows[0], code };
}
