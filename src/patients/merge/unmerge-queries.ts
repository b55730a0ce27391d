import { type SQL, sql } from "drizzle-orm";
import { emailKey } from "../../db/columns.ts";
import { insertAuditEvent, writeOutcome } from "../../db/query/audit.ts";
import { changesOfFields } from "../../db/query/audit-changes.ts";
import { authenticated } from "../../db/query/authenticated.ts";
import {
  callerId,
  callerRecheck,
  callerSteps,
  isStillAccepted,
  refusalAfterWait,
} from "../../db/query/caller.ts";
import { columnNames, jsonBody } from "../../db/query/json.ts";
import { can, isOwnPatient } from "../../db/query/permissions.ts";
import { setColumns } from "../../db/query/resource.ts";
import { patients } from "../../db/schema.ts";
import { intParam, type Json } from "../../db/statement.ts";
import { auditedFields } from "../queries.ts";
import { patientColumns } from "../requests.ts";
import type { UnmergedPatient } from "../responses.ts";
import { doctorsChange, hasContact, listLimit } from "./queries.ts";

const id = intParam("id");

/** How long a merge can be undone. The cleanup job deletes what is older (src/scheduled-cleanup.ts). */
const UNMERGE_PERIOD = sql.raw("interval '30 days'");

/** Fields that are restored together, or not at all. */
const fieldGroup = sql`CASE
        WHEN key IN ('age', 'birth_date', 'age_as_of') THEN 'birth_date'
        WHEN key IN ('email', 'email_shared') THEN 'email'
        WHEN key IN ('firstname', 'lastname') THEN 'name' ELSE key END`;

/** Whether a third patient of the survivor's owner has an email, and neither shares it. */
const isEmailInUse = (email: SQL, isShared: SQL): SQL => sql`EXISTS (
      SELECT FROM patients other
      WHERE ${emailKey(sql`other.email`)} = ${emailKey(email)} AND other.owner_id = survivor.owner_id
        AND other.id NOT IN (survivor.id, ${id}) AND NOT (other.email_shared OR ${isShared}))`;

/**
 * Undoes a merge: the merged patient is one of the survivor's owner again, and the survivor gets back what the merge has
 * changed and nobody has changed since. An email or an identifier that another patient has now stays away.
 *
 * @returns its row: `body` is null when nothing was undone. `isTarget` is null when the caller may read neither the patient
 *   nor its successor. `mergedInto` is null when it is not merged. `canChangeSuccessor`: whether the caller owns the last
 *   survivor; null when it may not read it. `hasSurvivor`: whether the caller owns the one that it was merged into;
 *   if not, `isSurvivorMerged` may say why.
 */
export const unmergePatient = authenticated<
  {
    body: Json<UnmergedPatient> | null;
    isTarget: true | null;
    mergedInto: number | null;
    canChangeSuccessor: boolean | null;
    isOwnSuccessor: boolean | null;
    hasSurvivor: boolean;
    isSurvivorMerged: boolean;
  },
  { id: number }
>(
  "patients/unmerge",
  () => sql`-- POST /api/patients/:id/unmerge
  WITH ${callerSteps},
  successor AS (
    SELECT p.id, ${can("patients:merge")} AS can_change, ${isOwnPatient} AS is_own
    FROM patients p WHERE p.id = (SELECT last_survivor(${id})) AND ${can("patients:read")}
  ),
  locked AS (
    SELECT p.*, p AS patient, ${can("patients:merge")} AS can_change
    FROM patients p
    WHERE p.id IN (${id}, (SELECT other.merged_into FROM patients other WHERE other.id = ${id})) AND ${callerId} IS NOT NULL
      AND (p.id = ${id} AND EXISTS (SELECT FROM successor) OR ${can("patients:read")})
    ORDER BY p.id
    FOR UPDATE
  ),
  ${callerRecheck("locked")},
  target AS (SELECT * FROM locked WHERE id = ${id}),
  survivor AS (SELECT locked.* FROM locked, target WHERE locked.id = target.merged_into AND locked.can_change),
  undone AS (
    UPDATE patient_merges g SET undone_at = now()
    WHERE g.merged_id = ${id} AND g.survivor_id = (SELECT id FROM survivor) AND g.undone_at IS NULL
      AND g.at > now() - ${UNMERGE_PERIOD} AND ${isStillAccepted}
    RETURNING g.snapshot
  ),
  -- The survivor as it was before, were all fields restored.
  before AS (
    SELECT was.* FROM undone, survivor, jsonb_populate_record(survivor.patient, (
      SELECT coalesce(jsonb_object_agg(key, value -> 'before'), '{}') FROM jsonb_each(undone.snapshot -> 'changes')
    )) was
  ),
  field AS (
    SELECT key, ${fieldGroup} AS field_group, value -> 'before' AS before, value -> 'after' AS after,
      to_jsonb(survivor.patient) -> key AS now, ${listLimit} AS max_items
    FROM undone, survivor, jsonb_each(undone.snapshot -> 'changes')
  ),
  field_value AS (
    -- A list loses what the merge has added, and gets back what it has removed.
    SELECT field.*, CASE WHEN max_items IS NULL OR now = after THEN before
        ELSE unite_lists(subtract_list(now, subtract_list(after, before)), subtract_list(before, after)) END AS value,
      survivor.id, survivor.owner_id
    FROM field, survivor
  ),
  free_field AS (
    SELECT field_value.*, CASE WHEN key = 'identifiers' THEN free_identifiers(value, owner_id, ARRAY[${id}, id]) ELSE value END AS free_value
    FROM field_value
  ),
  field_state AS (
    SELECT key, free_value AS value, free_value <> value AS is_partial, CASE
        WHEN max_items IS NULL AND NOT bool_and(now = after) OVER (PARTITION BY field_group) THEN 'changed'
        WHEN CASE WHEN max_items IS NOT NULL THEN jsonb_array_length(free_value) > max_items END THEN 'changed'
        WHEN field_group = 'name' AND (SELECT firstname = '' AND lastname = '' FROM before) THEN 'changed'
        WHEN field_group = 'email' AND (
          SELECT ${isEmailInUse(sql`before.email`, sql`before.email_shared`)} FROM before, survivor) THEN 'in_use' END AS why
    FROM free_field
  ),
  next AS (
    SELECT after.* FROM undone, survivor, jsonb_populate_record(survivor.patient, (
      SELECT coalesce(jsonb_object_agg(key, CASE WHEN why IS NULL THEN value WHEN key = 'email' THEN 'null' ELSE 'false' END), '{}')
      FROM field_state WHERE why IS DISTINCT FROM 'changed'
    )) next, jsonb_populate_record(next, CASE WHEN ${hasContact} THEN '{}' ELSE '{"anonymous": true}' END::jsonb) after
  ),
  changed AS (
    UPDATE patients p SET ${setColumns(patientColumns)},
      updated_at = now(), version = p.version + 1
    FROM next
    WHERE p.id = next.id
    RETURNING p.id, p.owner_id, ${columnNames(auditedFields, "p.")}
  ),
  -- Its email stays away when the survivor or a third patient has it.
  kept_email AS (
    SELECT FROM target, survivor, changed
    WHERE ${isEmailInUse(sql`target.email`, sql`target.email_shared`)}
      OR ${emailKey(sql`changed.email`)} = ${emailKey(sql`target.email`)} AND NOT (changed.email_shared OR target.email_shared)
  ),
  next_merged AS (
    SELECT target.phones, CASE WHEN NOT EXISTS (SELECT FROM kept_email) THEN target.email END AS email,
      free_identifiers(subtract_list(target.identifiers, changed.identifiers), changed.owner_id, ARRAY[${id}, changed.id]) AS identifiers
    FROM target, changed
  ),
  returned AS (
    UPDATE patients p SET owner_id = changed.owner_id, merged_into = NULL, email = next.email, identifiers = next.identifiers,
      email_shared = next.email IS NOT NULL AND p.email_shared, anonymous = p.anonymous OR NOT ${hasContact},
      updated_at = now(), version = p.version + 1
    FROM changed, next_merged next
    WHERE p.id = ${id}
    RETURNING p.id, p.identifiers
  ),
  moved AS (
    SELECT return_assignments(returned.id, changed.id, changed.owner_id, undone.snapshot) AS result FROM undone, changed, returned
  ),
  kept AS (
    SELECT key AS field, why FROM field_state WHERE why IS NOT NULL AND key <> 'age_as_of'
    UNION SELECT key, 'in_use' FROM field_state WHERE is_partial AND why IS NULL
    UNION SELECT 'email', 'in_use' FROM kept_email
    UNION SELECT 'identifiers', 'in_use' FROM target, returned WHERE returned.identifiers <> target.identifiers
    UNION SELECT 'assignments', 'ended' FROM moved WHERE (result ->> 'ended')::int > 0
    UNION SELECT 'assignments', 'doctor_deleted' FROM moved WHERE (result ->> 'doctor_deleted')::int > 0
  ),
  response AS (
    SELECT ARRAY(
        SELECT key FROM field_state WHERE why IS NULL AND key <> 'age_as_of'
        UNION ALL SELECT 'assignments' FROM moved WHERE (result ->> 'returned')::int > 0
        ORDER BY key) AS restored,
      (SELECT coalesce(json_agg(row_to_json(kept) ORDER BY field, why), '[]') FROM kept) AS kept
    FROM moved
  ),
  ${insertAuditEvent({
    action: "unmerge",
    outcome: writeOutcome(sql`EXISTS (SELECT FROM target)`, sql`EXISTS (SELECT FROM moved)`),
    patient: sql`CASE WHEN NOT EXISTS (SELECT FROM moved) THEN ${id} END`,
    patients: sql`(SELECT ARRAY[${id}, survivor.id] FROM survivor, moved)`,
    changes: sql`(
      SELECT (coalesce((${changesOfFields(patients, auditedFields, "survivor", "changed")})::jsonb, '{}')
        || jsonb_build_object('merged', jsonb_build_object('before', ${id}, 'after', NULL))
        || ${doctorsChange("moved")})::json
      FROM survivor, changed, moved)`,
  })}
SELECT ${refusalAfterWait("locked")}, ${jsonBody("response")} AS body, (SELECT true FROM target) AS "isTarget",
  (SELECT merged_into FROM target) AS "mergedInto", (SELECT can_change FROM successor) AS "canChangeSuccessor",
  (SELECT is_own FROM successor) AS "isOwnSuccessor",
  EXISTS (SELECT FROM survivor) AS "hasSurvivor",
  (SELECT p.merged_into FROM patients p WHERE p.id = (SELECT merged_into FROM target)) IS NOT NULL AS "isSurvivorMerged"
FROM token_account`,
);
