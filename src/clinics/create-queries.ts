import { sql } from "drizzle-orm";
import { adminOutcome, doneOrRefused, insertRetryableAuditEvent } from "../db/query/audit.ts";
import { changesBetween } from "../db/query/audit-changes.ts";
import {
  callerId,
  callerIsAdmin,
  callerRecheck,
  callerSteps,
  isStillAccepted,
  refusalAfterWait,
} from "../db/query/caller.ts";
import {
  createOrReplay,
  createResultColumns,
  earlierKeySteps,
  hasResult,
  idempotentCreate,
  isNewResult,
  resultSteps,
} from "../db/query/idempotent-create.ts";
import { jsonObject, stepJson } from "../db/query/json.ts";
import { newRecord } from "../db/query/resource.ts";
import { isKnownZone } from "../db/query/time-zones.ts";
import type { Clinic } from "./responses.ts";
import { clinicColumns } from "./steps.ts";

const newManagerId = sql`(${newRecord} ->> 'manager')::int`;
const isOwnManager = sql`(${newManagerId} IS NOT DISTINCT FROM ${callerId} AND ${callerIsAdmin})`;
const isManagerMissing = sql`(${newManagerId} IS NOT NULL AND NOT EXISTS (SELECT FROM manager))`;
const newZone = sql`${newRecord} ->> 'time_zone'`;

/**
 * Creates a shared clinic, for an admin, at most once for each idempotency key. Without a manager in `record` the admin is
 * the manager, until another one is named. The manager's account is locked, so that it is not disabled meanwhile.
 */
export const createClinic = idempotentCreate<
  Clinic,
  { record: { name: string; time_zone: string; manager?: number | undefined }; default_time_zone: string },
  { isAdmin: boolean; isOwnManager: boolean; isManagerMissing: boolean; isKnownZone: boolean }
>(
  "clinics/create",
  () => sql`-- POST /api/clinics
  WITH ${callerSteps},
  ${earlierKeySteps(
    sql`'clinics' || ${newRecord}::text`,
    sql`EXISTS (SELECT FROM clinics c WHERE c.id = k.record_id AND ${callerIsAdmin})`,
  )},
  locked_accounts AS (
    SELECT u.id, u.active AND u.role <> 'auditor' AS can_work FROM users u
    WHERE u.id IN (${callerId}, ${newManagerId}) AND ${callerIsAdmin} AND NOT EXISTS (SELECT FROM earlier_key)
    ORDER BY u.id
    FOR SHARE
  ),
  ${callerRecheck("caller", "earlier_key", "locked_accounts")},
  manager AS (SELECT id FROM locked_accounts WHERE id = ${newManagerId} AND can_work),
  draft AS (
    SELECT nextval('users_id_seq')::int AS id, ${newRecord} ->> 'name' AS name, 'shared' AS kind, ${newZone} AS time_zone,
      true AS active, now()::timestamptz(3) AS created_at, now()::timestamptz(3) AS updated_at,
      coalesce(${newManagerId}, caller.id) AS manager, ${newManagerId} IS NULL AS is_interim
    FROM caller
    WHERE ${isStillAccepted} AND ${callerIsAdmin} AND NOT EXISTS (SELECT FROM earlier_key)
      AND NOT ${isOwnManager} AND NOT ${isManagerMissing} AND ${isKnownZone(newZone)}
  ),
  response AS (
    SELECT c.id AS record_id, ${jsonObject(clinicColumns(sql`CASE WHEN c.is_interim THEN 'manager' END`))}::text AS answer FROM draft c
  ),
  ${resultSteps},
  created AS (
    INSERT INTO clinics (id, name, kind, time_zone, created_at, updated_at)
    SELECT id, name, kind, time_zone, created_at, updated_at FROM draft WHERE ${isNewResult}
  ),
  created_membership AS (
    INSERT INTO memberships (clinic_id, account_id, role, is_interim, time_zone, clinic_active)
    SELECT id, manager, 'manager', is_interim, time_zone, active FROM draft WHERE ${isNewResult}
  ),
  ${insertRetryableAuditEvent({
    action: createOrReplay("create_clinic"),
    outcome: adminOutcome(doneOrRefused(hasResult)),
    account: sql`(SELECT manager FROM draft, result WHERE is_new)`,
    changes: sql`(
      SELECT ${changesBetween(sql`NULL`, stepJson(sql`id AS clinic, name, time_zone, manager, is_interim`, "draft"))}
      FROM result WHERE is_new
    )`,
  })}
SELECT ${refusalAfterWait("caller")}, ${createResultColumns},
  ${callerIsAdmin} AS "isAdmin", ${isOwnManager} AS "isOwnManager", ${isManagerMissing} AS "isManagerMissing",
  ${isKnownZone(newZone)} AS "isKnownZone"
FROM token_account`,
);
