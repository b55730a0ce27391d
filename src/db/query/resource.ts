import { type SQL, sql } from "drizzle-orm";
import type { PgColumn, PgTable } from "drizzle-orm/pg-core";
import type { Json } from "../statement.ts";
import { param } from "../statement.ts";
import { isStillAccepted } from "./caller.ts";
import { tableColumn } from "./json.ts";

// What the statements of patients and doctors have in common.

/** The row of a statement that reads one record. All are null when there is no such record for the caller. */
export interface FoundRecord<Shape> {
  version: number | null;
  isExpectedVersion: boolean | null;
  /** Null also when `version` is one of the `known` versions, or none of the `expected` ones. */
  body: Json<Shape> | null;
}

/**
 * The parameters of reading a record. `known`: the versions that the client has already. `expected`: null accepts every
 * version, an empty array none.
 */
export type FindParams = { id: number; known: number[]; expected: number[] | null };

/**
 * What a statement returns about its `target`. All are null when there is no such record for the caller. `needsAdmin`:
 * the caller may change the record, but not in this way.
 */
export type TargetState = {
  canChange: boolean | null;
  isExpectedVersion: boolean | null;
  needsAdmin?: boolean | null;
  /** Whether the record would have a name, and a contact, after the change. */
  hasName?: boolean | null;
  hasContact?: boolean | null;
  /** The id of another record that has the new email, which neither of the two shares. */
  existing?: number | null;
};

/** The row of a statement that changes a record. Both are null when it was not changed. */
export type ChangedRecord<Shape> = TargetState & { version: number | null; body: Json<Shape> | null };

/**
 * The parameters of a deletion. `expected`: null accepts every version of the record, an empty array none. `excluded`:
 * the versions that it must not have.
 */
export type DeleteParams = { id: number; expected: number[] | null; excluded: number[] };

/** The parameters of a change. `changes` has the fields to change. */
export type ChangeParams = DeleteParams & { changes: object };

/** Whether a record's version is one of the `expected` ones. */
const isExpectedVersion = (version: string) =>
  sql`coalesce(${sql.raw(version)} = ANY (${param("expected")}::int[]), ${param("expected")}::int[] IS NULL)`;

/** Optimistic locking: whether a record may be changed that has this version. */
export const isChangeableVersion = (version: string) =>
  sql`${isExpectedVersion(version)} AND ${sql.raw(version)} <> ALL (${param("excluded")}::int[])`;

/** The columns of the step `found`, which reads a record. `body`: the record as JSON text, if it is to be sent. */
export const foundColumns = (version: string, json: SQL) => sql`${sql.raw(version)} AS version,
      ${isExpectedVersion(version)} AS is_expected_version,
      CASE WHEN ${sql.raw(version)} = ANY (${param("known")}::int[]) THEN NULL
        WHEN ${isExpectedVersion(version)} THEN ${json} END AS body`;

/** The columns of `FoundRecord`. */
export const foundRecordColumns = sql`(SELECT version FROM found) AS version,
  (SELECT is_expected_version FROM found) AS "isExpectedVersion",
  (SELECT body FROM found) AS body`;

const changes = sql`${param("changes")}::jsonb`;

/** Whether a change may write the record that the step `target` has locked. */
export const isTargetWritable = sql`target.can_change AND target.is_expected_version AND ${isStillAccepted}`;

/**
 * For `UPDATE … SET`: the fields that the JSON object `changes` has, and for the others the values of the row. With
 * `jsonb_populate_record` each change costs PostgreSQL 35 µs more, 10 %, measured on 18.4.
 */
export function changedFields(table: PgTable, alias: string, names: readonly string[]): SQL {
  const assignments = names.map((name) => sql`\n${sql.raw(name)} = ${nextValue(table, alias, name)}`);
  return sql.join(assignments, sql`,`);
}

/** For `SELECT`: the same values as columns. */
export const nextValues = (table: PgTable, alias: string, names: readonly string[]): SQL =>
  sql.join(
    names.map((name) => sql`\n${nextValue(table, alias, name)} AS ${sql.raw(name)}`),
    sql`,`,
  );

/** The value of a field after the change. */
function nextValue(table: PgTable, alias: string, name: string): SQL {
  const column = tableColumn(table, name);
  const [value, current] = [changedValue(column), sql.raw(`${alias}.${name}`)];
  return column.notNull && !isStructured(column)
    ? sql`coalesce(${value}, ${current})`
    : sql`CASE WHEN ${hasChange(name)} THEN ${value} ELSE ${current} END`;
}

/** Whether the JSON object `changes` has a field, which may be null. */
export const hasChange = (name: string): SQL => sql`${changes} ? '${sql.raw(name)}'`;

const isStructured = (column: PgColumn): boolean => /\[\]$|^jsonb$/.test(column.getSQLType());

/** The value of a field in `changes`; NULL when it has none, or null. */
function changedValue(column: PgColumn): SQL {
  const [name, type] = [sql.raw(`'${column.name}'`), column.getSQLType()];
  if (type === "text[]") return sql`ARRAY(SELECT jsonb_array_elements_text(${changes} -> ${name}))`;
  if (type === "jsonb") return sql`nullif(${changes} -> ${name}, 'null')`;
  const value = sql`${changes} ->> ${name}`;
  return type === "text" ? value : sql`(${value})::${sql.raw(type)}`;
}

/** The columns of `TargetState`. */
export const targetColumns = sql`(SELECT can_change FROM target) AS "canChange",
  (SELECT is_expected_version FROM target) AS "isExpectedVersion"`;

/** The new record of a creation as JSON, its email, and whether others may have the same email. */
export const newRecord = sql`${param("record")}::jsonb`;
export const newEmail = sql`${newRecord} ->> 'email'`;
export const newEmailShared = sql`coalesce((${newRecord} ->> 'email_shared')::boolean, false)`;
