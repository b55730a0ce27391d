import { sql } from "drizzle-orm";
import { emailKey } from "../db/columns.ts";
import { insertAuditEvent, insertRetryableAuditEvent, writeOutcome } from "../db/query/audit.ts";
import { changesOfFields } from "../db/query/audit-changes.ts";
import { authenticated, authenticatedRetryable } from "../db/query/authenticated.ts";
import { callerId, callerRecheck, callerSteps, refusalAfterWait, refusalColumn } from "../db/query/caller.ts";
import { columnNames, jsonText } from "../db/query/json.ts";
import { cancelledChange } from "../db/query/open-appointments.ts";
import { can, isOwnPatient } from "../db/query/permissions.ts";
import {
  type ChangedRecord,
  type ChangeParams,
  clinicRoleColumn,
  type DeleteParams,
  type FindParams,
  type FoundRecord,
  fieldErrorsColumn,
  foundColumns,
  foundRecordColumns,
  isChangeableVersion,
  isTargetWritable,
  isValid,
  nameErrors,
  nextValues,
  sentChanges,
  setColumns,
  type TargetState,
  targetColumns,
} from "../db/query/resource.ts";
import { successorColumn, successorStep, unlessMerged } from "../db/query/successor.ts";
import { patients } from "../db/schema.ts";
import { intParam } from "../db/statement.ts";
import { birthErrors, birthOf, patientAge, patientTag } from "./birth-queries.ts";
import {
  changedIdentifierErrors,
  isIdentifierFree,
  type TakenIdentifier,
  takenByChange,
  takenIdentifierColumn,
} from "./identifier-checks.ts";
import { patientColumns, patientFields, patientResponseFields } from "./requests.ts";
import type { Patient } from "./responses.ts";

// A patient belongs to a clinic, its owner. Only members of the owner change it. A deleted patient has no owner. In every
// statement the patient is `p`.

const id = intParam("id");

/** A patient as the response has it, as JSON text. */
export const patientJson = jsonText(patients, "p", patientResponseFields, { computed: { age: patientAge } });

/** The fields of a client that are columns of the same name; birth date and age depend on each other. */
export const plainFields = Object.keys(patientFields).filter(
  (name) => name !== "birth_date" && name !== "age",
);
/** What the history shows. */
export const auditedFields = Object.keys(patientFields);

/** The errors of a patient that would have no contact, from the step `next`, as rows of `field` and `code`. */
const contactErrors = sql`SELECT 'email', 'required' FROM next
    WHERE next.email IS NULL AND next.phones = '{}' AND next.identifiers = '[]' AND NOT next.anonymous`;

/** Reads a patient. */
export const findPatient = authenticatedRetryable<FoundRecord<Patient>, FindParams>(
  "patients/find",
  () => sql`-- GET /api/patients/:id
  WITH ${callerSteps},
  -- The patient or, when it was merged, its successor: one step, because PostgreSQL prepares a permission for each call.
  patient AS (
    SELECT p.id, ${foundColumns("p.version", patientJson, patientTag)}
    FROM patients p
    WHERE p.id = (
        SELECT CASE WHEN asked.merged_into IS NULL THEN asked.id ELSE last_survivor(asked.id) END
        FROM patients asked WHERE asked.id = ${id}
      ) AND ${can("patients:read")}
  ),
  found AS (SELECT * FROM patient WHERE id = ${id}),
  successor AS (SELECT id FROM patient WHERE id <> ${id}),
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
SELECT ${refusalColumn}, ${foundRecordColumns}, ${successorColumn}
FROM token_account`,
);

/**
 * The row lock that a change and a deletion begin with, and the successor of a merged patient. `FOR UPDATE` waits for a
 * concurrent change and then, under READ COMMITTED, sees the row as that change left it.
 */
const targetSteps = (permission: "patients:change" | "patients:delete") => sql`target AS (
    SELECT p.*, ${can(permission)} AS can_change, ${isOwnPatient} AS is_own,
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
  ${targetSteps("patients:change")},
  birth AS (
    ${birthOf(sql`target.birth_date, target.age, target.age_as_of`, sentChanges, sql`target`)}
  ),
  next AS (
    SELECT p.id, birth.new_birth_date AS birth_date, birth.new_age AS age, birth.new_age_as_of AS age_as_of, ${nextValues(patients, "p", plainFields)}
    FROM target p, birth
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
    UPDATE patients p SET ${setColumns(patientColumns)},
      updated_at = now(), version = p.version + 1
    FROM target, next
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
SELECT ${refusalAfterWait("target")}, ${targetColumns}, ${clinicRoleColumn}, ${successorColumn}, ${fieldErrorsColumn}, (SELECT id FROM duplicate) AS existing, ${takenIdentifierColumn},
(SELECT etag FROM changed) AS etag, (SELECT body FROM changed) AS body
FROM token_account`,
);

/**
 * Soft delete: hides a patient, its assignments and its appointments by taking its owner away. `restorePatient` in
 * ownership/queries.ts brings them back. Open appointments are cancelled first, and stay cancelled. `open_appointments`
 * looks after the wait for the patient, so it also sees one that was booked meanwhile.
 */
export const deletePatient = authenticated<TargetState & { isDeleted: boolean }, DeleteParams>(
  "patients/delete",
  () => sql`-- DELETE /api/patients/:id
  WITH ${callerSteps},
  ${targetSteps("patients:delete")},
  cancelled AS (
    SELECT a.id FROM target, cancel_appointments(ARRAY(SELECT id FROM open_appointments(ARRAY[target.id], NULL)), 'The patient was deleted.') a
    WHERE ${isTargetWritable}
  ),
  deleted AS (
    UPDATE patients p SET owner_id = NULL, deleted_from = target.owner_id, deleted_at = now(), updated_at = now(),
      version = target.version + 1
    FROM target, (SELECT count(*) FROM cancelled) cancelled
    WHERE p.id = target.id AND ${isTargetWritable}
    RETURNING p.id
  ),
  ${insertAuditEvent({
    action: "delete",
    outcome: targetOutcome("deleted"),
    patient: id,
    changes: cancelledChange("cancelled"),
  })}
SELECT ${refusalAfterWait("target")}, ${targetColumns}, ${clinicRoleColumn}, ${successorColumn}, EXISTS (SELECT FROM deleted) AS "isDeleted"
FROM token_account`,
);
