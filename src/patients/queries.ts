import { type SQL, sql } from "drizzle-orm";
import { action, ended } from "../db/audit.ts";
import { callerId, framed } from "../db/caller.ts";
import { folded, negated, wide } from "../db/columns.ts";
import { creation, making, nextId } from "../db/creation.ts";
import { csvLineOf } from "../db/csv.ts";
import { change, isOwn, names, type Resource, record, removal } from "../db/frames.ts";
import { columnsOf, objectOf } from "../db/json.ts";
import { isNamed, joined, list } from "../db/list.ts";
import { mappings, patients } from "../db/schema.ts";
import { value } from "../db/statement.ts";
import { fields, type Imported, Patient } from "./contract.ts";

/** A patient is its owner's, and there for nobody else. */
const resource: Resource = {
  table: patients,
  columns: columnsOf(patients, Patient.shape),
  writes: Object.keys(fields),
  visible: isOwn(patients.created_by),
  changeable: sql`true`,
  concerns: (id) => ({ patients: sql`array_remove(ARRAY[${id}]::int[], NULL)` }),
  isPrivate: true,
};

const doctor = sql`${value("doctor")}::int`;
export const listPatients = list<Patient>({
  ...resource,
  sorts: {
    id: { table: patients, fixed: [[patients.created_by, callerId]], order: [patients.id] },
    lastname: {
      table: patients,
      fixed: [[wide(patients.created_by), callerId]],
      order: [patients.last_first, patients.id],
    },
    created_at: {
      table: patients,
      fixed: [[negated(patients.created_by), sql`-${callerId}`]],
      order: [patients.created_at, patients.id],
    },
  },
  entry: () => ({ action: "list", patients: sql`ARRAY(SELECT id FROM page)` }),
  filters: {
    search: isNamed(patients),
    gender: sql`${patients.gender} = ${value("gender")}`,
    min_age: sql`${patients.age} >= ${value("min_age")}`,
    max_age: sql`${patients.age} <= ${value("max_age")}`,
    doctor: sql`(SELECT true FROM ${mappings} WHERE ${mappings.patient_id} = ${patients.id} AND ${mappings.doctor_id} = ${doctor})`,
  },
  shortcuts: {
    "doctor id": {
      table: mappings,
      fixed: [
        [wide(mappings.doctor_id), doctor],
        [mappings.owner_id, callerId],
      ],
      order: [mappings.patient_id],
      join: joined(patients, mappings.patient_id),
    },
  },
});
export const findPatient = record<Patient>(resource);
export const createPatient = creation<Patient>(resource);
export const changePatient = change<Patient>(resource);
/** The patient's assignments go with it. */
export const deletePatient = removal(resource);

const position = sql`(${callerId}, ${value("after")}::int)`;
const size = sql`${value("size")}::int`;

/** Lines of at most `size` of the caller's patients after the id `after`; and the id after which there may be a `next`. */
const exporting = (line: SQL) =>
  framed<{ lines: string | null; next: number | null }, { after: number; size: number }>(
    { action: "export", patients: sql`ARRAY(SELECT id FROM taken)` },
    {
      taken: sql`
        SELECT * FROM ${patients}
        WHERE (${patients.created_by}, ${patients.id}) > ${position} AND ${patients.created_by} <= ${callerId}
        ORDER BY ${patients.created_by}, ${patients.id} LIMIT ${size}`,
    },
    {
      lines: sql`(SELECT string_agg(${line}, '' ORDER BY ${patients.id}) FROM taken ${patients})`,
      next: sql`(SELECT max(id) FROM taken HAVING count(*) = ${size})`,
    },
  );
export const exportAsNdjson = exporting(sql`${objectOf(resource.columns)}::text || E'\\n'`);
export const exportAsCsv = exporting(csvLineOf(patients, Patient.shape));

const ownEmail = sql`
  SELECT FROM ${patients} WHERE ${folded(patients.email)} = ${folded(sql`numbered.email`)} AND ${isOwn(patients.created_by)}`;
const refusal = (message: SQL) => sql`(SELECT row_to_json(e) FROM (SELECT ARRAY[${message}] AS email) e)`;
const refusedLines = sql`
  SELECT line, errors FROM judged WHERE errors IS NOT NULL
  UNION ALL SELECT * FROM json_to_recordset(${value("refused")}::json) AS r (line int, errors json)`;
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
>({
  steps: {
    numbered: sql`
      SELECT sent.line, new.*, row_number() OVER (PARTITION BY ${folded(sql`new.email`)} ORDER BY sent.line) AS nth
      FROM jsonb_to_recordset(${value("lines")}::jsonb) AS sent (line int, record jsonb),
        jsonb_populate_record(NULL::${patients}, sent.record) new`,
    judged: sql`
      SELECT *, CASE WHEN EXISTS (${ownEmail}) THEN ${refusal(sql`'You already have a patient with this email.'`)}
        WHEN nth > 1 THEN ${refusal(sql`'An earlier line has this email.'`)} END AS errors
      FROM numbered`,
    refused: refusedLines,
  },
  draft: sql`
    SELECT line, ${names(Object.keys(fields))}, ${nextId(patients)}::int AS id, ${callerId} AS created_by
    FROM (SELECT * FROM judged WHERE errors IS NULL ORDER BY line) fine
    WHERE ${callerId} IS NOT NULL AND (${value("partial")}::boolean OR NOT EXISTS (SELECT FROM refused))`,
  body: sql`(
    SELECT '{"created":' || ${jsonLines(sql`line, id`, sql`draft`)} || ',"refused":' || ${jsonLines(sql`*`, sql`refused`)} || '}'
    WHERE ${value("partial")}::boolean OR NOT EXISTS (SELECT FROM refused))`,
  entry: {
    action: action("import"),
    outcome: sql`CASE WHEN ${value("partial")}::boolean OR NOT EXISTS (SELECT FROM refused) THEN ${ended("done")} ELSE ${ended("refused")} END`,
    patients: sql`ARRAY(SELECT id FROM draft)`,
  },
  replayed: {
    patients: sql`ARRAY(SELECT (made ->> 'id')::int FROM first, json_array_elements(answer::json -> 'created') made WHERE same)`,
  },
  insert: (condition) => sql`
    INSERT INTO ${patients} (${names(Object.keys(fields))}, id, created_by) OVERRIDING SYSTEM VALUE
    SELECT ${names(Object.keys(fields))}, id, created_by FROM draft WHERE ${condition}`,
  request: sql`concat_ws(' ', 'import', ${value("partial")}::boolean, ${value("digest")}::text)`,
  flags: { refused: jsonLines(sql`*`, sql`refused`) },
});
