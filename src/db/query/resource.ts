import { type SQL, sql } from "drizzle-orm";
import type { PgColumn, PgTable } from "drizzle-orm/pg-core";
import type { Json } from "../statement.ts";
import { param } from "../statement.ts";
import { isStillAccepted } from "./caller.ts";
import { tableColumn } from "./json.ts";
import type { MergedState } from "./successor.ts";

// What statements that read, change or create one record have in common.

/** The row of a statement that reads one record. All are null when there is no such record for the caller. */
export interface FoundRecord<Shape> extends MergedState {
  etag: string | null;
  isExpectedVersion: boolean | null;
  /** Null also when the client knows this state of the record, or expects none of its versions. */
  body: Json<Shape> | null;
}

/**
 * The parameters of reading a record. `known`: the ETags that the client has already. `expected`: null accepts every
 * version, an empty array none.
 */
export type FindParams = { id: number; known: string[]; expected: number[] | null };

/**
 * What a statement returns about its `target`. All are null when there is no such record for the caller. `needsAdmin`:
 * the caller may change the record, but not in this way.
 */
export type TargetState = MergedState & {
  canChange: boolean | null;
  isExpectedVersion: boolean | null;
  needsAdmin?: boolean | null;
  /** Whether the caller may not change the record only because of its role in the clinic. */
  needsClinicRole?: boolean | null;
};

/**
 * The row of a statement that changes a record. `etag` and `body` are null when it was not changed. `fieldErrors`: why
 * fields are not valid for this record, by path: `{"age": "age_disagrees"}`. `existing`: the id of another record that
 * has the new email, which neither of the two shares.
 */
export type ChangedRecord<Shape> = TargetState & {
  etag: string | null;
  body: Json<Shape> | null;
  fieldErrors?: Record<string, string> | null;
  existing?: number | null;
};

/**
 * The parameters of a deletion. `expected`: null accepts every version of the record, an empty array none. `excluded`:
 * the ETags that it must not have.
 */
export type DeleteParams = { id: number; expected: number[] | null; excluded: string[] };

/** The parameters of a change. `changes` has the fields to change. */
export type ChangeParams = DeleteParams & { changes: object };

/** Whether a record's version is one of the `expected` ones. */
const isExpectedVersion = (version: string) =>
  sql`coalesce(${sql.raw(version)} = ANY (${param("expected")}::int[]), ${param("expected")}::int[] IS NULL)`;

/** The ETag of a record that changes with its version only. */
export const versionTag = (version: string): SQL => sql.raw(`${version}::text`);

/**
 * Whether a record is named by one of the ETags in a parameter. One that is a version alone names all ages of a
 * patient.
 */
const isOneOf = (version: string, tag: SQL, tags: string): SQL =>
  sql`ARRAY[${sql.raw(version)}::text, ${tag}] && ${param(tags)}::text[]`;

/** Optimistic locking: whether a record may be changed that has this version and this ETag. */
export const isChangeableVersion = (version: string, tag = versionTag(version)) =>
  sql`${isExpectedVersion(version)} AND NOT ${isOneOf(version, tag, "excluded")}`;

/** The columns of the step `found`, which reads a record. `body`: the record as JSON text, if it is to be sent. */
export const foundColumns = (version: string, json: SQL, tag = versionTag(version)) => sql`${tag} AS etag,
      ${isExpectedVersion(version)} AS is_expected_version,
      CASE WHEN ${isOneOf(version, tag, "known")} THEN NULL
        WHEN ${isExpectedVersion(version)} THEN ${json} END AS body`;

/** The columns of `FoundRecord`. */
export const foundRecordColumns = sql`(SELECT etag FROM found) AS etag,
  (SELECT is_expected_version FROM found) AS "isExpectedVersion",
  (SELECT body FROM found) AS body`;

/** The changes as JSON. */
export const sentChanges = sql`${param("changes")}::jsonb`;

/** Whether a change may write the record that the step `target` has locked. */
export const isTargetWritable = sql`target.can_change AND target.is_expected_version AND ${isStillAccepted}`;

/**
 * The columns of the step `next`, the record after the change: the fields that the JSON object `changes` has, and for
 * the others the values of the row `alias`. With `jsonb_populate_record` each change costs PostgreSQL 35 µs more, 10 %,
 * measured on 18.4.
 */
export const nextValues = (table: PgTable, alias: string, names: readonly string[]): SQL =>
  sql.join(
    names.map((name) => sql`\n${nextValue(table, alias, name)} AS ${sql.raw(name)}`),
    sql`,`,
  );

/** For `UPDATE … SET`: the values that a step has. */
export const setColumns = (names: readonly string[], step = "next"): SQL =>
  sql.raw(names.map((name) => `${name} = ${step}.${name}`).join(", "));

/** The value of a field after the change. */
function nextValue(table: PgTable, alias: string, name: string): SQL {
  const column = tableColumn(table, name);
  const [value, current] = [sentValue(sentChanges, column), sql.raw(`${alias}.${name}`)];
  return column.notNull && !isStructured(column)
    ? sql`coalesce(${value}, ${current})`
    : sql`CASE WHEN ${hasChange(name)} THEN ${value} ELSE ${current} END`;
}

/** Whether the JSON object `changes` has a field, which may be null. */
export const hasChange = (name: string): SQL => sql`${sentChanges} ? '${sql.raw(name)}'`;

const isStructured = (column: PgColumn): boolean => /\[\]$|^jsonb$/.test(column.getSQLType());

/** The value of a field in the JSON object `sent`; NULL when it has none, or null. An array is empty then. */
function sentValue(sent: SQL, column: PgColumn): SQL {
  const [name, type] = [sql.raw(`'${column.name}'`), column.getSQLType()];
  if (type === "text[]") return sql`ARRAY(SELECT jsonb_array_elements_text(${sent} -> ${name}))`;
  if (type === "jsonb") return sql`nullif(${sent} -> ${name}, 'null')`;
  const value = sql`${sent} ->> ${name}`;
  return type === "text" ? value : sql`(${value})::${sql.raw(type)}`;
}

/** The errors of a record that would have no name, from the step `next`, as rows of `field` and `code`. */
export const nameErrors = sql`SELECT field, 'required' AS code FROM next, unnest(ARRAY['firstname', 'lastname']) field
    WHERE next.firstname = '' AND next.lastname = ''`;

/** What the step `field_errors` has found: rows of `field` and `code`. */
export const fieldErrorsColumn = sql`(SELECT json_object_agg(field, code) FROM field_errors) AS "fieldErrors"`;
export const isValid = sql`NOT EXISTS (SELECT FROM field_errors)`;

/**
 * What a statement that creates a record says beyond `CreateResult`. `fieldErrors` and `existing`: see `ChangedRecord`.
 */
export type NewRecordState = {
  etag: string | null;
  existing: number | null;
  isAllowed?: boolean;
  fieldErrors?: Record<string, string> | null;
};

/** The columns of `TargetState`. */
export const targetColumns = sql`(SELECT can_change FROM target) AS "canChange",
  (SELECT is_expected_version FROM target) AS "isExpectedVersion"`;

/** Whether the caller may read the record `target` as a member of its clinic, and lacks only the role to change it. */
export const clinicRoleColumn = sql`(SELECT is_own AND NOT can_change FROM target) AS "needsClinicRole"`;

/** The new record of a creation as JSON. */
export const newRecord = sql`${param("record")}::jsonb`;

/** Its email, and whether others may have the same one. */
export const newEmail = sql`${newRecord} ->> 'email'`;
export const newEmailShared = sql`coalesce((${newRecord} ->> 'email_shared')::boolean, false)`;

/**
 * The columns of a new record: the fields that the JSON object `sent` has, and for the others NULL or their `defaults`.
 * With `jsonb_populate_record` a creation costs PostgreSQL 5 % more, measured on 18.4.
 *
 * @param defaults SQL literals, by the name of the column.
 */
export const newValues = (
  sent: SQL,
  table: PgTable,
  names: readonly string[],
  defaults: Partial<Record<string, string>>,
): SQL =>
  sql.join(
    names.map((name) => {
      const [value, otherwise] = [sentValue(sent, tableColumn(table, name)), defaults[name]];
      return sql`\n${otherwise ? sql`coalesce(${value}, ${sql.raw(otherwise)})` : value} AS ${sql.raw(name)}`;
    }),
    sql`,`,
  );
