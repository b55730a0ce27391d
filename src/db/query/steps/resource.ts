import { type SQL, sql } from "drizzle-orm";
import type { PgColumn, PgTable } from "drizzle-orm/pg-core";
import { type AuditEventColumns, changesBetween, readOutcome, writeOutcome } from "./audit.ts";
import {
  authenticated,
  authenticatedRetryable,
  callerId,
  isRevokedDuringWait,
  recheckCaller,
  withoutRecheck,
} from "./caller.ts";
import { jsonObject, stepJson } from "./json.ts";
import { exists, intParam, type Json, param } from "./statement.ts";

/** A kind of record: its table, its columns and its permissions. */
export interface Resource {
  table: PgTable & { id: PgColumn; version: PgColumn; created_by: PgColumn };
  /** The columns of a response, see `selectColumns`. */
  columns: SQL;
  /** The names of the columns that a client writes. */
  writableColumns: string[];
  /** The names of the columns that hold the owner of a new record. */
  ownerColumns: string[];
  /** Whether the new record of the parameter `record` would violate a unique constraint. */
  isDuplicate: SQL;
  /** Whether the caller may read a record. If not, the response is the same 404 as for an unknown id. */
  canRead: SQL;
  /** Whether the caller may change or delete a record that it may read. */
  canChange: SQL;
  /** The patient or doctor of the audit event. */
  auditSubjects: (id: SQL) => Pick<AuditEventColumns, "patients" | "doctor">;
  /** Whether reads are audited: those of patients are, those of the directory of doctors are not. */
  isReadAudited: boolean;
}

/** The email of the new record in the parameter `record`. */
export const newEmail = sql`(${param("record")}::jsonb ->> 'email')`;

/** A list of column names. @param prefix is written before each name: `new.` */
export const columnNames = (names: string[], prefix = sql``): SQL =>
  sql.join(
    names.map((name) => sql`${prefix}${sql.identifier(name)}`),
    sql`, `,
  );

const id = intParam("id");

/**
 * Defines the statement that reads one record.
 *
 * @returns its row: `version` is null when there is no such record for the caller. `body` is null then, and also when
 *   `version` is one of the `known` versions.
 */
export const findById = <Shape>({ table, columns, canRead, auditSubjects, isReadAudited }: Resource) =>
  authenticatedRetryable<
    { version: number | null; body: Json<Shape> | null },
    { id: number; known: number[] }
  >(() => ({
    auditEvent: isReadAudited
      ? { action: "read", outcome: readOutcome(exists("found")), ...auditSubjects(id) }
      : null,
    revoked: withoutRecheck,
    steps: {
      found: sql`
        SELECT ${table.version}, CASE WHEN ${table.version} = ANY (${param("known")}::int[]) THEN NULL
          ELSE ${jsonObject(columns)} END::text AS body
        FROM ${table} WHERE ${table.id} = ${id} AND ${canRead}`,
    },
    row: { version: sql`(SELECT version FROM found)`, body: sql`(SELECT body FROM found)` },
  }));

/**
 * Optimistic locking: whether the record has one of the `expected` versions. NULL accepts every version, an empty array
 * none.
 */
const isExpectedVersion = ({ version }: Resource["table"]): SQL =>
  sql`coalesce(${version} = ANY (${param("expected")}::int[]), ${param("expected")}::int[] IS NULL)`;

/**
 * The row lock and the re-check of the caller that every change and deletion begins with. `FOR UPDATE` waits for a
 * concurrent change and then, under READ COMMITTED, sees the row as that change left it.
 */
export const lockTarget = ({ table, canRead, canChange }: Resource) => ({
  target: sql`
    SELECT ${table}.*, ${canChange} AS can_change, ${isExpectedVersion(table)} AS is_expected_version
    FROM ${table} WHERE ${table.id} = ${id} AND ${canRead} AND ${callerId} IS NOT NULL FOR UPDATE`,
  caller_recheck: recheckCaller("target"),
});

/** What a statement returns about its `target`. Both are null when there is no such record for the caller. */
export type TargetState = { canChange: boolean | null; isExpectedVersion: boolean | null };
export const targetColumns = {
  canChange: sql<boolean | null>`(SELECT can_change FROM target)`,
  isExpectedVersion: sql<boolean | null>`(SELECT is_expected_version FROM target)`,
};

/** Whether the caller was revoked while the statement waited for the row lock of `target`. */
export const isTargetRevoked = isRevokedDuringWait("target");

/** The condition under which a step writes the `target`. */
export const isTargetWritable = ({ table }: Resource): SQL =>
  sql`${table.id} = target.id AND target.can_change AND target.is_expected_version AND ${exists("caller_recheck")}`;
const targetOutcome = (writingStep: string): SQL => writeOutcome(exists("target"), exists(writingStep));

/** The columns that a client writes as a JSON object; NULL when the step has no row. */
export const writableFieldsJson = (writableColumns: string[], step: string): SQL =>
  stepJson(columnNames(writableColumns), step);

/**
 * Defines the statement that changes the fields in `changes` and leaves the others.
 *
 * @returns its row: the state of the target, and `version` and `body` of the changed record, null when it was not
 *   changed.
 */
export const updateById = <Shape>(resource: Resource) => {
  const { table, columns, writableColumns, auditSubjects } = resource;
  return authenticated<
    TargetState & { version: number | null; body: Json<Shape> | null },
    { id: number; changes: object; expected: number[] | null }
  >(() => ({
    auditEvent: {
      action: "update",
      outcome: targetOutcome("changed"),
      ...auditSubjects(id),
      changes: sql`(SELECT ${changesBetween(writableFieldsJson(writableColumns, "target"), sql`changed.fields`)} FROM changed)`,
    },
    revoked: isTargetRevoked,
    steps: {
      ...lockTarget(resource),
      // jsonb_populate_record overwrites the columns that the JSON has and keeps the others.
      changed: sql`
        UPDATE ${table} SET (${columnNames(writableColumns)}, updated_at, version) = (
          SELECT ${columnNames(writableColumns, sql`new.`)}, now(), ${table.version} + 1
          FROM jsonb_populate_record(${table}, ${param("changes")}::jsonb) new)
        FROM target WHERE ${isTargetWritable(resource)}
        RETURNING ${table.version}, ${jsonObject(columns)}::text AS body,
          ${jsonObject(columnNames(writableColumns, sql`${table}.`))} AS fields`,
    },
    row: {
      ...targetColumns,
      version: sql`(SELECT version FROM changed)`,
      body: sql`(SELECT body FROM changed)`,
    },
  }));
};

/** Whether the step `deleted` deleted the record. */
export const isDeleted = exists("deleted");

/** The audit event of a statement with the steps `target` and `deleted`. */
export const deletionAuditEvent = ({ auditSubjects }: Resource): AuditEventColumns => ({
  action: "delete",
  outcome: targetOutcome("deleted"),
  ...auditSubjects(id),
});

/** The parameters of a deletion. `expected`: null accepts every version of the record, an empty array none. */
export type DeleteParams = { id: number; expected: number[] | null };

/** Whether the caller's account is the owner. */
export const isOwnedByCaller = (owner: PgColumn): SQL => sql`${owner} = ${callerId}`;
