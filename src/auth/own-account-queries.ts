import { sql } from "drizzle-orm";
import { doneOrRefused, insertAuditEvent } from "../db/query/audit.ts";
import { changesBetween } from "../db/query/audit-changes.ts";
import { authenticated, authenticatedRetryable } from "../db/query/authenticated.ts";
import {
  callerId,
  callerRecheckWithoutRole,
  callerStepsForAuditors,
  isStillAccepted,
  refusalAfterWait,
  refusalColumn,
} from "../db/query/caller.ts";
import { jsonBody, stepJson } from "../db/query/json.ts";
import { type Json, param } from "../db/statement.ts";
import type { AttemptNetworks } from "../http/rate-limits.ts";
import { uncountAttemptSteps } from "./login-attempts.ts";
import type { Account } from "./responses.ts";

// The caller's own account is `u`.

const accountColumns = sql`u.id, u.username, u.email, u.role, (
      SELECT row_to_json(o) FROM (
        SELECT c.id, c.name, c.kind, caller.clinic_role AS role FROM caller JOIN clinics c ON c.id = caller.clinic_id
      ) o
    ) AS clinic`;

/** The caller's own account. */
export const findOwnAccount = authenticatedRetryable<{ body: Json<Account> }>(
  "auth/find-own-account",
  () => sql`-- GET /api/auth/me
  WITH ${callerStepsForAuditors},
  account AS (SELECT ${accountColumns} FROM users u WHERE u.id = ${callerId})
SELECT ${refusalColumn}, ${jsonBody("account")} AS body
FROM token_account`,
  { acceptsAuditors: true },
);

const passwordHash = sql`${param("password_hash")}::text`;
const newEmail = sql`${param("email")}::text`;
const isChanged = sql`EXISTS (SELECT FROM changed)`;
const emailJson = (step: string) => stepJson(sql`email`, step);

/**
 * Changes the email of the caller's own account. `body` is null when nothing was changed: the client has sent another
 * username or role than the account's; the email is not acceptable; or the password was wrong, or a concurrent request
 * has changed it.
 *
 * @param password_hash the hash that the password was compared with; null when it was wrong.
 * @param email null when it is not acceptable.
 */
export const changeOwnEmail = authenticated<
  { body: Json<Account> | null; isUsernameChanged: boolean; isRoleChanged: boolean },
  {
    password_hash: string | null;
    email: string | null;
    username: string | null;
    role: string | null;
    isOwnNetwork: boolean;
  } & AttemptNetworks
>(
  "auth/change-own-email",
  () => sql`-- PATCH /api/auth/me
  WITH ${callerStepsForAuditors},
  locked_account AS (SELECT u.* FROM users u WHERE u.id = ${callerId} FOR NO KEY UPDATE),
  ${callerRecheckWithoutRole("locked_account")},
  correct_password AS (
    SELECT coalesce(username <> ${param("username")}::text, false) AS is_username_changed,
      coalesce(role <> ${param("role")}::text, false) AS is_role_changed
    FROM locked_account WHERE password_hash = ${passwordHash}
  ),
  changed AS (
    UPDATE users u SET email = ${newEmail}, updated_at = now()
    FROM correct_password
    WHERE u.id = ${callerId} AND ${newEmail} IS NOT NULL AND NOT is_username_changed AND NOT is_role_changed AND ${isStillAccepted}
    RETURNING ${accountColumns}
  ),
  ${uncountAttemptSteps(sql`(SELECT lower(username COLLATE "C") FROM caller)`, "correct_password")},
  ${insertAuditEvent({
    action: "update_account",
    outcome: doneOrRefused(isChanged),
    account: sql`id`,
    changes: sql`(SELECT ${changesBetween(emailJson("locked_account"), emailJson("changed"))} FROM changed)`,
  })}
SELECT ${refusalAfterWait("locked_account")}, ${jsonBody("changed")} AS body,
  EXISTS (SELECT FROM correct_password WHERE is_username_changed) AS "isUsernameChanged",
  EXISTS (SELECT FROM correct_password WHERE is_role_changed) AS "isRoleChanged"
FROM token_account`,
  { acceptsAuditors: true },
);
