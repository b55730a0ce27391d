import { sql } from "drizzle-orm";
import { emailKey } from "../db/columns.ts";
import {
  doneOrRefused,
  insertAuditEvent,
  insertRetryableAuditEvent,
  writeOutcome,
} from "../db/query/audit.ts";
import { changesOfFields } from "../db/query/audit-changes.ts";
import {
  authenticated,
  authenticatedRetryable,
  callerId,
  callerRecheck,
  callerSteps,
  isRevokedDuringWait,
  isStillAccepted,
} from "../db/query/caller.ts";
import {
  createOrReplay,
  createResultColumns,
  earlierKeySteps,
  hasResult,
  idempotentCreate,
  isNewResult,
  resultId,
  resultStepsWith,
} from "../db/query/idempotent-create.ts";
import { columnNames, jsonText } from "../db/query/json.ts";
import { can } from "../db/query/permissions.ts";
import {
  type ChangedRecord,
  type ChangeParams,
  changedFields,
  type DeleteParams,
  type FindParams,
  type FoundRecord,
  fieldErrorsColumn,
  foundColumns,
  foundRecordColumns,
  isChangeableVersion,
  isTargetWritable,
  isValid,
  type NewRecordState,
  nameErrors,
  newEmail,
  newEmailShared,
  newRecord,
  nextValues,
  sentChanges,
  type TargetState,
  targetColumns,
} from "../db/query/resource.ts";
import { successorColumn, successorStep, unlessMerged } from "../db/query/successor.ts";
import { patients } from "../db/schema.ts";
import { intParam, param } from "../db/statement.ts";
import {
  birthErrors,
  birthOf,
  draftBirth,
  newBornFrom,
  newBornTo,
  patientAge,
  patientTag,
} from "./birth-queries.ts";
import { candidateStep, soughtColumns } from "./duplicates/candidates.ts";
import {
  changedIdentifierErrors,
  isIdentifierFree,
  newIdentifierErrors,
  type TakenIdentifier,
  takenByChange,
  takenByCreation,
  takenIdentifierColumn,
} from "./identifier-checks.ts";
import { patientColumns, patientFields, patientResponseFields } from "./requests.ts";
import type { Patient } from "./responses.ts";

// A patient belongs to its owner, who alone changes it. A deleted patient has no owner. In every statement the patient
// is `p`.

const id = intParam("id");

/** A patient as the response has it, as JSON text. */
export const patientJson = jsonText(patients, "p", patientResponseFields, { computed: { age: patientAge } });

/** The fields of a client that are columns of the same name; birth date and age depend on each other. */
const plainFields = Object.keys(patientFields).filter((name) => name !== "birth_date" && name !== "age");
const fields = columnNames(patientColumns);
/** What the history shows. */
const auditedFields = Object.keys(patientFields);

/** The values of optional fields that a new patient does not have, as a JSON object. */
export const emptyPatient = sql.raw(
  `'{"firstname": "", "lastname": "", "email_shared": false, "anonymous": false, "phones": [], "identifiers": []}'::jsonb`,
);

/** The errors of a patient that would have no contact, from the step `next`, as rows of `field` and `code`. */
const contactErrors = sql`SELECT 'email', 'required' FROM next
    WHERE next.email IS NULL AND next.phones = '{}' AND next.identifiers = '[]' AND NOT next.anonymous`;

/** Reads a patient. */
export const findPatient = authenticatedRetryable<FoundRecord<Patient>, FindParams>(
  "patients/find",
  () => sql`-- GET /api/patients/:id
  WITH ${callerSteps},
  found AS (
    SELECT ${foundColumns("p.version", patientJson, patientTag)}
    FROM patients p
    WHERE p.id = ${id} AND ${can("patients:read")}
  ),
  ${successorStep(sql`EXISTS (SELECT FROM found)`)},
  ${insertRetryableAuditEvent({
    action: "read",
    outcome: unlessMerged(
      writeOutcome(
        sql`EXISTS (SELECT FROM found)`,
        sql`EXISTS (SELECT FROM found WHERE is_expected_version)`,
      ),
    ),
    patient: id,
  })}
SELECT ${foundRecordColumns}, ${successorColumn}
FROM caller`,
);

const candidateIds = sql`ARRAY(SELECT id FROM candidates ORDER BY score DESC, id DESC)`;

/** The new patient as its duplicates are looked for, and those that are none (`excluded`). No row when it is not valid. */
const newSoughtStep = sql`sought AS MATERIALIZED (
    SELECT ${soughtColumns({
      owner: sql`caller.id`,
      firstname: sql`coalesce(new.firstname, '')`,
      lastname: sql`coalesce(new.lastname, '')`,
      email: sql`new.email`,
      phones: sql`coalesce(new.phones, '{}')`,
      bornFrom: newBornFrom,
      bornTo: newBornTo,
    })}, coalesce(new.not_duplicate_of, '{}') AS excluded
    FROM caller, birth, jsonb_to_record(${newRecord}) AS new (firstname text, lastname text, email text, phones text[], not_duplicate_of int[])
    WHERE ${isValid} AND NOT EXISTS (SELECT FROM duplicate)
  )`;

/** In the history of a new patient: the patients that it looks like and that are others. */
const notDuplicateOf = sql`CASE WHEN sought.excluded <> '{}'
THEN concat('"not_duplicate_of":{"before":null,"after":', array_to_json(sought.excluded), '}') END`;

/**
 * Creates a patient of the caller's, at most once for each idempotency key. `existing`: the id of the patient that has
 * this email already, if neither shares it. No id is taken for a duplicate, not even when two requests are concurrent:
 * `patient_with_email` takes an advisory lock and then reads a snapshot of its own. Shown by test/races/ids.test.ts.
 *
 * `duplicates`: the ids of the patients that look like it, the best first. With `refuseDuplicates` nothing is created when
 * there are some. The statement's snapshot decides: of two concurrent requests, both may be created.
 */
export const createPatient = idempotentCreate<
  Patient,
  { record: object; refuseDuplicates: boolean },
  NewRecordState & TakenIdentifier & { duplicates: number[] }
>(
  "patients/create",
  () => sql`-- POST /api/patients
  WITH ${callerSteps},
  ${earlierKeySteps(
    sql`'patients' || ${newRecord}::text`,
    sql`EXISTS (SELECT FROM patients p WHERE p.id = k.record_id AND ${can("patients:read")})`,
    ["duplicates"],
  )},
  duplicate AS (
    SELECT other.id FROM caller, patient_with_email(caller.id, ${newEmail}, ${newEmailShared}) other (id)
    WHERE NOT EXISTS (SELECT FROM earlier_key)
  ),
  ${takenByCreation},
  ${callerRecheck("caller", "earlier_key", "duplicate", "taken_identifiers")},
  birth AS (
    ${birthOf(sql`NULL, NULL, NULL`, newRecord, sql`caller`)}
    WHERE NOT EXISTS (SELECT FROM earlier_key)
  ),
  field_errors AS (
    ${birthErrors}
    UNION ALL ${newIdentifierErrors}
  ),
  ${newSoughtStep},
  ${candidateStep({ max: 10, maxRead: 100, condition: sql`p.id <> ALL (sought.excluded)` })},
  draft AS (
    SELECT new.* FROM caller, birth, jsonb_populate_record(NULL::patients, ${emptyPatient} || ${newRecord} || jsonb_build_object(
      ${draftBirth},
      'id', nextval('patients_id_seq'), 'created_by', caller.id, 'owner_id', caller.id, 'created_at', now(), 'updated_at', now(), 'version', 1)) new
    WHERE ${isStillAccepted} AND ${isValid} AND NOT EXISTS (SELECT FROM earlier_key) AND NOT EXISTS (SELECT FROM duplicate)
      AND ${isIdentifierFree}
      AND NOT (${param("refuseDuplicates")}::boolean AND EXISTS (SELECT FROM candidates))
  ),
  response AS (
    SELECT p.id AS record_id, ${patientJson} AS answer, ${candidateIds} AS duplicates
    FROM draft p
  ),
  ${resultStepsWith("duplicates")},
  created AS (
    INSERT INTO patients (id, ${fields}, created_by, owner_id, created_at, updated_at) OVERRIDING SYSTEM VALUE
    SELECT id, ${fields}, created_by, owner_id, created_at, updated_at
    FROM draft WHERE ${isNewResult}
  ),
  ${insertRetryableAuditEvent({
    action: createOrReplay("create"),
    outcome: doneOrRefused(hasResult),
    patient: resultId,
    changes: sql`(SELECT ${changesOfFields(patients, auditedFields, undefined, "draft", { more: notDuplicateOf })}
      FROM draft, result, sought WHERE is_new)`,
  })}
SELECT ${createResultColumns},
  (SELECT '1.' || (answer::json ->> 'age') FROM result WHERE is_same_request AND is_readable) AS etag,
  (SELECT id FROM duplicate) AS existing, ${takenIdentifierColumn}, ${fieldErrorsColumn},
  coalesce((SELECT duplicates FROM result WHERE is_same_request AND is_readable), ${candidateIds}) AS duplicates
FROM caller WHERE NOT (${isRevokedDuringWait("caller")})`,
  // The newest patients of a name are read in the order of their index, however many there are.
  { readsInIndexOrder: true },
);

/**
 * The row lock that a change and a deletion begin with, and the successor of a merged patient. `FOR UPDATE` waits for a concurrent change and then, under
 * READ COMMITTED, sees the row as that change left it.
 */
const targetSteps = sql`target AS (
    SELECT p.*, ${can("patients:change")} AS can_change,
      ${isChangeableVersion("p.version", patientTag)} AS is_expected_version
    FROM patients p
    WHERE p.id = ${id} AND ${callerId} IS NOT NULL AND ${can("patients:read")}
    FOR UPDATE
  ),
  ${callerRecheck("target")},
  ${successorStep(sql`EXISTS (SELECT FROM target)`)}`;

const targetOutcome = (writingStep: string) =>
  unlessMerged(
    writeOutcome(sql`EXISTS (SELECT FROM target)`, sql`EXISTS (SELECT FROM ${sql.raw(writingStep)})`),
  );

/** Changes the fields of a patient that are in `changes` and leaves the others. */
export const updatePatient = authenticated<ChangedRecord<Patient> & TakenIdentifier, ChangeParams>(
  "patients/update",
  () => sql`-- PUT, PATCH /api/patients/:id
  WITH ${callerSteps},
  ${targetSteps},
  next AS (
    SELECT p.id, ${nextValues(patients, "p", ["firstname", "lastname", "email", "email_shared", "phones", "identifiers", "anonymous"])}
    FROM target p
  ),
  birth AS (
    ${birthOf(sql`target.birth_date, target.age, target.age_as_of`, sentChanges, sql`target`)}
  ),
  field_errors AS (
    ${birthErrors}
    UNION ALL ${nameErrors}
    UNION ALL ${contactErrors}
    UNION ALL ${changedIdentifierErrors}
  ),
  ${takenByChange},
  -- An email that was shared stays shared while another patient has it.
  duplicate AS (
    SELECT other.id FROM target, next, patients other
    WHERE NOT next.email_shared AND (target.email_shared OR next.email IS DISTINCT FROM target.email)
      AND ${emailKey(sql`other.email`)} = ${emailKey(sql`next.email`)} AND other.owner_id = target.owner_id
      AND other.id <> target.id AND (target.email_shared OR NOT other.email_shared)
    ORDER BY other.email_shared, other.id LIMIT 1
  ),
  changed AS (
    UPDATE patients p SET ${changedFields(patients, "p", plainFields)},
      birth_date = birth.new_birth_date, age = birth.new_age, age_as_of = birth.new_age_as_of,
      updated_at = now(), version = p.version + 1
    FROM target, birth
    WHERE p.id = target.id AND ${isTargetWritable} AND ${isValid} AND NOT EXISTS (SELECT FROM duplicate)
      AND ${isIdentifierFree}
    RETURNING ${patientTag} AS etag, ${patientJson} AS body,
      ${columnNames([...auditedFields, "age_as_of"], "p.")}
  ),
  ${insertAuditEvent({
    action: "update",
    outcome: targetOutcome("changed"),
    patient: id,
    changes: sql`(SELECT ${changesOfFields(patients, auditedFields, "target", "changed", { dates: { age: "age_as_of" } })} FROM target, changed)`,
  })}
SELECT ${targetColumns}, ${successorColumn}, ${fieldErrorsColumn}, (SELECT id FROM duplicate) AS existing, ${takenIdentifierColumn},
(SELECT etag FROM changed) AS etag, (SELECT body FROM changed) AS body
FROM caller
WHERE NOT (${isRevokedDuringWait("target")})`,
);

/**
 * Soft delete: hides a patient and its assignments by taking its owner away. `restorePatient` in ownership/queries.ts
 * brings both back.
 */
export const deletePatient = authenticated<TargetState & { isDeleted: boolean }, DeleteParams>(
  "patients/delete",
  () => sql`-- DELETE /api/patients/:id
  WITH ${callerSteps},
  ${targetSteps},
  deleted AS (
    UPDATE patients p SET owner_id = NULL, deleted_from = target.owner_id, deleted_at = now(), updated_at = now(),
      version = target.version + 1
    FROM target
    WHERE p.id = target.id AND ${isTargetWritable}
    RETURNING p.id
  ),
  ${insertAuditEvent({
    action: "delete",
    outcome: targetOutcome("deleted"),
    patient: id,
  })}
SELECT ${targetColumns}, ${successorColumn}, EXISTS (SELECT FROM deleted) AS "isDeleted"
FROM caller
WHERE NOT (${isRevokedDuringWait("target")})`,
);
