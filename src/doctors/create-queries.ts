import { sql } from "drizzle-orm";
import { doneOrRefused, insertRetryableAuditEvent } from "../db/query/audit.ts";
import { changesOfFields } from "../db/query/audit-changes.ts";
import { callerRecheck, callerSteps, isStillAccepted, refusalAfterWait } from "../db/query/caller.ts";
import {
  createOrReplay,
  createResultColumns,
  earlierKeySteps,
  hasResult,
  idempotentCreate,
  isNewResult,
  resultId,
  resultSteps,
} from "../db/query/idempotent-create.ts";
import { columnNames } from "../db/query/json.ts";
import { can } from "../db/query/permissions.ts";
import { type NewRecordState, newEmail, newEmailShared, newRecord } from "../db/query/resource.ts";
import { doctors } from "../db/schema.ts";
import { doctorFieldNames, doctorJson } from "./queries.ts";
import type { Doctor } from "./responses.ts";

const fields = columnNames(doctorFieldNames);

/** The values of optional fields that a new doctor does not have, as a JSON object. */
const emptyDoctor = sql.raw(
  `'{"firstname": "", "lastname": "", "email_shared": false, "phones": []}'::jsonb`,
);

/**
 * Creates a doctor, at most once for each idempotency key. `existing`: the id of the doctor who has this email already,
 * if neither shares it. No id is taken for a duplicate, not even when two requests are concurrent: `doctor_with_email`
 * takes an advisory lock and then reads a snapshot of its own. Shown by test/races/ids.test.ts.
 */
export const createDoctor = idempotentCreate<Doctor, { record: object }, NewRecordState>(
  "doctors/create",
  () => sql`-- POST /api/doctors
  WITH ${callerSteps},
  ${earlierKeySteps(
    sql`'doctors' || ${newRecord}::text`,
    sql`EXISTS (SELECT FROM doctors d WHERE d.id = k.record_id AND ${can("doctors:read")})`,
  )},
  duplicate AS (
    SELECT other.id FROM caller, doctor_with_email(${newEmail}, ${newEmailShared}) other (id)
    WHERE NOT EXISTS (SELECT FROM earlier_key)
  ),
  ${callerRecheck("caller", "earlier_key", "duplicate")},
  draft AS (
    SELECT new.* FROM caller, jsonb_populate_record(NULL::doctors, ${emptyDoctor} || ${newRecord} || jsonb_build_object(
      'id', nextval('doctors_id_seq'), 'created_by', caller.id, 'created_at', now(), 'updated_at', now(), 'version', 1)) new
    WHERE ${isStillAccepted} AND NOT EXISTS (SELECT FROM earlier_key) AND NOT EXISTS (SELECT FROM duplicate)
  ),
  response AS (SELECT d.id AS record_id, ${doctorJson} AS answer FROM draft d),
  ${resultSteps},
  created AS (
    INSERT INTO doctors (id, ${fields}, created_by, created_at, updated_at) OVERRIDING SYSTEM VALUE
    SELECT id, ${fields}, created_by, created_at, updated_at FROM draft WHERE ${isNewResult}
  ),
  ${insertRetryableAuditEvent({
    action: createOrReplay("create"),
    outcome: doneOrRefused(hasResult),
    doctor: resultId,
    changes: sql`(SELECT ${changesOfFields(doctors, doctorFieldNames, undefined, "draft")} FROM draft, result WHERE is_new)`,
  })}
SELECT ${refusalAfterWait("caller")}, ${createResultColumns}, '1' AS etag,
  (SELECT id FROM duplicate) AS existing
FROM token_account`,
);
