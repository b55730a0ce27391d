import { getTableName, type SQL, sql } from "drizzle-orm";
import { idempotency_keys } from "../schema.ts";
import { exists, type Json, value } from "../statement.ts";
import { action, changesBetween, type Entry, ended } from "./audit.ts";
import { type Caller, callerId, framed, repeatable } from "./caller.ts";
import { objectOf } from "./json.ts";
import { names, type Resource, written } from "./resource.ts";

/** How records are made: first a draft of them, which the whole answer can be told of before anything is written. */
interface Making<Flags> {
  /** What the draft needs. */
  steps?: Record<string, SQL>;
  /** The rows to insert, with their ids and times; none when there is no caller. */
  draft: SQL;
  /** The body of the answer, told of `draft`; null when nothing is to be made. */
  body: SQL;
  /** The id of the one record that is made. */
  id?: SQL;
  /** Inserts `draft`, when a condition is true. */
  insert: (condition: SQL) => SQL;
  /** What is put on record; of the replay of an earlier answer, that it was one. */
  entry: Entry & { action: SQL };
  /** Whom an earlier answer concerns, which is the row of `first`. */
  replayed: Pick<Entry, "patients" | "doctor">;
  /** What was asked for, as text: what has to be the same when a key is used again. */
  request: SQL;
  /** What else the handler decides by. */
  flags?: { [Name in keyof Flags]: SQL<Flags[Name]> };
}

/** What came of a request that makes something. */
export interface Made<Shape> {
  body: Json<Shape> | null;
  id: number | null;
  /** It is the answer to an earlier request with the same key, and nothing was made by this one. */
  replayed: boolean;
  /** The key came with another request before: nothing was made either. */
  mistaken: boolean;
}

/**
 * Makes records; once only, when it is given a `key`: the next request with it from the same account gets the answer of the
 * first. Of two at once the second waits for the first, in `kept_answer` (drizzle/0005_who_gets_in.sql), and then sees what
 * that has kept. What breaks a constraint takes its key with it: nothing was made, so it may be tried again.
 */
export function making<Shape, Values extends Record<string, unknown>, Flags = unknown>(
  describe: () => Making<Flags>,
) {
  type Row = Made<Shape> & Flags;
  type Columns = { [Column in keyof Row]: SQL<Row[Column]> };
  const freely = framed<Row, Values>(() => {
    const { entry, steps, draft, body, id = noId, insert, flags } = describe();
    return {
      entry,
      steps: { ...steps, draft, created: insert(sql`true`) },
      row: { body, id, replayed: sql`false`, mistaken: sql`false`, ...flags } as Columns,
    };
  });
  const once = repeatable<Row, Values & { key: string }>(() => {
    const made = describe();
    return {
      entry: entryOfOnce(made),
      steps: stepsOfOnce(made),
      row: {
        body: sql`(SELECT answer FROM first WHERE same)`,
        id: sql`(SELECT record_id FROM first WHERE same)`,
        replayed: isReplayed,
        mistaken: isMistaken,
        ...made.flags,
      } as Columns,
    };
  });
  return (caller: Caller, values: Values, key: string | undefined): Promise<Row> =>
    key === undefined ? freely(caller, values) : once(caller, { ...values, key });
}

const noId = sql`NULL::int`;

/** The steps of making something under a key: what an earlier request with it was answered, or what this one is. */
function stepsOfOnce({
  steps,
  draft,
  body,
  id = noId,
  insert,
  request,
}: Making<unknown>): Record<string, SQL> {
  const fingerprint = sql`encode(sha256(convert_to(${request}, 'UTF8')), 'hex')`;
  return {
    ...steps,
    earlier: sql`
      SELECT fingerprint, record_id, answer, false AS fresh FROM kept_answer(${callerId}, ${value("key")})`,
    draft: sql`SELECT * FROM (${draft}) new WHERE NOT EXISTS (SELECT FROM earlier)`,
    kept: sql`
      INSERT INTO ${idempotency_keys} (account_id, key, fingerprint, record_id, answer)
      SELECT ${callerId}, ${value("key")}, ${fingerprint}, ${id}, ${body}
      WHERE ${body} IS NOT NULL AND ${callerId} IS NOT NULL AND NOT EXISTS (SELECT FROM earlier)
      ON CONFLICT (account_id, key) DO UPDATE SET key = EXCLUDED.key
      RETURNING fingerprint, record_id, answer, xmax = 0 AS fresh`,
    created: insert(sql`EXISTS (SELECT FROM kept WHERE fresh)`),
    first: sql`
      SELECT fingerprint = ${fingerprint} AS same, record_id, answer, fresh
      FROM (SELECT * FROM kept UNION ALL SELECT * FROM earlier) known`,
  };
}

const isReplayed = sql<boolean>`EXISTS (SELECT FROM first WHERE NOT fresh)`;
const isMistaken = sql<boolean>`EXISTS (SELECT FROM first WHERE NOT same)`;

/** The entry of making something, or of answering again what an earlier request had made. */
function entryOfOnce({ entry, replayed }: Pick<Making<unknown>, "entry" | "replayed">): Entry {
  const either = (replay: SQL, first = sql`NULL`) =>
    sql`CASE WHEN ${isReplayed} THEN ${replay} ELSE ${first} END`;
  const { patients, doctor } = replayed;
  return {
    action: sql`CASE WHEN ${isReplayed} AND NOT ${isMistaken} THEN ${action("replay")} ELSE ${entry.action} END`,
    outcome: sql`CASE WHEN ${isMistaken} THEN ${ended("refused")} ELSE ${either(ended("done"), entry.outcome ?? ended("done"))} END`,
    ...(patients && { patients: either(patients, entry.patients) }),
    ...(doctor && { doctor: either(doctor, entry.doctor) }),
    ...(entry.changes && { changes: either(sql`NULL`, entry.changes) }),
  };
}

/** A new id of a table. */
export const nextId = (table: Parameters<typeof getTableName>[0]): SQL =>
  sql`nextval(${sql.raw(`'${getTableName(table)}_id_seq'`)})`;

/**
 * Makes one record, which is the caller's, from the fields of `record`. No id is taken when there is one like it (`taken`), or when it is made at
 * the same moment: ids that failed attempts have used would be gone.
 */
export const creation = <Shape>(resource: Resource) =>
  making<Shape, { record: object }, { taken: boolean }>(() => makingOne(resource));

function makingOne({ table, columns, writes, owned, concerns, taken }: Resource): Making<{ taken: boolean }> {
  const id = sql`(SELECT id FROM draft)`;
  const inserted = [...writes, ...owned, "id", "created_at", "updated_at"];
  const whose = sql.join(
    owned.map((name) => sql`${sql.raw(`'${name}'`)}, ${callerId}`),
    sql`, `,
  );
  return {
    steps: { taken: sql`SELECT WHERE ${taken}` },
    draft: sql`
      SELECT new.* FROM (SELECT jsonb_build_object(
        'id', ${nextId(table)}, ${whose}, 'created_at', now(), 'updated_at', now()) AS own) made,
        jsonb_populate_record(NULL::${table}, ${value("record")}::jsonb || made.own) new
      WHERE ${callerId} IS NOT NULL AND NOT ${exists("taken")}`,
    body: sql`(SELECT ${objectOf(columns)}::text FROM draft ${table})`,
    id,
    entry: {
      action: action("create"),
      outcome: sql`CASE WHEN ${exists("taken")} THEN ${ended("refused")} ELSE ${ended("done")} END`,
      ...concerns(id),
      changes: changesBetween(sql`NULL`, written(writes, sql`draft`)),
    },
    replayed: concerns(sql`(SELECT record_id FROM first WHERE same)`),
    insert: (condition) => sql`
      INSERT INTO ${table} (${names(inserted)}) OVERRIDING SYSTEM VALUE
      SELECT ${names(inserted)} FROM draft WHERE ${condition}`,
    request: sql`${sql.raw(`'${getTableName(table)}'`)} || ${value("record")}::jsonb::text`,
    flags: { taken: exists("taken") },
  };
}
