import { type SQL, sql } from "drizzle-orm";
import { insertRetryableAuditEvent, permittedOutcome } from "../db/query/audit.ts";
import { authenticatedRetryable } from "../db/query/authenticated.ts";
import { callerClinicId, callerSteps, refusalColumn } from "../db/query/caller.ts";
import { can } from "../db/query/permissions.ts";
import { patients } from "../db/schema.ts";
import { intParam } from "../db/statement.ts";
import { csvRow, quotedCell } from "../http/csv-writer.ts";
import { patientAge } from "./birth-queries.ts";
import { addressColumns, exportedColumns } from "./csv-columns.ts";
import { patientJson } from "./queries.ts";

const size = intParam("size");

/**
 * The statement that exports one batch: at most `size` of the caller's patients with ids above `after`, in order of
 * id. Its row: the `lines` as one text, and the id after which the `next` batch begins, null when there is none.
 *
 * Keyset pagination by `patients_owner_id_id_key`. Shown by test/db/plans.test.ts.
 *
 * @param line a patient `p` as one line.
 */
const exportStatement = (line: SQL): SQL => sql`-- GET /api/patients/export
  WITH ${callerSteps},
  batch AS (
    SELECT p.* FROM patients p
    WHERE (p.owner_id, p.id) > (${callerClinicId}, ${intParam("after")}) AND p.owner_id <= ${callerClinicId} AND ${can("patients:export")}
    ORDER BY p.owner_id, p.id LIMIT ${size}
  ),
  ${insertRetryableAuditEvent({
    action: "export",
    outcome: permittedOutcome(can("patients:export")),
    patients: sql`ARRAY(SELECT id FROM batch)`,
  })}
SELECT ${refusalColumn}, ${can("patients:export")} AS "isAllowed", (SELECT string_agg(${line}, '' ORDER BY p.id) FROM batch p) AS lines,
  (SELECT max(id) FROM batch HAVING count(*) = ${size}) AS next
FROM token_account`;

type ExportedBatch = { isAllowed: boolean; lines: string | null; next: number | null };
type ExportParams = { after: number; size: number };

export const exportAsNdjson = authenticatedRetryable<ExportedBatch, ExportParams>(
  "patients/export-ndjson",
  () => exportStatement(sql`${patientJson} || E'\\n'`),
  { readsInIndexOrder: true },
);

/** The parts of the address of the patient `p`. Its lines are the lines of one cell. */
const addressCells = Object.fromEntries(
  Object.entries(addressColumns).map(([column, part]) => [
    column,
    quotedCell(
      part === "lines"
        ? `(SELECT string_agg(line, E'\\n' ORDER BY n) FROM jsonb_array_elements_text(p.address -> 'lines') WITH ORDINALITY l (line, n))`
        : `p.address ->> '${part}'`,
    ),
  ]),
);
/** The identifiers of the patient `p`, as `parseIdentifiers` reads them from a file. */
const identifiersCell =
  quotedCell(`(SELECT string_agg(concat(item ->> 'system', ':', item ->> 'value'), '; ' ORDER BY n)
    FROM jsonb_array_elements(p.identifiers) WITH ORDINALITY i (item, n))`);

export const exportAsCsv = authenticatedRetryable<ExportedBatch, ExportParams>(
  "patients/export-csv",
  () =>
    exportStatement(
      csvRow(patients, "p", exportedColumns, {
        age: patientAge,
        ...addressCells,
        identifiers: identifiersCell,
      }),
    ),
  { readsInIndexOrder: true },
);
