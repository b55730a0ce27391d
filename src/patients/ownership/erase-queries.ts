import { sql } from "drizzle-orm";
import { adminOutcome, insertAuditEvent, writeOutcome } from "../../db/query/audit.ts";
import { authenticated } from "../../db/query/authenticated.ts";
import { callerRecheck, callerSteps, isStillAccepted, refusalAfterWait } from "../../db/query/caller.ts";
import { jsonBody } from "../../db/query/json.ts";
import { can } from "../../db/query/permissions.ts";
import { type MergedState, successorColumn, successorStep, unlessMerged } from "../../db/query/successor.ts";
import { intParam, type Json, param } from "../../db/statement.ts";
import type { ErasedPatient } from "../responses.ts";

const id = intParam("id");
const canErase = can("patients:erase");

/**
 * How many audit events lose their values in one request at most: 0.2 s, measured on 15.20 in a log of a million events.
 * A patient with more changes needs several requests.
 */
const EVENTS_PER_REQUEST = sql.raw("5000");

type Remainder = ErasedPatient["remained"][number];
const remainder = (what: Remainder["what"], why: string) =>
  sql.raw(`SELECT '${what}' AS what, '${why}' AS why`);

/** What an erased patient leaves behind, and why. The reasons cannot be removed from a day that is closed. */
const remained = sql`${remainder("audit_events", "They say who did what and when. They have ids, times and statuses of appointments, and no other values of the patient.")}
    UNION ALL ${remainder("reasons", "The digests of the audit log cover them. They are free text, which may name the patient.")}
    UNION ALL ${remainder("idempotency_keys", "For a day, so that a repeated creation or import does not bring the patient back. They have ids and a hash of the request.")}
    UNION ALL ${remainder("record_changes", "For 91 days, so that programs with a copy of the records remove the patient. They have ids and versions.")}
    UNION ALL ${remainder("copies", "Backups, copies of the audit log, and the free space and statistics of the database have values until they are overwritten.")}`;

/**
 * Removes a deleted patient for good, for an admin. The reason goes into the audit log. The function `erase_patient`
 * (drizzle/0030_merges.sql) is the only way for the Worker to do that, and has the list of what is removed.
 *
 * @returns its row: `body` is null when there is no such patient, or it is not deleted (`isFound`).
 */
export const erasePatient = authenticated<
  MergedState & { isAdmin: boolean; isFound: boolean; body: Json<ErasedPatient> | null },
  { id: number; reason: string }
>(
  "patients/erase",
  () => sql`-- POST /api/patients/:id/erase
  WITH ${callerSteps},
  locked AS (
    -- Waits for a concurrent restore or erasure and then sees its result. Shown by test/races/erase.test.ts. With those that
    -- were merged into it, in the order in which merges lock them.
    SELECT p.id, p.deleted_at, p.merged_into FROM patients p
    WHERE p.id = ANY (${id} || merged_patients(${id})) AND ${canErase}
    ORDER BY p.id
    FOR UPDATE
  ),
  ${callerRecheck("locked")},
  target AS (SELECT id, deleted_at FROM locked WHERE id = ${id} AND merged_into IS NULL),
  ${successorStep(sql`EXISTS (SELECT FROM target)`, canErase)},
  erased AS (
    SELECT target.id, erase_patient(target.id, ${EVENTS_PER_REQUEST}) AS result
    FROM target WHERE target.deleted_at IS NOT NULL AND ${isStillAccepted}
  ),
  response AS (
    SELECT id, result -> 'removed' AS removed,
      ARRAY(SELECT row_to_json(r) FROM (
        ${remained}
      ) r) AS remained,
      (result ->> 'more')::boolean AS more
    FROM erased
  ),
  ${insertAuditEvent({
    action: "erase",
    outcome: adminOutcome(
      unlessMerged(writeOutcome(sql`EXISTS (SELECT FROM target)`, sql`EXISTS (SELECT FROM erased)`)),
    ),
    patient: id,
    reason: sql`${param("reason")}::text`,
  })}
SELECT ${refusalAfterWait("locked")}, ${canErase} AS "isAdmin", EXISTS (SELECT FROM target) AS "isFound", ${jsonBody("response")} AS body, ${successorColumn}
FROM token_account`,
);
