import { type SQL, sql } from "drizzle-orm";
import type { PgColumn, PgTable } from "drizzle-orm/pg-core";
import { callerId, framed } from "./caller.ts";
import { objectOf } from "./json.ts";
import { type Json, value } from "./statement.ts";

/** What a caller may do with a kind of record, and where it is. */
export interface Rights {
  table: PgTable & { id: PgColumn; version?: PgColumn };
  /** Whether the caller sees a record: one that it does not see is not there for it. */
  visible: SQL;
  /** Whether the caller may change or delete a record that it sees. */
  changeable: SQL;
}

/** A kind of record that has versions: what is shown of it, and what is written. */
export interface Resource extends Rights {
  table: PgTable & { id: PgColumn; version: PgColumn; created_by: PgColumn };
  /** What an answer shows, see `columnsOf`. */
  columns: SQL;
  /** The columns that a client writes, by their names. */
  writes: string[];
}

/** Names of columns, each after `prefix`. */
export const names = (of: string[], prefix = sql``): SQL =>
  sql.join(
    of.map((name) => sql`${prefix}${sql.identifier(name)}`),
    sql`, `,
  );

/**
 * One record: its `version`, null when there is none, and its `body`; null too when its version is among the `known`.
 */
export const record = <Shape>({ table, columns, visible }: Resource) =>
  framed<{ version: number | null; body: Json<Shape> | null }, { id: number; known: number[] }>(
    {
      found: sql`
        SELECT ${table.version}, CASE WHEN ${table.version} = ANY (${value("known")}::int[]) THEN NULL
          ELSE ${objectOf(columns)} END::text AS body
        FROM ${table} WHERE ${table.id} = ${value("id")} AND ${visible}`,
    },
    { version: sql`(SELECT version FROM found)`, body: sql`(SELECT body FROM found)` },
  );

/** Whether a record has one of the `expected` versions, when any are; one without versions always has. */
const isExpected = ({ version }: Rights["table"]): SQL =>
  version
    ? sql`coalesce(${version} = ANY (${value("expected")}::int[]), ${value("expected")}::int[] IS NULL)`
    : sql`true`;

/** The record that is to be changed, if the caller sees it: whether it may, and whether it is of an expected version. */
export const target = ({ table, visible, changeable }: Rights): SQL => sql`
  SELECT ${changeable} AS changeable, ${isExpected(table)} AS expected
  FROM ${table} WHERE ${table.id} = ${value("id")} AND ${visible}`;

/** What a statement answers of its `target`; both null when there is none. */
export type Target = { changeable: boolean | null; expected: boolean | null };
export const ofTarget = {
  changeable: sql<boolean | null>`(SELECT changeable FROM target)`,
  expected: sql<boolean | null>`(SELECT expected FROM target)`,
};

/** The condition of a step that writes the `target`; looked at again when it has waited for another that did. */
const isWritable = ({ table, visible, changeable }: Rights): SQL => sql`
  ${table.id} = ${value("id")} AND ${visible} AND ${changeable} AND ${isExpected(table)} AND ${callerId} IS NOT NULL`;

/** Changes the fields that `changes` has and leaves the others: the record as it is then, when it is writable. */
export const change = <Shape>(resource: Resource) => {
  const { table, columns, writes } = resource;
  return framed<
    Target & { version: number | null; body: Json<Shape> | null },
    { id: number; changes: object; expected: number[] | null }
  >(
    {
      target: target(resource),
      changed: sql`
        UPDATE ${table} SET (${names(writes)}, updated_at, version) = (
          SELECT ${names(writes, sql`new.`)}, now(), ${table.version} + 1
          FROM jsonb_populate_record(${table}, ${value("changes")}::jsonb) new)
        WHERE ${isWritable(resource)}
        RETURNING ${table.version}, ${objectOf(columns)}::text AS body`,
    },
    { ...ofTarget, version: sql`(SELECT version FROM changed)`, body: sql`(SELECT body FROM changed)` },
  );
};

/** The step that deletes the `target`, when it is writable, and when `condition` is true of it. */
export const deletion = (rights: Rights, condition = sql`true`): SQL => sql`
  DELETE FROM ${rights.table} WHERE ${isWritable(rights)} AND ${condition} RETURNING 1`;
export const isGone: SQL<boolean> = sql`EXISTS (SELECT FROM deleted)`;

/** Deletes a record, when it is writable; whether it is `gone` then. `Values` has `expected` too for one that has versions. */
export const removal = <Values extends { id: number }>(rights: Rights) =>
  framed<Target & { gone: boolean }, Values>(
    { target: target(rights), deleted: deletion(rights) },
    { ...ofTarget, gone: isGone },
  );

/** Whether a row is the caller's own. */
export const isOwn = (owner: PgColumn): SQL => sql`${owner} = ${callerId}`;
