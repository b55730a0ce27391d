import { sql } from "drizzle-orm";
import type { Json } from "../statement.ts";
import { param } from "../statement.ts";
import { isStillAccepted } from "./caller.ts";

// What the statements of patients and doctors have in common.

/** The row of a statement that reads one record. */
export interface FoundRecord<Shape> {
  /** Null when there is no such record for the caller. */
  version: number | null;
  /** Null also when `version` is one of the `known` versions. */
  body: Json<Shape> | null;
}

/** The parameters of reading a record. `known`: the versions that the client has already. */
export type FindParams = { id: number; known: number[] };

/**
 * What a statement returns about its `target`. All are null when there is no such record for the caller. `needsAdmin`:
 * the caller may change the record, but not in this way.
 */
export type TargetState = {
  canChange: boolean | null;
  isExpectedVersion: boolean | null;
  needsAdmin?: boolean | null;
};

/** The row of a statement that changes a record. Both are null when it was not changed. */
export type ChangedRecord<Shape> = TargetState & { version: number | null; body: Json<Shape> | null };

/** The parameters of a deletion. `expected`: null accepts every version of the record, an empty array none. */
export type DeleteParams = { id: number; expected: number[] | null };

/** The parameters of a change. `changes` has the fields to change. */
export type ChangeParams = DeleteParams & { changes: object };

/** Optimistic locking: whether a record's version is one of the `expected` ones. */
export const isExpectedVersion = (version: string) =>
  sql`coalesce(${sql.raw(version)} = ANY (${param("expected")}::int[]), ${param("expected")}::int[] IS NULL)`;

/** Whether a change may write the record that the step `target` has locked. */
export const isTargetWritable = sql`target.can_change AND target.is_expected_version AND ${isStillAccepted}`;

/** The columns of `TargetState`. */
export const targetColumns = sql`(SELECT can_change FROM target) AS "canChange",
  (SELECT is_expected_version FROM target) AS "isExpectedVersion"`;

/** The new record of a creation as JSON, and its email. */
export const newRecord = sql`${param("record")}::jsonb`;
export const newEmail = sql`${newRecord} ->> 'email'`;
