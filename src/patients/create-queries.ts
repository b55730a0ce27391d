import { type SQL, sql } from "drizzle-orm";
import { doneOrRefused } from "../db/query/audit.ts";
import { changesOfFields } from "../db/query/audit-changes.ts";
import { authenticated } from "../db/query/authenticated.ts";
import {
  type Caller,
  callerRecheck,
  callerSteps,
  isStillAccepted,
  refusalAfterWait,
} from "../db/query/caller.ts";
import {
  type CreateResult,
  createOrReplay,
  createResultColumns,
  hasResult,
  idempotentCreate,
  isNewResult,
  type KeyParts,
  resultId,
  withKey,
  withoutKey,
} from "../db/query/idempotent-create.ts";
import { columnNames } from "../db/query/json.ts";
import { can } from "../db/query/permissions.ts";
import {
  fieldErrorsColumn,
  isValid,
  type NewRecordState,
  newEmail,
  newEmailShared,
  newRecord,
  newValues,
} from "../db/query/resource.ts";
import { patients } from "../db/schema.ts";
import { param } from "../db/statement.ts";
import { birthErrors, birthOf, draftBirth, newBornFrom, newBornTo } from "./birth-queries.ts";
import { candidateStep, soughtColumns } from "./duplicates/candidates.ts";
import {
  isIdentifierFree,
  newIdentifierErrors,
  type TakenIdentifier,
  takenByCreation,
  takenIdentifierColumn,
} from "./identifier-checks.ts";
import { auditedFields, patientJson, plainFields } from "./queries.ts";
import { patientColumns } from "./requests.ts";
import type { Patient } from "./responses.ts";

// How a patient is created. In the statement the new one is `p`.

const fields = columnNames(patientColumns);

/** The columns of a new patient but for its birth date and age, from the JSON object `sent`. */
export const newPatientValues = (sent: SQL): SQL =>
  newValues(sent, patients, plainFields, {
    firstname: "''",
    lastname: "''",
    email_shared: "false",
    anonymous: "false",
    identifiers: "'[]'",
  });

const candidateIds = sql`ARRAY(SELECT id FROM candidates ORDER BY score DESC, id DESC)`;

/**
 * What duplicates of the new patient are looked for with, and the patients that are none (`excluded`). It has no row when
 * the new patient is not valid.
 */
const newSoughtStep = sql`sought AS MATERIALIZED (
    SELECT ${soughtColumns({
      owner: sql`caller.clinic_id`,
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

type NewPatientParams = { record: object; refuseDuplicates: boolean };
type NewPatientRow = NewRecordState & TakenIdentifier & { duplicates: number[] };

/**
 * Creates a patient of the caller's, at most once for each idempotency key. `existing`: the id of the patient that has
 * this email already, if neither shares it. No id is taken for a duplicate, not even when two requests are concurrent:
 * `patient_with_email` takes an advisory lock and then reads a snapshot of its own. Shown by test/races/ids.test.ts.
 *
 * `duplicates`: the ids of the patients that look like it, the best first. With `refuseDuplicates` nothing is created
 * when there are some. The statement's snapshot decides: of two concurrent requests, both may be created.
 */
export const createPatient = (caller: Caller, values: NewPatientParams, key: string | undefined) =>
  key === undefined ? createWithoutKey(caller, values) : createWithKey(caller, values, key);

/** The statement of a creation, with the parts that depend on the idempotency key. */
const creationQuery = (keys: KeyParts): SQL => sql`-- POST /api/patients
  WITH ${callerSteps},
  ${keys.earlierKeySteps}
  duplicate AS (
    SELECT other.id FROM ${keys.callerOfFirstRequest}, patient_with_email(caller.clinic_id, ${newEmail}, ${newEmailShared}) other (id)
  ),
  ${takenByCreation(keys.callerOfFirstRequest)},
  ${callerRecheck("caller", ...keys.lockedSteps, "duplicate", "taken_identifiers")},
  birth AS (
    ${birthOf(sql`NULL, NULL, NULL`, newRecord, keys.callerOfFirstRequest)}
  ),
  field_errors AS (
    ${birthErrors}
    UNION ALL ${newIdentifierErrors(keys.callerOfFirstRequest)}
  ),
  ${newSoughtStep},
  ${candidateStep({ max: 10, maxRead: 100, condition: sql`p.id <> ALL (sought.excluded)` })},
  draft AS (
    SELECT nextval('patients_id_seq')::int AS id, ${draftBirth}, ${newPatientValues(newRecord)},
      caller.id AS created_by, caller.clinic_id AS owner_id, now()::timestamptz(3) AS created_at, now()::timestamptz(3) AS updated_at, 1 AS version
    FROM caller, birth
    WHERE ${isStillAccepted} AND ${can("patients:create")} AND ${isValid} AND NOT EXISTS (SELECT FROM duplicate)
      AND ${isIdentifierFree}
      AND NOT (${param("refuseDuplicates")}::boolean AND EXISTS (SELECT FROM candidates))
  ),
  response AS (
    SELECT p.id AS record_id, ${patientJson} AS answer, ${candidateIds} AS duplicates
    FROM draft p
  ),
  ${keys.resultSteps},
  created AS (
    INSERT INTO patients (id, ${fields}, created_by, owner_id, created_at, updated_at) OVERRIDING SYSTEM VALUE
    SELECT id, ${fields}, created_by, owner_id, created_at, updated_at
    FROM draft WHERE ${isNewResult}
  ),
  ${keys.insertAuditEvent({
    action: createOrReplay("create"),
    outcome: doneOrRefused(hasResult),
    patient: resultId,
    changes: sql`(SELECT ${changesOfFields(patients, auditedFields, undefined, "draft", { more: notDuplicateOf })}
      FROM draft, result, sought WHERE is_new)`,
  })}
SELECT ${refusalAfterWait("caller")}, ${can("patients:create")} AS "isAllowed", ${createResultColumns},
  (SELECT '1.' || (answer::json ->> 'age') FROM result WHERE is_same_request AND is_readable) AS etag,
  (SELECT id FROM duplicate) AS existing, ${takenIdentifierColumn}, ${fieldErrorsColumn},
  coalesce((SELECT duplicates FROM result WHERE is_same_request AND is_readable), ${candidateIds}) AS duplicates
FROM token_account`;

// The newest patients of a name are read in the order of their index, however many there are.
const options = { readsInIndexOrder: true };

const createWithKey = idempotentCreate<Patient, NewPatientParams, NewPatientRow>(
  "patients/create-with-key",
  () =>
    creationQuery(
      withKey(
        sql`'patients' || ${newRecord}::text`,
        sql`EXISTS (SELECT FROM patients p WHERE p.id = k.record_id AND ${can("patients:read")})`,
        ["duplicates"],
      ),
    ),
  options,
);

const createWithoutKey = authenticated<CreateResult<Patient> & NewPatientRow, NewPatientParams>(
  "patients/create",
  () => creationQuery(withoutKey(["duplicates"])),
  options,
);
