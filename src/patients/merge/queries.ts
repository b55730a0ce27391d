import { sql } from "drizzle-orm";
import { insertRetryableAuditEvent, writeOutcome } from "../../db/query/audit.ts";
import { changesOfFields } from "../../db/query/audit-changes.ts";
import { callerId, callerRecheck, callerSteps, refusalAfterWait } from "../../db/query/caller.ts";
import {
  createOrReplay,
  createResultColumns,
  earlierKeySteps,
  hasResult,
  idempotentCreate,
  resultSteps,
} from "../../db/query/idempotent-create.ts";
import { columnNames } from "../../db/query/json.ts";
import { can, isOwnPatient } from "../../db/query/permissions.ts";
import {
  clinicRoleColumn,
  isChangeableVersion,
  isTargetWritable,
  setColumns,
  type TargetState,
  targetColumns,
} from "../../db/query/resource.ts";
import { successorColumn, successorStep, unlessMerged } from "../../db/query/successor.ts";
import { patients } from "../../db/schema.ts";
import { intParam, param } from "../../db/statement.ts";
import { MAX_PHONES } from "../../http/contact-fields.ts";
import { patientTag } from "../birth-queries.ts";
import { MAX_IDENTIFIERS } from "../identifier-fields.ts";
import { auditedFields, patientJson } from "../queries.ts";
import { patientColumns } from "../requests.ts";
import type { Patient } from "../responses.ts";

// Merging a patient into another one, its survivor. The merged patient keeps its values, but has no owner any more.

const id = intParam("id");
const into = intParam("into");
const take = sql`${param("take")}::text[]`;

/** The names of these columns as SQL literals. */
const fieldNames = sql.raw(patientColumns.map((name) => `'${name}'`).join(", "));

/** The lists, with the most items that they may have. A merge unites those of both patients. */
const lists = { phones: MAX_PHONES, identifiers: MAX_IDENTIFIERS };
/** The most items of the field `key`; NULL when it is no list. */
export const listLimit = sql.raw(
  `CASE key ${Object.entries(lists)
    .map(([name, max]) => `WHEN '${name}' THEN ${max}`)
    .join(" ")} END`,
);
/** A list that is taken begins with the items of the merged patient: the first phone number is the preferred one. */
const unitedLists = sql`jsonb_build_object(${sql.join(
  Object.keys(lists).map((list) => {
    const name = sql.raw(list);
    const [own, other] = [sql`to_jsonb(survivor.${name})`, sql`to_jsonb(target.${name})`];
    return sql`
        '${name}', CASE WHEN '${name}' = ANY (${take}) THEN unite_lists(${other}, ${own}) ELSE unite_lists(${own}, ${other}) END`;
  }),
  sql`,`,
)})`;
const longLists = sql.raw(
  Object.entries(lists)
    .map(
      ([name, max]) =>
        `SELECT '${name}' AS field FROM next WHERE jsonb_array_length(to_jsonb(next.${name})) > ${max}`,
    )
    .join(" UNION ALL "),
);

/** Whether the patient of the step `next` would have a contact. */
export const hasContact = sql`(next.email IS NOT NULL OR next.phones <> '{}' OR next.identifiers <> '[]')`;
const isIncomplete = sql`next.firstname = '' AND next.lastname = '' OR NOT ${hasContact} AND NOT next.anonymous`;

/** Adds a change of doctors to the changes of an audit event. @param step has what `merge_assignments` returns */
export const doctorsChange = (
  step: string,
) => sql`CASE WHEN ${sql.raw(step)}.result -> 'doctors' ->> 'before' <> ${sql.raw(step)}.result -> 'doctors' ->> 'after'
        THEN jsonb_build_object('doctors', ${sql.raw(step)}.result -> 'doctors') ELSE '{}' END`;

/**
 * Merges a patient into another one of the same owner, at most once for each idempotency key.
 *
 * Both rows are locked in the order of their ids, so that two merges do not deadlock. The merged patient leaves its
 * owner before the survivor gets its fields: the survivor can have its email then. Shown by test/races/merges.test.ts.
 *
 * @returns its row: `hasSurvivor` says whether there is another patient `into` of the same owner, `isExpectedSurvivor`
 *   whether it has one of the versions `into_expected` (all when null), `isIncomplete` whether it would have no name or
 *   no contact, `longLists` which lists would be too long, and `overlapping` which open appointments of both are at the
 *   same time.
 */
export const mergePatient = idempotentCreate<
  Patient,
  {
    id: number;
    into: number;
    take: string[];
    expected: number[] | null;
    excluded: string[];
    into_expected: number[] | null;
  },
  TargetState & {
    etag: string | null;
    hasSurvivor: boolean;
    isExpectedSurvivor: boolean | null;
    isIncomplete: boolean;
    longLists: string[];
    overlapping: number[];
  }
>(
  "patients/merge",
  () => sql`-- POST /api/patients/:id/merge
  WITH ${callerSteps},
  ${earlierKeySteps(
    sql`concat_ws(' ', 'merge', ${id}, ${into}, ${take}::text)`,
    // An erasure of the merged patient empties the response.
    sql`k.answer <> '{}' AND EXISTS (SELECT FROM patients p WHERE p.id = k.record_id AND ${can("patients:read")})`,
  )},
  locked AS (
    SELECT p.*, p AS patient, ${can("patients:merge")} AS can_change, ${isOwnPatient} AS is_own,
      ${isChangeableVersion("p.version", patientTag)} AS is_expected_version,
      coalesce(p.version = ANY (${param("into_expected")}::int[]), ${param("into_expected")}::int[] IS NULL) AS is_expected_survivor
    FROM patients p
    WHERE p.id IN (${id}, ${into}) AND ${callerId} IS NOT NULL AND ${can("patients:read")}
      AND NOT EXISTS (SELECT FROM earlier_key)
    ORDER BY p.id
    FOR UPDATE
  ),
  ${callerRecheck("caller", "earlier_key", "locked")},
  target AS (SELECT * FROM locked WHERE id = ${id}),
  survivor AS (
    SELECT locked.* FROM locked, target
    WHERE locked.id = ${into} AND locked.id <> target.id AND locked.can_change AND locked.owner_id = target.owner_id
  ),
  ${successorStep(sql`EXISTS (SELECT FROM target)`)},
  next AS (
    SELECT after.* FROM survivor, target, jsonb_populate_record(survivor.patient, (
      SELECT coalesce(jsonb_object_agg(key, value), '{}') || ${unitedLists}
      FROM jsonb_each(to_jsonb(target.patient)) WHERE key = ANY (${take})
    )) after
  ),
  long_lists AS (
    ${longLists}
  ),
  overlapping AS (SELECT overlapping_appointments(target.id, survivor.id) AS ids FROM target, survivor),
  merged AS (
    UPDATE patients p SET owner_id = NULL, merged_into = survivor.id, updated_at = now(), version = p.version + 1
    FROM target, survivor
    WHERE p.id = target.id AND ${isTargetWritable} AND survivor.is_expected_survivor
      AND NOT EXISTS (SELECT FROM next WHERE ${isIncomplete}) AND NOT EXISTS (SELECT FROM long_lists)
      AND (SELECT ids FROM overlapping) = '{}'
    RETURNING p.id
  ),
  changed AS (
    UPDATE patients p SET ${setColumns(patientColumns)},
      updated_at = now(), version = p.version + 1
    FROM next, merged
    WHERE p.id = next.id
    RETURNING p.id, ${patientTag} AS etag, ${patientJson} AS body,
      ${columnNames(auditedFields, "p.")}
  ),
  moved AS (SELECT merge_assignments(merged.id, changed.id) AS result FROM merged, changed),
  stored_merge AS (
    INSERT INTO patient_merges (survivor_id, merged_id, account_id, snapshot)
    SELECT survivor.id, target.id, ${callerId}, moved.result || jsonb_build_object('changes', (
      SELECT coalesce(jsonb_object_agg(key, jsonb_build_object('before', b.value, 'after', a.value)), '{}')
      FROM jsonb_each(to_jsonb(survivor.patient)) b JOIN jsonb_each(to_jsonb(next)) a USING (key)
      WHERE key IN (${fieldNames}) AND b.value <> a.value))
    FROM survivor, target, next, moved
  ),
  response AS (SELECT id AS record_id, body AS answer FROM changed),
  ${resultSteps},
  ${insertRetryableAuditEvent({
    action: createOrReplay("merge"),
    outcome: unlessMerged(
      writeOutcome(sql`EXISTS (SELECT FROM target) OR EXISTS (SELECT FROM result)`, hasResult),
    ),
    patient: sql`CASE WHEN NOT ${hasResult} THEN ${id} END`,
    patients: sql`CASE WHEN ${hasResult} THEN ARRAY[${id}, ${into}] END`,
    changes: sql`(
      SELECT (coalesce((${changesOfFields(patients, auditedFields, "survivor", "changed")})::jsonb, '{}')
        || jsonb_build_object('merged', jsonb_build_object('before', NULL, 'after', ${id}))
        || ${doctorsChange("moved")})::json
      FROM survivor, changed, moved)`,
  })}
SELECT ${refusalAfterWait("caller")}, ${createResultColumns}, ${targetColumns}, ${clinicRoleColumn}, ${successorColumn},
  (SELECT concat(answer::json ->> 'version', '.', answer::json ->> 'age') FROM result WHERE is_same_request AND is_readable) AS etag,
  EXISTS (SELECT FROM survivor) AS "hasSurvivor", (SELECT is_expected_survivor FROM survivor) AS "isExpectedSurvivor",
  EXISTS (SELECT FROM next WHERE ${isIncomplete}) AS "isIncomplete", ARRAY(SELECT field FROM long_lists) AS "longLists",
  (SELECT ids FROM overlapping) AS overlapping
FROM token_account`,
);
