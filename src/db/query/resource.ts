import { type SQL, sql } from "drizzle-orm";
import type { PgColumn, PgTable } from "drizzle-orm/pg-core";
import { exists, type Json, value } from "../statement.ts";
import { changesBetween, type Entry, outcomeOfReading, outcomeOfWriting } from "./audit.ts";
import { callerId, framed, isRevoked, repeatable, stillAccepted } from "./caller.ts";
import { objectOf } from "./json.ts";

/** A kind of record: where it is, what a caller may do with it, what is shown of it, and what is written. */
export interface Resource {
  table: PgTable & { id: PgColumn; version: PgColumn; created_by: PgColumn };
  /** What an answer shows, see `columnsOf`. */
  columns: SQL;
  /** The columns that a client writes, by their names. */
  writes: string[];
  /** The columns that say whose a new one is. */
  owned: string[];
  /** Whether there is one already like the `record` that is to be made. */
  taken: SQL;
  /** Whether the caller sees a record: one that it does not see is not there for it. */
  visible: SQL;
  /** Whether the caller may change or delete a record that it sees. */
  changeable: SQL;
  /** Whom a record says something of, by its id. */
  concerns: (id: SQL) => Pick<Entry, "patients" | "doctor">;
  /** Whether it is put on record who reads one: that of patients is, the directory of doctors is everybody's. */
  isPrivate: boolean;
}

/** The email of the `record` that is to be made. */
export const newEmail = sql`(${value("record")}::jsonb ->> 'email')`;

/** Names of columns, each after `prefix`. */
export const names = (of: string[], prefix = sql``): SQL =>
  sql.join(
    of.map((name) => sql`${prefix}${sql.identifier(name)}`),
    sql`, `,
  );

const id = sql`${value("id")}::int`;

/**
 * One record: its `version`, null when there is none, and its `body`; null too when its version is among the `known`.
 */
export const record = <Shape>({ table, columns, visible, concerns, isPrivate }: Resource) =>
  repeatable<{ version: number | null; body: Json<Shape> | null }, { id: number; known: number[] }>(() => ({
    entry: isPrivate ? { action: "read", outcome: outcomeOfReading(exists("found")), ...concerns(id) } : null,
    steps: {
      found: sql`
        SELECT ${table.version}, CASE WHEN ${table.version} = ANY (${value("known")}::int[]) THEN NULL
          ELSE ${objectOf(columns)} END::text AS body
        FROM ${table} WHERE ${table.id} = ${id} AND ${visible}`,
    },
    row: { version: sql`(SELECT version FROM found)`, body: sql`(SELECT body FROM found)` },
  }));

/** Whether a record has one of the `expected` versions, when any are. */
const isExpected = ({ version }: Resource["table"]): SQL =>
  sql`coalesce(${version} = ANY (${value("expected")}::int[]), ${value("expected")}::int[] IS NULL)`;

/**
 * The record that is to be changed, if the caller sees it: as it is, whether it may, and whether it is of an expected version.
 * It is locked: who waited for another's change finds what came of that.
 */
const target = ({ table, visible, changeable }: Resource): SQL => sql`
  SELECT ${table}.*, ${changeable} AS changeable, ${isExpected(table)} AS expected
  FROM ${table} WHERE ${table.id} = ${id} AND ${visible} AND ${callerId} IS NOT NULL FOR UPDATE`;

/** The steps of what is to be changed: the `target`, and whether the caller is accepted still when that is locked. */
export const targeting = (resource: Resource) => ({
  target: target(resource),
  still: stillAccepted("target"),
});

/** What a statement answers of its `target`; the first two are null when there is none. */
export type Target = { changeable: boolean | null; expected: boolean | null; revoked: boolean };
export const ofTarget = {
  revoked: sql<boolean>`${exists("target")} AND ${isRevoked}`,
  changeable: sql<boolean | null>`(SELECT changeable FROM target)`,
  expected: sql<boolean | null>`(SELECT expected FROM target)`,
};

/** The condition of a step that writes the `target`. */
export const isWritable = ({ table }: Resource): SQL =>
  sql`${table.id} = target.id AND target.changeable AND target.expected AND ${exists("still")}`;
const outcome = (written: string): SQL => outcomeOfWriting(exists("target"), exists(written));

/** The fields that a client writes, as a step has them; null when it has no row. */
export const written = (writes: string[], step: SQL): SQL =>
  sql`(SELECT row_to_json(o) FROM (SELECT ${names(writes)} FROM ${step}) o)`;

/** Changes the fields that `changes` has and leaves the others: the record as it is then, when it is writable. */
export const change = <Shape>(resource: Resource) => {
  const { table, columns, writes, concerns } = resource;
  return framed<
    Target & { version: number | null; body: Json<Shape> | null },
    { id: number; changes: object; expected: number[] | null }
  >(() => ({
    entry: {
      action: "update",
      outcome: outcome("changed"),
      ...concerns(id),
      changes: sql`(SELECT ${changesBetween(written(writes, sql`target`), sql`changed.fields`)} FROM changed)`,
    },
    steps: {
      ...targeting(resource),
      changed: sql`
        UPDATE ${table} SET (${names(writes)}, updated_at, version) = (
          SELECT ${names(writes, sql`new.`)}, now(), ${table.version} + 1
          FROM jsonb_populate_record(${table}, ${value("changes")}::jsonb) new)
        FROM target WHERE ${isWritable(resource)}
        RETURNING ${table.version}, ${objectOf(columns)}::text AS body, ${objectOf(names(writes, sql`${table}.`))} AS fields`,
    },
    row: { ...ofTarget, version: sql`(SELECT version FROM changed)`, body: sql`(SELECT body FROM changed)` },
  }));
};

export const isGone = exists("deleted");
/** What is put on record of the step `deleted`. */
export const entryOfDeletion = ({ concerns }: Resource): Entry & { outcome: SQL } => ({
  action: "delete",
  outcome: outcome("deleted"),
  ...concerns(id),
});

/** What a deletion is given. */
export type Deletion = { id: number; expected: number[] | null };

/** Whether a row is the caller's own. */
export const isOwn = (owner: PgColumn): SQL => sql`${owner} = ${callerId}`;
