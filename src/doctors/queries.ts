import { type SQL, sql } from "drizzle-orm";
import { emailKey } from "../db/columns.ts";
import { isViolationOf } from "../db/errors.ts";
import { insertAuditEvent, insertFurtherAuditEvents, writeOutcome } from "../db/query/audit.ts";
import { changesBetween, changesOfFields } from "../db/query/audit-changes.ts";
import { authenticated, authenticatedRetryable } from "../db/query/authenticated.ts";
import {
  type Caller,
  callerId,
  callerIsAdmin,
  callerRecheck,
  callerSteps,
  refusalAfterWait,
  refusalColumn,
} from "../db/query/caller.ts";
import { columnNames, jsonText, stepJson } from "../db/query/json.ts";
import { can } from "../db/query/permissions.ts";
import {
  type ChangedRecord,
  type ChangeParams,
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
  setColumns,
  type TargetState,
  targetColumns,
  versionTag,
} from "../db/query/resource.ts";
import { doctors } from "../db/schema.ts";
import { intParam } from "../db/statement.ts";
import { doctorFields, doctorResponseFields } from "./requests.ts";
import type { Doctor } from "./responses.ts";

// Every account reads every doctor. The account that created a doctor and admins change it. In every statement the
// doctor is `d`.

const id = intParam("id");

/** A doctor as the response has it, as JSON text. */
export const doctorJson = jsonText(doctors, "d", doctorResponseFields);

/** The fields that a client writes. Their names are those of the columns. */
export const doctorFieldNames = Object.keys(doctorFields);

/** Reads a doctor. Not audited: doctors are a directory, not data of patients. */
export const findDoctor = authenticatedRetryable<FoundRecord<Doctor>, FindParams>(
  "doctors/find",
  () => sql`-- GET /api/doctors/:id
  WITH ${callerSteps},
  found AS (
    SELECT ${foundColumns("d.version", doctorJson)}
    FROM doctors d WHERE d.id = ${id} AND ${can("doctors:read")}
  )
SELECT ${refusalColumn}, ${foundRecordColumns}
FROM token_account`,
);

/**
 * The row lock that a change and a deletion begin with. `FOR UPDATE` waits for a concurrent change and then, under
 * READ COMMITTED, sees the row as that change left it.
 */
const targetSteps = sql`target AS (
    SELECT d.*, ${can("doctors:change")} AS can_change, ${isChangeableVersion("d.version")} AS is_expected_version
    FROM doctors d WHERE d.id = ${id} AND ${can("doctors:read")} AND ${callerId} IS NOT NULL
    FOR UPDATE
  ),
  ${callerRecheck("target")}`;

/** The fields by which the owner of a patient recognises a doctor, and whether the doctor is active. */
const identity = ["firstname", "lastname", "email", "phones", "active"];

/**
 * The step `reserved` has a row when only an admin may make the change and the caller is no admin, because other accounts
 * than the creator's rely on the doctor: without this step, the creator could turn it into another doctor.
 * `doctor_relied_on` reads a snapshot of its own, which is newer than the lock. Shown by test/races/links.test.ts.
 *
 * @param from the step `target`, joined to what the change has.
 */
const reservedStep = (from: SQL): SQL => sql`reserved AS (
    SELECT FROM ${from}
      AND target.can_change AND NOT ${callerIsAdmin}
      AND doctor_relied_on(target.id, ${callerId})
  )`;
const isWritable = sql`${isTargetWritable}
      AND NOT EXISTS (SELECT FROM reserved)`;
const doctorColumns = sql`${targetColumns}, EXISTS (SELECT FROM reserved) AS "needsAdmin"`;

/** Changes the fields of a doctor that are in `changes` and leaves the others. */
export const updateDoctor = authenticated<ChangedRecord<Doctor>, ChangeParams>(
  "doctors/update",
  () => sql`-- PUT, PATCH /api/doctors/:id
  WITH ${callerSteps},
  ${targetSteps},
  next AS (
    SELECT d.id, ${nextValues(doctors, "d", doctorFieldNames)}
    FROM target d
  ),
  ${reservedStep(sql`target, next
    WHERE (${columnNames(identity, "next.")}) IS DISTINCT FROM (${columnNames(identity, "target.")})`)},
  field_errors AS (
    ${nameErrors}
  ),
  -- An email that was shared stays shared while another doctor has it.
  duplicate AS (
    SELECT other.id FROM target, next, doctors other
    WHERE NOT next.email_shared AND (target.email_shared OR next.email IS DISTINCT FROM target.email)
      AND ${emailKey(sql`other.email`)} = ${emailKey(sql`next.email`)}
      AND other.id <> target.id AND (target.email_shared OR NOT other.email_shared)
    ORDER BY other.email_shared, other.id LIMIT 1
  ),
  changed AS (
    UPDATE doctors d SET ${setColumns(doctorFieldNames)},
      updated_at = now(), version = d.version + 1
    FROM target, next WHERE d.id = target.id AND ${isWritable} AND ${isValid} AND NOT EXISTS (SELECT FROM duplicate)
    RETURNING ${versionTag("d.version")} AS etag, ${doctorJson} AS body, ${columnNames(doctorFieldNames, "d.")}
  ),
  ${insertAuditEvent({
    action: "update",
    outcome: writeOutcome(sql`EXISTS (SELECT FROM target)`, sql`EXISTS (SELECT FROM changed)`),
    doctor: id,
    changes: sql`(SELECT ${changesOfFields(doctors, doctorFieldNames, "target", "changed")} FROM target, changed)`,
  })}
SELECT ${refusalAfterWait("target")}, ${doctorColumns}, ${fieldErrorsColumn}, (SELECT id FROM duplicate) AS existing,
(SELECT etag FROM changed) AS etag, (SELECT body FROM changed) AS body
FROM token_account`,
);

/**
 * The result of deleting a doctor. `assigned`: how many patients the doctor has. It is deleted only when that is 0, and
 * when the doctor never had an appointment.
 */
type DoctorDeletion = TargetState & {
  assigned: number | "at least 1";
  hasAppointments: boolean;
  isDeleted: boolean;
};

const hasAppointments = sql`EXISTS (SELECT FROM appointments a WHERE a.doctor_id = ${id})`;

const deleteUnassignedDoctor = authenticated<DoctorDeletion, DeleteParams>(
  "doctors/delete",
  () => sql`-- DELETE /api/doctors/:id
  WITH ${callerSteps},
  ${targetSteps},
  ${reservedStep(sql`target WHERE true`)},
  -- The foreign key unlinks them.
  linked_accounts AS (SELECT doctor_accounts(target.id) AS account FROM target),
  deleted AS (
    DELETE FROM doctors d USING target
    WHERE d.id = target.id AND ${isWritable}
      AND NOT EXISTS (SELECT FROM mappings m WHERE m.current_doctor_id = ${id}) AND NOT ${hasAppointments}
    RETURNING d.id
  ),
  ${insertAuditEvent({
    action: "delete",
    outcome: writeOutcome(sql`EXISTS (SELECT FROM target)`, sql`EXISTS (SELECT FROM deleted)`),
    doctor: id,
    changes: sql`(SELECT ${changesBetween(stepJson(columnNames(doctorFieldNames), "target"), sql`NULL`)} FROM deleted)`,
  })},
  ${insertFurtherAuditEvents("unlink_events", sql`deleted, linked_accounts`, {
    action: "update_account",
    account: sql`linked_accounts.account`,
    changes: sql`json_build_object('doctor', json_build_object('before', deleted.id, 'after', NULL))`,
  })}
SELECT ${refusalAfterWait("target")}, ${doctorColumns}, (SELECT count(*)::int FROM mappings m WHERE m.current_doctor_id = ${id}) AS assigned,
  ${hasAppointments} AS "hasAppointments", EXISTS (SELECT FROM deleted) AS "isDeleted"
FROM token_account`,
);

/**
 * Deletes a doctor who has no patients and never had an appointment. Accounts that are linked to it are unlinked: each
 * has an audit event with the account as its subject.
 */
export async function deleteDoctor(caller: Caller, values: DeleteParams): Promise<DoctorDeletion> {
  try {
    return await deleteUnassignedDoctor(caller, values);
  } catch (error) {
    // A concurrent request assigned a patient: the statement's snapshot does not show it, the foreign key does. An
    // appointment needs an assignment.
    if (!isViolationOf(error, "mappings_doctor_fkey") && !isViolationOf(error, "appointments_doctor_id_fkey"))
      throw error;
    return {
      canChange: true,
      isExpectedVersion: true,
      assigned: "at least 1",
      hasAppointments: false,
      isDeleted: false,
    };
  }
}
