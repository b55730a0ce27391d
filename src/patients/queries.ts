import { type SQL, sql } from "drizzle-orm";
import { caseFolded } from "../db/columns.ts";
import { doneOrRefused } from "../db/query/audit.ts";
import { authenticated, authenticatedRetryable, callerId, withoutRecheck } from "../db/query/caller.ts";
import { createResource, idempotentCreate, nextId } from "../db/query/idempotent-create.ts";
import { jsonObject, selectColumns } from "../db/query/json.ts";
import { can } from "../db/query/permissions.ts";
import {
  columnNames,
  type DeleteParams,
  deletionAuditEvent,
  findById,
  isDeleted,
  isTargetRevoked,
  isTargetWritable,
  lockTarget,
  newEmail,
  type Resource,
  type TargetState,
  targetColumns,
  updateById,
} from "../db/query/resource.ts";
import { patients } from "../db/schema.ts";
import { exists, intParam, param } from "../db/statement.ts";
import { csvRow } from "../http/csv.ts";
import { patientFields, patientResponseFields } from "./requests.ts";
import type { ImportResult, Patient } from "./responses.ts";

/** A patient belongs to its owner, who alone changes it. A deleted patient has no owner. */
export const patientResource: Resource = {
  table: patients,
  columns: selectColumns(patients, patientResponseFields),
  writableColumns: Object.keys(patientFields),
  ownerColumns: ["created_by", "owner_id"],
  isDuplicate: sql`patient_taken(${callerId}, ${newEmail})`,
  canRead: can("patients:read"),
  canChange: can("patients:change"),
  auditSubjects: (id) => ({ patients: sql`array_remove(ARRAY[${id}]::int[], NULL)` }),
  isReadAudited: true,
};

export const findPatient = findById<Patient>(patientResource);
export const createPatient = createResource<Patient>(patientResource);
export const updatePatient = updateById<Patient>(patientResource);

/**
 * Soft delete: hides a patient and its assignments by taking its owner away. `restorePatient` in ownership/queries.ts
 * brings both back.
 */
export const deletePatient = authenticated<TargetState & { isDeleted: boolean }, DeleteParams>(() => ({
  auditEvent: deletionAuditEvent(patientResource),
  revoked: isTargetRevoked,
  steps: {
    ...lockTarget(patientResource),
    deleted: sql`
      UPDATE ${patients} SET owner_id = NULL, deleted_from = target.owner_id, deleted_at = now(), updated_at = now(),
        version = target.version + 1
      FROM target WHERE ${isTargetWritable(patientResource)} RETURNING 1`,
  },
  row: { ...targetColumns, isDeleted },
}));

const startAfter = sql`(${callerId}, ${intParam("after")})`;
const size = intParam("size");

/**
 * Defines the statement that exports one batch: at most `size` of the caller's patients with ids above `after`, in
 * order of id. Its row: the `lines` as one text, and the id after which the `next` batch begins, null when there is
 * none.
 *
 * Keyset pagination by `patients_owner_id_id_key`. Only that index answers a comparison of these columns in order; see
 * `scanRange`. Shown by test/db/plans.test.ts.
 */
const defineExport = (line: SQL) =>
  authenticatedRetryable<{ lines: string | null; next: number | null }, { after: number; size: number }>(
    () => ({
      auditEvent: { action: "export", patients: sql`ARRAY(SELECT id FROM batch)` },
      revoked: withoutRecheck,
      steps: {
        batch: sql`
          SELECT * FROM ${patients}
          WHERE (${patients.owner_id}, ${patients.id}) > ${startAfter} AND ${patients.owner_id} <= ${callerId}
          ORDER BY ${patients.owner_id}, ${patients.id} LIMIT ${size}`,
      },
      row: {
        lines: sql`(SELECT string_agg(${line}, '' ORDER BY ${patients.id}) FROM batch ${patients})`,
        next: sql`(SELECT max(id) FROM batch HAVING count(*) = ${size})`,
      },
    }),
  );
export const exportAsNdjson = defineExport(sql`${jsonObject(patientResource.columns)}::text || E'\\n'`);
export const exportAsCsv = defineExport(csvRow(patients, patientResponseFields));

const emailError = (message: SQL) => jsonObject(sql`ARRAY[${message}] AS email`);
/** Whether the valid lines are imported: when all are valid, or the request is `partial`. */
const isImported = sql`(${param("partial")}::boolean OR NOT ${exists("refused")})`;
const linesJson = (columns: SQL, step: SQL) => sql<string>`(
  SELECT '[' || coalesce(string_agg(row_to_json(l)::text, ',' ORDER BY line), '') || ']' FROM (SELECT ${columns} FROM ${step}) l)`;
const fieldNames = columnNames(Object.keys(patientFields));

/**
 * Creates a patient from each of the `lines`, or with `partial` from those that can be created. PostgreSQL decides
 * whether an email is a duplicate of another patient's or of an earlier line's. `patients_taken` waits for concurrent
 * POSTs and imports of the same account (advisory lock) and sees what they created. A duplicate by a concurrent PATCH,
 * restore or transfer violates the unique constraint, and nothing is imported.
 */
export const importPatients = idempotentCreate<
  ImportResult,
  {
    /** JSON: `[{line, record}]` */
    lines: string;
    /** JSON: `[{line, errors}]` of the lines that validation has refused. */
    refused: string;
    partial: boolean;
    /**
     * SHA-256 of the file, in hexadecimal. The request is compared by it, because it does not change with the
     * validation rules.
     */
    digest: string;
  },
  /** JSON: `[{line, errors}]` of all refused lines. */
  { refused: string }
>(() => ({
  revoked: withoutRecheck,
  steps: {
    numbered_lines: sql`
      SELECT sent.line, new.*, row_number() OVER (PARTITION BY ${caseFolded(sql`new.email`)} ORDER BY sent.line) AS nth
      FROM jsonb_to_recordset(${param("lines")}::jsonb) AS sent (line int, record jsonb),
        jsonb_populate_record(NULL::${patients}, sent.record) new`,
    existing_emails: sql`
      SELECT email FROM patients_taken(${callerId}, ARRAY(SELECT ${caseFolded(sql`numbered_lines.email`)} FROM numbered_lines)) email`,
    checked_lines: sql`
      SELECT *, CASE
        WHEN ${caseFolded(sql`numbered_lines.email`)} IN (SELECT email FROM existing_emails)
          THEN ${emailError(sql`'You already have a patient with this email.'`)}
        WHEN nth > 1 THEN ${emailError(sql`'An earlier line has this email.'`)} END AS errors
      FROM numbered_lines`,
    refused: sql`
      SELECT line, errors FROM checked_lines WHERE errors IS NOT NULL
      UNION ALL SELECT * FROM json_to_recordset(${param("refused")}::json) AS r (line int, errors json)`,
  },
  draft: sql`
    SELECT line, ${fieldNames}, ${nextId(patients)}::int AS id, ${callerId} AS created_by, ${callerId} AS owner_id
    FROM (SELECT * FROM checked_lines WHERE errors IS NULL ORDER BY line) valid
    WHERE ${callerId} IS NOT NULL AND ${isImported}`,
  body: sql`(
    SELECT '{"created":' || ${linesJson(sql`line, id`, sql`draft`)} || ',"refused":' || ${linesJson(sql`*`, sql`refused`)} || '}'
    WHERE ${isImported})`,
  auditEvent: {
    action: sql`'import'`,
    outcome: doneOrRefused(isImported),
    patients: sql`ARRAY(SELECT id FROM draft)`,
  },
  replaySubjects: {
    patients: sql`ARRAY(
      SELECT (created ->> 'id')::int FROM key_result, json_array_elements(answer::json -> 'created') created
      WHERE is_same_request)`,
  },
  insert: (condition) => sql`
    INSERT INTO ${patients} (${fieldNames}, id, created_by, owner_id) OVERRIDING SYSTEM VALUE
    SELECT ${fieldNames}, id, created_by, owner_id FROM draft WHERE ${condition}`,
  requestText: sql`concat_ws(' ', 'import', ${param("partial")}::boolean, ${param("digest")}::text)`,
  extraColumns: { refused: linesJson(sql`*`, sql`refused`) },
}));
