import { type SQL, sql } from "drizzle-orm";
import { folded } from "../db/columns.ts";
import { csvLineOf } from "../db/csv.ts";
import { action, ended } from "../db/query/audit.ts";
import { callerId, framed, repeatable } from "../db/query/caller.ts";
import { creation, making, nextId } from "../db/query/idempotent-create.ts";
import { columnsOf, objectOf } from "../db/query/json.ts";
import { may } from "../db/query/permissions.ts";
import {
  change,
  type Deletion,
  entryOfDeletion,
  isGone,
  isWritable,
  names,
  newEmail,
  ofTarget,
  type Resource,
  record,
  type Target,
  targeting,
} from "../db/query/resource.ts";
import { patients } from "../db/schema.ts";
import { exists, value } from "../db/statement.ts";
import { fields, shownFields } from "./requests.ts";
import type { Imported, Patient } from "./responses.ts";

/** A patient is its owner's, who alone changes it. One that is deleted has no owner. */
export const resource: Resource = {
  table: patients,
  columns: columnsOf(patients, shownFields),
  writes: Object.keys(fields),
  owned: ["created_by", "owner_id"],
  taken: sql`patient_taken(${callerId}, ${newEmail})`,
  visible: may("read a patient"),
  changeable: may("change a patient"),
  concerns: (id) => ({ patients: sql`array_remove(ARRAY[${id}]::int[], NULL)` }),
  isPrivate: true,
};

export const findPatient = record<Patient>(resource);
export const createPatient = creation<Patient>(resource);
export const changePatient = change<Patient>(resource);
/**
 * Hides a patient, and its assignments with it: it has no owner then. Nothing is lost; `restorePatient` in custody-queries.ts
 * brings it back.
 */
export const deletePatient = framed<Target & { gone: boolean }, Deletion>(() => ({
  entry: entryOfDeletion(resource),
  steps: {
    ...targeting(resource),
    deleted: sql`
      UPDATE ${patients} SET owner_id = NULL, deleted_from = target.owner_id, deleted_at = now(), updated_at = now(),
        version = target.version + 1
      FROM target WHERE ${isWritable(resource)} RETURNING 1`,
  },
  row: { ...ofTarget, gone: isGone },
}));

const position = sql`(${callerId}, ${value("after")}::int)`;
const size = sql`${value("size")}::int`;

/** Lines of at most `size` of the caller's patients after the id `after`; and the id after which there may be a `next`. */
const exporting = (line: SQL) =>
  repeatable<{ lines: string | null; next: number | null }, { after: number; size: number }>(() => ({
    entry: { action: "export", patients: sql`ARRAY(SELECT id FROM taken)` },
    steps: {
      taken: sql`
        SELECT * FROM ${patients}
        WHERE (${patients.owner_id}, ${patients.id}) > ${position} AND ${patients.owner_id} <= ${callerId}
        ORDER BY ${patients.owner_id}, ${patients.id} LIMIT ${size}`,
    },
    row: {
      lines: sql`(SELECT string_agg(${line}, '' ORDER BY ${patients.id}) FROM taken ${patients})`,
      next: sql`(SELECT max(id) FROM taken HAVING count(*) = ${size})`,
    },
  }));
export const exportAsNdjson = exporting(sql`${objectOf(resource.columns)}::text || E'\\n'`);
export const exportAsCsv = exporting(csvLineOf(patients, shownFields));

const refusal = (message: SQL) => sql`(SELECT row_to_json(e) FROM (SELECT ARRAY[${message}] AS email) e)`;
const refusedLines = sql`
  SELECT line, errors FROM judged WHERE errors IS NOT NULL
  UNION ALL SELECT * FROM json_to_recordset(${value("refused")}::json) AS r (line int, errors json)`;
/** Whether what is fine is made: all of it is, or a part will do. */
const isImported = sql`(${value("partial")}::boolean OR NOT ${exists("refused")})`;
const jsonLines = (columns: SQL, of: SQL) =>
  sql<string>`(SELECT '[' || coalesce(string_agg(row_to_json(l)::text, ',' ORDER BY line), '') || ']' FROM (SELECT ${columns} FROM ${of}) l)`;

/**
 * Makes a patient of each of the `lines`, unless some are refused; those that can be made, when it is `partial`. Whether an
 * email is taken, by a patient or by an earlier line, is for PostgreSQL to say. One that is taken meanwhile breaks the
 * unique constraint, and nothing is made.
 */
export const importPatients = making<
  Imported,
  {
    /** JSON: `[{line, record}]`. */
    lines: string;
    /** JSON: `[{line, errors}]`, of what is known to be refused. */
    refused: string;
    partial: boolean;
    /** SHA-256 of the file, in hexadecimal: what it says does not change with the rules that it is held against. */
    digest: string;
  },
  /** JSON like it, of all that is. */
  { refused: string }
>(() => ({
  steps: {
    numbered: sql`
      SELECT sent.line, new.*, row_number() OVER (PARTITION BY ${folded(sql`new.email`)} ORDER BY sent.line) AS nth
      FROM jsonb_to_recordset(${value("lines")}::jsonb) AS sent (line int, record jsonb),
        jsonb_populate_record(NULL::${patients}, sent.record) new`,
    own: sql`
      SELECT email FROM patients_taken(${callerId}, ARRAY(SELECT ${folded(sql`numbered.email`)} FROM numbered)) email`,
    judged: sql`
      SELECT *, CASE WHEN ${folded(sql`numbered.email`)} IN (SELECT email FROM own) THEN ${refusal(sql`'You already have a patient with this email.'`)}
        WHEN nth > 1 THEN ${refusal(sql`'An earlier line has this email.'`)} END AS errors
      FROM numbered`,
    refused: refusedLines,
  },
  draft: sql`
    SELECT line, ${names(Object.keys(fields))}, ${nextId(patients)}::int AS id, ${callerId} AS created_by, ${callerId} AS owner_id
    FROM (SELECT * FROM judged WHERE errors IS NULL ORDER BY line) fine
    WHERE ${callerId} IS NOT NULL AND ${isImported}`,
  body: sql`(
    SELECT '{"created":' || ${jsonLines(sql`line, id`, sql`draft`)} || ',"refused":' || ${jsonLines(sql`*`, sql`refused`)} || '}'
    WHERE ${isImported})`,
  entry: {
    action: action("import"),
    outcome: sql`CASE WHEN ${isImported} THEN ${ended("done")} ELSE ${ended("refused")} END`,
    patients: sql`ARRAY(SELECT id FROM draft)`,
  },
  replayed: {
    patients: sql`ARRAY(SELECT (made ->> 'id')::int FROM first, json_array_elements(answer::json -> 'created') made WHERE same)`,
  },
  insert: (condition) => sql`
    INSERT INTO ${patients} (${names(Object.keys(fields))}, id, created_by, owner_id) OVERRIDING SYSTEM VALUE
    SELECT ${names(Object.keys(fields))}, id, created_by, owner_id FROM draft WHERE ${condition}`,
  request: sql`concat_ws(' ', 'import', ${value("partial")}::boolean, ${value("digest")}::text)`,
  flags: { refused: jsonLines(sql`*`, sql`refused`) },
}));
