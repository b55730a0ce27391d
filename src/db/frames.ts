import { type SQL, sql } from "drizzle-orm";
import type { PgColumn, PgTable } from "drizzle-orm/pg-core";
import { callerId, framed } from "./caller.ts";
import { bodyOf, objectOf } from "./json.ts";
import { type Json, value } from "./statement.ts";

/** A kind of record: where it is, what is shown of it, and what a caller may do with it. */
export interface Resource {
  table: PgTable & { id: PgColumn };
  /** What an answer shows, see `columnsOf`. */
  columns: SQL;
  /** The columns that a client writes, by their names. */
  writes: string[];
  /** Whether the caller sees a record: one that it does not see is not there for it. */
  visible: SQL;
  /** Whether the caller may change or delete a record that it sees. */
  changeable: SQL;
}

type Rights = Pick<Resource, "table" | "visible" | "changeable">;

const names = (of: string[], prefix = sql``): SQL =>
  sql.join(
    of.map((name) => sql`${prefix}${sql.identifier(name)}`),
    sql`, `,
  );

/** One record: its `body`, or null. */
export const record = <Shape>({ table, columns, visible }: Resource) =>
  framed<{ body: Json<Shape> | null }, { id: number }>(
    { found: sql`SELECT ${columns} FROM ${table} WHERE ${table.id} = ${value("id")} AND ${visible}` },
    { body: bodyOf("found") },
  );

/** A new record, which is the caller's, from the fields of `record`. */
export const creation = <Shape>({ table, columns, writes }: Resource) =>
  framed<{ id: number; body: Json<Shape> }, { record: object }>(
    {
      created: sql`
        INSERT INTO ${table} (${names(writes)}, created_by)
        SELECT ${names(writes, sql`new.`)}, ${callerId}
        FROM jsonb_populate_record(NULL::${table}, ${value("record")}::jsonb) new WHERE ${callerId} IS NOT NULL
        RETURNING ${columns}`,
    },
    { id: sql`(SELECT id FROM created)`, body: bodyOf("created") },
  );

/** The record that is to be changed, if the caller sees it, and whether it may. */
export const target = ({ table, visible, changeable }: Rights): SQL =>
  sql`SELECT ${changeable} AS changeable FROM ${table} WHERE ${table.id} = ${value("id")} AND ${visible}`;
/** Null when there is none. */
export const isChangeable: SQL<boolean | null> = sql`(SELECT changeable FROM target)`;

/** Changes the fields that `changes` has and leaves the others. The record as it is then, when it is `changeable`. */
export const change = <Shape>(resource: Resource) => {
  const { table, columns, writes, visible, changeable } = resource;
  return framed<{ changeable: boolean | null; body: Json<Shape> | null }, { id: number; changes: object }>(
    {
      target: target(resource),
      changed: sql`
        UPDATE ${table} SET (${names(writes)}, updated_at) = (
          SELECT ${names(writes, sql`new.`)}, now() FROM jsonb_populate_record(${table}, ${value("changes")}::jsonb) new)
        WHERE ${table.id} = ${value("id")} AND ${visible} AND ${changeable} AND ${callerId} IS NOT NULL
        RETURNING ${columns}`,
    },
    { changeable: isChangeable, body: bodyOf("changed") },
  );
};

/** The step that deletes a record, when the caller may, and when `condition` is true of it. */
export const deletion = ({ table, visible, changeable }: Rights, condition = sql`true`): SQL => sql`
  DELETE FROM ${table}
  WHERE ${table.id} = ${value("id")} AND ${visible} AND ${changeable} AND ${condition} AND ${callerId} IS NOT NULL
  RETURNING 1`;
export const isGone: SQL<boolean> = sql`EXISTS (SELECT FROM deleted)`;

/** Deletes a record, when it is `changeable`; whether it is `gone` then. */
export const removal = (resource: Rights) =>
  framed<{ changeable: boolean | null; gone: boolean }, { id: number }>(
    { target: target(resource), deleted: deletion(resource) },
    { changeable: isChangeable, gone: isGone },
  );

/** A list in pages: which of a table's rows, in which order, and what is shown of each. */
interface List {
  table: PgTable & { id: PgColumn };
  /** Which rows come after the id `after`. To be answered, with `order`, by one index: no other rows are read. */
  where: SQL;
  order: SQL;
  columns: SQL;
  /** What is joined to the page's rows, once they have been taken. */
  join?: SQL;
}

/** A page of at most `size` records after the id `after`; and the id after which the `next` begins, when there is one. */
export const page = <Shape>({ table, where, order, columns, join = sql`` }: List) =>
  framed<{ body: Json<Shape[]>; next: number | null }, { after: number; size: number }>(
    {
      taken: sql`
        SELECT ${table}.*, row_number() OVER (ORDER BY ${order}) AS page_position FROM ${table}
        WHERE ${where} ORDER BY ${order} LIMIT ${size} + 1`,
      shown: sql`
        SELECT page_position, ${objectOf(columns)}::text AS json FROM taken ${table} ${join} WHERE page_position <= ${size}`,
    },
    {
      body: sql`(SELECT '[' || coalesce(string_agg(json, ',' ORDER BY page_position), '') || ']' FROM shown)`,
      next: sql`(SELECT id FROM taken WHERE page_position = ${size} AND EXISTS (SELECT FROM taken WHERE page_position > ${size}))`,
    },
  );
const size = sql`${value("size")}::int`;

/** Whether a row is the caller's own. */
export const isOwn = (owner: PgColumn): SQL => sql`${owner} = ${callerId}`;

/**
 * Whether a row is the caller's own and comes after the id `after`: for a page, in order of owner and id. As a comparison
 * of rows, for only the index on both can answer that, in order; and with an owner that PostgreSQL does not know when it
 * plans: it then expects many rows, and takes that index, however wrong its statistics of this owner are.
 */
export const isOwnAfter = (owner: PgColumn, id: PgColumn): SQL =>
  sql`(${owner}, ${id}) > (${callerId}, ${value("after")}::int) AND ${owner} <= ${callerId}`;
