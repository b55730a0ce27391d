import { sql } from "drizzle-orm";
import { doneOrRefused, insertAuditEvent } from "../db/query/audit.ts";
import { authenticated } from "../db/query/authenticated.ts";
import {
  callerClinicId,
  callerRecheckWithoutRole,
  callerSteps,
  isStillAccepted,
  refusalAfterWait,
} from "../db/query/caller.ts";
import { lockedMembershipSteps } from "../db/query/lock-order.ts";
import { intParam, param } from "../db/statement.ts";
import { clientAddress } from "./new-session.ts";

const clinic = intParam("clinic");
const spentHash = sql`${param("spent_hash")}::text`;
const tokenHash = sql`${param("token_hash")}::text`;

/**
 * Moves the session of the request to a clinic that the account is a member of. Its access tokens are refused from
 * then on (`clinic_changed`). The refresh token that the client has sent is spent, and gets the new one as its
 * successor, as in a refresh. If the client has sent none, all its unspent ones are spent without a successor.
 *
 * The session is locked before its tokens, as a refresh does. Shown by test/races/lock-order.test.ts.
 *
 * An interim manager cannot work in the clinic: it is an admin, who would read the patients without giving a reason.
 *
 * @returns its row: `isMoved` is false when the account is no member of the clinic (`isMember` is false), or when the
 *   refresh token is not an unspent one of the session.
 */
export const moveSession = authenticated<
  { isMember: boolean; isMoved: boolean },
  { clinic: number; spent_hash: string | null; token_hash: string; user_agent: string | null }
>(
  "auth/move-session",
  () => sql`-- POST /api/auth/clinic
  WITH ${callerSteps},
  ${lockedMembershipSteps({ memberships: sql`ms.clinic_id = ${clinic}`, lock: "NO KEY UPDATE" })},
  ${callerRecheckWithoutRole("locked_session", "locked_memberships")},
  target AS (
    SELECT clinic_id FROM locked_memberships
    WHERE clinic_id = ${clinic} AND ended_at IS NULL AND clinic_active AND NOT is_interim AND ${isStillAccepted}
  ),
  spent AS (
    UPDATE refresh_tokens t SET spent_at = now(), successor_hash = CASE WHEN ${spentHash} IS NOT NULL THEN ${tokenHash} END
    FROM locked_session
    WHERE t.session_id = locked_session.id AND t.spent_at IS NULL AND t.token_hash = coalesce(${spentHash}, t.token_hash)
      AND EXISTS (SELECT FROM target)
    RETURNING 1
  ),
  moved AS (
    UPDATE sessions s SET clinic_id = target.clinic_id, last_used_at = now(), last_address = ${clientAddress},
      last_user_agent = ${param("user_agent")}::text
    FROM locked_session, target
    WHERE s.id = locked_session.id AND (${spentHash} IS NULL OR EXISTS (SELECT FROM spent))
    RETURNING s.id, s.user_id, s.clinic_id
  ),
  new_token AS (
    INSERT INTO refresh_tokens (token_hash, session_id) SELECT ${tokenHash}, id FROM moved
  ),
  used_membership AS (
    UPDATE memberships ms SET last_used_at = now() FROM moved
    WHERE ms.clinic_id = moved.clinic_id AND ms.account_id = moved.user_id
  ),
  ${insertAuditEvent({
    action: "move_session",
    outcome: doneOrRefused(sql`EXISTS (SELECT FROM moved)`),
    changes: sql`(SELECT json_build_object('clinic', json_build_object('before', ${callerClinicId}, 'after', clinic_id)) FROM moved)`,
  })}
SELECT ${refusalAfterWait("locked_session")}, EXISTS (SELECT FROM target) AS "isMember", EXISTS (SELECT FROM moved) AS "isMoved"
FROM token_account`,
);
