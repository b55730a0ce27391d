import { sql } from "drizzle-orm";
import { insertAuditEvent, insertRetryableAuditEvent, readOutcome } from "../db/query/audit.ts";
import { changesBetween } from "../db/query/audit-changes.ts";
import { authenticated, authenticatedRetryable } from "../db/query/authenticated.ts";
import { callerSteps, isStillAccepted, refusalAfterWait, refusalColumn } from "../db/query/caller.ts";
import { jsonBody, stepJson } from "../db/query/json.ts";
import { isKnownZone } from "../db/query/time-zones.ts";
import { type Json, param } from "../db/statement.ts";
import type { Clinic } from "./responses.ts";
import {
  type ClinicState,
  callerRole,
  canManage,
  changeOutcome,
  changesInClinic,
  clinicColumns,
  clinicStateColumns,
  defaultTimeZone,
  id,
  isReadable,
  manageSteps,
} from "./steps.ts";

/** Reads a clinic, for its members and for admins. */
export const findClinic = authenticatedRetryable<
  { body: Json<Clinic> | null },
  { id: number; default_time_zone: string }
>(
  "clinics/find",
  () => sql`-- GET /api/clinics/:id
  WITH ${callerSteps},
  found AS (
    SELECT ${clinicColumns(callerRole)}
    FROM clinics c WHERE c.id = ${id} AND ${isReadable}
  ),
  ${insertRetryableAuditEvent({
    action: "read_clinic",
    outcome: readOutcome(sql`EXISTS (SELECT FROM found)`),
    changes: changesInClinic(),
  })}
SELECT ${refusalColumn}, ${jsonBody("found")} AS body
FROM token_account`,
);

const [sentName, sentZone] = [sql`${param("name")}::text`, sql`${param("time_zone")}::text`];
const sentActive = sql`${param("active")}::boolean`;
const isPersonalDeactivated = sql`EXISTS (SELECT FROM access WHERE kind = 'personal' AND NOT ${sentActive})`;

/** The settings of a clinic, for its audit events. */
const settingsJson = (step: string) =>
  stepJson(sql`name, coalesce(nullif(time_zone, ''), ${defaultTimeZone}) AS time_zone, active`, step);

/**
 * Changes the fields of a clinic that are not null. Nothing was changed when a personal clinic would not be active any
 * more, or PostgreSQL does not know the time zone. A time zone that is the API's stays that of the API when it is sent back.
 *
 * The foreign key of memberships copies the time zone and `active` to them.
 */
export const updateClinic = authenticated<
  ClinicState & { body: Json<Clinic> | null; isPersonalDeactivated: boolean; isKnownZone: boolean },
  {
    id: number;
    name: string | null;
    time_zone: string | null;
    active: boolean | null;
    default_time_zone: string;
  }
>(
  "clinics/update",
  () => sql`-- PATCH /api/clinics/:id
  WITH ${callerSteps},
  ${manageSteps({ lock: "UPDATE" })},
  zone AS (SELECT ${isKnownZone(sentZone)} AS is_known FROM access WHERE can_manage),
  changed AS (
    UPDATE clinics c SET name = coalesce(${sentName}, target.name), active = coalesce(${sentActive}, target.active),
      time_zone = CASE WHEN target.time_zone = '' AND ${sentZone} = ${defaultTimeZone} THEN ''
        ELSE coalesce(${sentZone}, target.time_zone) END,
      updated_at = now()
    FROM target, zone
    WHERE c.id = target.id AND ${canManage} AND is_known AND NOT ${isPersonalDeactivated} AND ${isStillAccepted}
    RETURNING c.*
  ),
  response AS (SELECT ${clinicColumns(sql`(SELECT role FROM access)`)} FROM changed c),
  ${insertAuditEvent({
    action: "update_clinic",
    outcome: changeOutcome(sql`EXISTS (SELECT FROM changed)`),
    changes: changesInClinic(
      sql`CASE WHEN EXISTS (SELECT FROM changed) THEN ${changesBetween(settingsJson("target"), settingsJson("changed"))} END`,
    ),
  })}
SELECT ${refusalAfterWait("locked_members")}, ${clinicStateColumns},
  ${isPersonalDeactivated} AS "isPersonalDeactivated", EXISTS (SELECT FROM zone WHERE is_known) AS "isKnownZone",
  ${jsonBody("response")} AS body
FROM token_account`,
);

/** What is audited of a clinic that is deleted: also who was a member. */
const deletedJson = stepJson(
  sql`name, coalesce(nullif(time_zone, ''), ${defaultTimeZone}) AS time_zone, active,
        ARRAY(SELECT account_id FROM locked_members WHERE clinic_id = ${id} AND ended_at IS NULL ORDER BY account_id) AS members`,
  "deleted",
);

/**
 * Deletes a shared clinic without patients. Its sessions go on in the personal clinics; its memberships and invitations
 * are deleted with it, by foreign keys. A patient that is created meanwhile violates a foreign key.
 */
export const deleteClinic = authenticated<
  ClinicState & { hasPatients: boolean; isDeleted: boolean },
  { id: number; default_time_zone: string }
>(
  "clinics/delete",
  () => sql`-- DELETE /api/clinics/:id
  WITH ${callerSteps},
  ${manageSteps({ sessions: true, lock: "UPDATE" })},
  patients_left AS (
    SELECT FROM access
    WHERE EXISTS (SELECT FROM patients p WHERE p.owner_id = ${id}) OR EXISTS (
      SELECT FROM patients p WHERE p.deleted_from = ${id} AND p.deleted_at IS NOT NULL)
  ),
  deletable AS (
    SELECT id FROM access WHERE can_manage AND kind = 'shared' AND NOT EXISTS (SELECT FROM patients_left)
  ),
  moved_sessions AS (
    UPDATE sessions s SET clinic_id = s.user_id
    FROM deletable, locked_sessions
    WHERE s.id = locked_sessions.id AND locked_sessions.clinic_id = deletable.id AND ${isStillAccepted}
  ),
  deleted AS (
    DELETE FROM clinics c USING deletable WHERE c.id = deletable.id AND ${isStillAccepted}
    RETURNING c.*
  ),
  ${insertAuditEvent({
    action: "delete_clinic",
    outcome: changeOutcome(sql`EXISTS (SELECT FROM deleted)`),
    changes: sql`CASE WHEN EXISTS (SELECT FROM deleted)
      THEN ${changesInClinic(changesBetween(deletedJson, sql`NULL`), id, sql`NULL`)} ELSE ${changesInClinic()} END`,
  })}
SELECT ${refusalAfterWait("locked_members")}, ${clinicStateColumns},
  EXISTS (SELECT FROM patients_left) AS "hasPatients", EXISTS (SELECT FROM deleted) AS "isDeleted"
FROM token_account`,
);
