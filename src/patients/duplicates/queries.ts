import { type SQL, sql } from "drizzle-orm";
import { insertRetryableAuditEvent, readOutcome } from "../../db/query/audit.ts";
import { authenticatedRetryable } from "../../db/query/authenticated.ts";
import { callerSteps, refusalColumn } from "../../db/query/caller.ts";
import { jsonArray } from "../../db/query/json.ts";
import { can } from "../../db/query/permissions.ts";
import { type MergedState, successorColumn, successorStep, unlessMerged } from "../../db/query/successor.ts";
import { intParam, type Json } from "../../db/statement.ts";
import { patientJson } from "../queries.ts";
import type { PossibleDuplicate } from "../responses.ts";
import { candidateStep, soughtColumns } from "./candidates.ts";

const id = intParam("id");

const column = (name: string): SQL => sql.raw(`p.${name}`);

/**
 * The patients that look like one that the caller may read, the best first: others of its owner that the caller may read
 * too. `body` is null when there is no such patient.
 */
export const listDuplicates = authenticatedRetryable<
  MergedState & { body: Json<PossibleDuplicate[]> | null },
  { id: number }
>(
  "patients/list-duplicates",
  () => sql`-- GET /api/patients/:id/duplicates
  WITH ${callerSteps},
  sought AS MATERIALIZED (
    SELECT ${soughtColumns({
      owner: column("owner_id"),
      firstname: column("firstname"),
      lastname: column("lastname"),
      email: column("email"),
      phones: column("phones"),
      bornFrom: column("born_from"),
      bornTo: column("born_to"),
    })}
    FROM patients p
    WHERE p.id = ${id} AND ${can("patients:read")}
  ),
  ${candidateStep({ max: 20, maxRead: 1000, condition: sql`p.id <> ${id} AND ${can("patients:read")}` })},
  ${successorStep(sql`EXISTS (SELECT FROM sought)`)},
  ${insertRetryableAuditEvent({
    action: "duplicates",
    outcome: unlessMerged(readOutcome(sql`EXISTS (SELECT FROM sought)`)),
    // An id that is not there for the caller counts as a probe, which is an event of one patient.
    patient: sql`CASE WHEN NOT EXISTS (SELECT FROM sought) THEN ${id} END`,
    patients: sql`CASE WHEN EXISTS (SELECT FROM sought) THEN ${id} || ARRAY(SELECT id FROM candidates) END`,
  })}
SELECT ${refusalColumn}, (
    SELECT ${jsonArray(sql`concat('{"patient":', ${patientJson}, ',"why":', array_to_json(c.why), '}')`, sql`c.score DESC, p.id DESC`)}::text
    FROM candidates c JOIN patients p ON p.id = c.id
    WHERE EXISTS (SELECT FROM sought) HAVING EXISTS (SELECT FROM sought)
  ) AS body, ${successorColumn}
FROM token_account`,
  { readsInIndexOrder: true },
);
