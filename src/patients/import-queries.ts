import { type SQL, sql } from "drizzle-orm";
import { emailKey } from "../db/columns.ts";
import { doneOrRefused, insertRetryableAuditEvent } from "../db/query/audit.ts";
import {
  callerClinicId,
  callerId,
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
import { columnNames } from "../db/query/json.ts";
import { can } from "../db/query/permissions.ts";
import { param } from "../db/statement.ts";
import type { FieldErrorCode } from "../http/problem-codes.ts";
import { birthOf } from "./birth-queries.ts";
import { newPatientValues } from "./create-queries.ts";
import { identifierErrors } from "./identifier-checks.ts";
import { patientColumns, patientFields } from "./requests.ts";
import type { ImportResult } from "./responses.ts";

const fields = columnNames(patientColumns);
/** The columns of a draft: those of birth come from the step `births`. */
const plainFields = columnNames(
  Object.keys(patientFields).filter((name) => !/^(birth_date|age)$/.test(name)),
);
const lineKey = emailKey(sql`l.email`);
/** The codes of a line whose email is a duplicate. */
const EMAIL_TAKEN: FieldErrorCode = "email_taken";
const EMAIL_REPEATED: FieldErrorCode = "email_repeated";
const emailTaken = sql.raw(`'${EMAIL_TAKEN}'`);
const emailRepeated = sql.raw(`'${EMAIL_REPEATED}'`);
/** Whether the valid lines are imported: when all are valid, or the request is `partial`. */
const isImported = sql`(${param("partial")}::boolean OR NOT EXISTS (SELECT FROM refused))`;
/** Whether the caller may read all patients that the import with the earlier key `k` created. */
const isEachPatientReadable = sql`NOT EXISTS (
      SELECT FROM json_array_elements(k.answer::json -> 'created') created
      WHERE NOT EXISTS (SELECT FROM patients p WHERE p.id = (created ->> 'id')::int AND ${can("patients:read")})
    )`;
/** The lines of a step as a JSON array. */
const linesJson = (columns: SQL, step: string): SQL => sql`(
      SELECT '[' || coalesce(string_agg(row_to_json(l)::text, ',' ORDER BY line), '') || ']'
      FROM (SELECT ${columns} FROM ${sql.raw(step)}) l)`;

/**
 * Creates a patient from each of the `lines`, or with `partial` from those that can be created. PostgreSQL decides
 * whether an email is a duplicate of another patient's or of an earlier line's; a shared email is none. `patients_taken`
 * waits for concurrent POSTs and imports of the same clinic (advisory lock), and sees what they created;
 * `patients_identifiers_taken` does the same for identifiers. A duplicate by a concurrent PATCH, restore or transfer
 * violates the unique constraint, and nothing is imported.
 */
export const importPatients = idempotentCreate<
  ImportResult,
  {
    /** JSON: `[{line, record}]` */
    lines: string;
    /** JSON: `[{line, errors, error_codes}]` of the lines that validation has refused. */
    refused: string;
    /** JSON: the messages of errors by code (`databaseFieldMessages`). */
    messages: string;
    partial: boolean;
    /**
     * SHA-256 of the file, in hexadecimal. The request is compared by it, because it does not change with the
     * validation rules.
     */
    digest: string;
  },
  /** JSON: `[{line, errors, error_codes}]` of all refused lines. */
  { refused: string; isAllowed: boolean }
>(
  "patients/import",
  () => sql`-- POST /api/patients/import
  WITH ${callerSteps},
  ${earlierKeySteps(
    sql`concat_ws(' ', 'import', ${param("partial")}::boolean, ${param("digest")}::text)`,
    isEachPatientReadable,
  )},
  lines AS (
    SELECT sent.line, sent.record, ${newPatientValues(sql`sent.record`)}
    FROM jsonb_to_recordset(${param("lines")}::jsonb) AS sent (line int, record jsonb)
  ),
  existing_emails AS (
    SELECT email
    FROM patients_taken(${callerClinicId}, ARRAY(
      SELECT ${lineKey} FROM lines l WHERE l.email IS NOT NULL AND NOT l.email_shared
    )) email
    WHERE NOT EXISTS (SELECT FROM earlier_key)
  ),
  line_identifiers AS (
    SELECT l.line, i.n - 1 AS place, item ->> 'system' AS system, identifier_key(item ->> 'value') AS key
    FROM lines l, jsonb_array_elements(l.identifiers) WITH ORDINALITY i (item, n)
  ),
  existing_identifiers AS (
    SELECT i.system, i.key FROM patients_identifiers_taken(${callerClinicId}, ARRAY(SELECT key FROM line_identifiers)) i
    WHERE NOT EXISTS (SELECT FROM earlier_key)
  ),
  ${callerRecheck("caller", "earlier_key", "existing_emails", "existing_identifiers")},
  births AS (
    ${birthOf(sql`NULL, NULL, NULL`, sql`l.record`, sql`lines l`, sql`l.line, `)}
  ),
  line_errors AS (
    SELECT line, 'email' AS field, CASE
      WHEN email IS NULL OR email_shared THEN NULL
      WHEN email_key IN (SELECT email FROM existing_emails) THEN ${emailTaken}
      WHEN row_number() OVER (PARTITION BY email_key, email_shared ORDER BY line) > 1 THEN ${emailRepeated} END AS code
    FROM (SELECT l.line, l.email, l.email_shared, ${lineKey} AS email_key FROM lines l) keys
    UNION ALL SELECT line, error_field, error_code FROM births
    UNION ALL SELECT l.line, i.field, i.code FROM lines l, LATERAL (${identifierErrors(sql`l.identifiers`)}) i (field, code)
    UNION ALL SELECT line, concat('identifiers.', place, '.value'), CASE
      WHEN (system, key) IN (SELECT system, key FROM existing_identifiers) THEN 'identifier_taken'
      WHEN line > min(line) OVER (PARTITION BY system, key) THEN 'identifier_repeated' END
    FROM line_identifiers
  ),
  refused AS (
    SELECT line, json_object_agg(field, json_build_array(${param("messages")}::json ->> code)) AS errors,
      json_object_agg(field, json_build_array(code)) AS error_codes
    FROM line_errors WHERE code IS NOT NULL GROUP BY line
    UNION ALL SELECT r.line, r.errors, r.error_codes
    FROM json_to_recordset(${param("refused")}::json) AS r (line int, errors json, error_codes json)
  ),
  draft AS (
    SELECT line, nextval('patients_id_seq')::int AS id, ${plainFields}, new_birth_date AS birth_date, new_age AS age,
      new_age_as_of AS age_as_of, ${callerId} AS created_by, ${callerClinicId} AS owner_id
    FROM (SELECT * FROM lines JOIN births USING (line) WHERE line NOT IN (SELECT line FROM refused) ORDER BY line) valid
    WHERE ${isStillAccepted} AND ${can("patients:create")} AND ${isImported} AND NOT EXISTS (SELECT FROM earlier_key)
  ),
  response AS (
    SELECT NULL::int AS record_id,
      '{"created":' || ${linesJson(sql`line, id`, "draft")} || ',"refused":' || ${linesJson(sql`line, errors, error_codes`, "refused")} || '}' AS answer
    FROM caller WHERE ${isStillAccepted} AND ${can("patients:create")} AND ${isImported} AND NOT EXISTS (SELECT FROM earlier_key)
  ),
  ${resultSteps},
  created AS (
    INSERT INTO patients (id, ${fields}, created_by, owner_id) OVERRIDING SYSTEM VALUE
    SELECT id, ${fields}, created_by, owner_id FROM draft WHERE ${isNewResult}
  ),
  ${insertRetryableAuditEvent({
    action: createOrReplay("import"),
    outcome: doneOrRefused(hasResult),
    patients: sql`ARRAY(
      SELECT (created ->> 'id')::int FROM result, json_array_elements(answer::json -> 'created') created
      WHERE is_same_request)`,
  })}
SELECT ${refusalAfterWait("caller")}, ${can("patients:create")} AS "isAllowed", ${createResultColumns},
  ${linesJson(sql`line, errors, error_codes`, "refused")} AS refused
FROM token_account`,
);
