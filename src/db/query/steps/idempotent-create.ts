import { getTableName, type SQL, sql } from "drizzle-orm";
import { idempotency_keys } from "../../schema.ts";
import { type AuditEventColumns, changesBetween, doneOrRefused } from "./audit.ts";
import { authenticated, authenticatedRetryable, type Caller, callerId, withoutRecheck } from "./caller.ts";
import { jsonObject } from "./json.ts";
import { columnNames, type Resource, writableFieldsJson } from "./resource.ts";
import { exists, type Json, param } from "./statement.ts";

/** How records are created: a draft first, from which the response is built before anything is inserted. */
interface CreatePlan<Columns> {
  /** The steps that the draft needs. */
  steps?: Record<string, SQL>;
  /** The rows to insert, with their ids and timestamps. None when there is no caller or nothing may be created. */
  draft: SQL;
  /** The response, built from `draft`; NULL when nothing is to be created. */
  body: SQL;
  /** The id of the record, when exactly one is created. */
  id?: SQL;
  /** Inserts `draft` if a condition is true. */
  insert: (condition: SQL) => SQL;
  auditEvent: AuditEventColumns & { action: SQL };
  /** See `AuthenticatedWork`. */
  revoked: SQL<boolean>;
  /** The patients or the doctor in the stored response, for the audit event of a replay. */
  replaySubjects: Pick<AuditEventColumns, "patients" | "doctor">;
  /** The request as text: it must be the same when a key is used again. */
  requestText: SQL;
  /** More columns that the handler needs to choose the response. */
  extraColumns?: { [Name in keyof Columns]: SQL<Columns[Name]> };
}

/** The result of a creating statement. */
export interface CreateResult<Shape> {
  body: Json<Shape> | null;
  id: number | null;
  /** Whether `body` is the stored response of an earlier request with the same key. Nothing was created then. */
  isReplayed: boolean;
  /** Whether the key was used before with a different request. Nothing was created then. */
  keyReusedWithDifferentRequest: boolean;
}

/**
 * Defines a statement that creates records, at most once for each idempotency key of an account: a later request with
 * the same key gets the stored response of the first. Of two concurrent ones the second waits for the advisory lock
 * in `kept_answer` (drizzle/0005_who_gets_in.sql), which is a VOLATILE function and therefore reads a snapshot of its
 * own after the wait, under READ COMMITTED. Shown by test/http/idempotency.test.ts. A statement that violates a
 * constraint stores no key: the request can be sent again.
 *
 * @returns a function that sends the statement. `key` is the idempotency key; without one the records are simply
 *   created. It throws these errors:
 * @throws {CallerRevokedError}
 * @throws {DatabaseError}
 */
export function idempotentCreate<Shape, Values extends Record<string, unknown>, Columns = unknown>(
  describe: () => CreatePlan<Columns>,
) {
  type Row = CreateResult<Shape> & Columns;
  type RowColumns = { [Column in keyof Row]: SQL<Row[Column]> };
  const withoutKey = authenticated<Row, Values>(() => {
    const { auditEvent, revoked, steps, draft, body, id = noId, insert, extraColumns } = describe();
    return {
      auditEvent,
      revoked,
      steps: { ...steps, draft, created: insert(sql`true`) },
      row: {
        body,
        id,
        isReplayed: sql`false`,
        keyReusedWithDifferentRequest: sql`false`,
        ...extraColumns,
      } as RowColumns,
    };
  });
  const withKey = authenticatedRetryable<Row, Values & { key: string }>(() => {
    const plan = describe();
    return {
      auditEvent: keyedAuditEvent(plan),
      revoked: plan.revoked,
      steps: keyedSteps(plan),
      row: {
        body: sql`(SELECT answer FROM key_result WHERE is_same_request)`,
        id: sql`(SELECT record_id FROM key_result WHERE is_same_request)`,
        isReplayed,
        keyReusedWithDifferentRequest: isKeyReused,
        ...plan.extraColumns,
      } as RowColumns,
    };
  });
  return (caller: Caller, values: Values, key: string | undefined): Promise<Row> =>
    key === undefined ? withoutKey(caller, values) : withKey(caller, { ...values, key });
}

const noId = sql`NULL::int`;

/**
 * The steps of a creation with a key: the stored response of an earlier request, or the creation and its stored
 * response.
 */
function keyedSteps({
  steps,
  draft,
  body,
  id = noId,
  insert,
  requestText,
}: CreatePlan<unknown>): Record<string, SQL> {
  const fingerprint = sql`encode(sha256(convert_to(${requestText}, 'UTF8')), 'hex')`;
  return {
    ...steps,
    earlier_key: sql`
      SELECT fingerprint, record_id, answer, false AS is_new FROM kept_answer(${callerId}, ${param("key")})`,
    draft: sql`SELECT * FROM (${draft}) new WHERE NOT EXISTS (SELECT FROM earlier_key)`,
    // The no-op update makes RETURNING return the stored row when the key exists already. `xmax` is 0 only for an
    // inserted row.
    stored_key: sql`
      INSERT INTO ${idempotency_keys} (account_id, key, fingerprint, record_id, answer)
      SELECT ${callerId}, ${param("key")}, ${fingerprint}, ${id}, ${body}
      WHERE ${body} IS NOT NULL AND ${callerId} IS NOT NULL AND NOT EXISTS (SELECT FROM earlier_key)
      ON CONFLICT (account_id, key) DO UPDATE SET key = EXCLUDED.key
      RETURNING fingerprint, record_id, answer, xmax = 0 AS is_new`,
    created: insert(sql`EXISTS (SELECT FROM stored_key WHERE is_new)`),
    key_result: sql`
      SELECT fingerprint = ${fingerprint} AS is_same_request, record_id, answer, is_new
      FROM (SELECT * FROM stored_key UNION ALL SELECT * FROM earlier_key) keys`,
  };
}

const isReplayed = sql<boolean>`EXISTS (SELECT FROM key_result WHERE NOT is_new)`;
const isKeyReused = sql<boolean>`EXISTS (SELECT FROM key_result WHERE NOT is_same_request)`;

/** The audit event of the creation, or of the replay of a stored response. */
function keyedAuditEvent({
  auditEvent,
  replaySubjects,
}: Pick<CreatePlan<unknown>, "auditEvent" | "replaySubjects">): AuditEventColumns {
  const ifReplayed = (replay: SQL, creation = sql`NULL`) =>
    sql`CASE WHEN ${isReplayed} THEN ${replay} ELSE ${creation} END`;
  const { patients, doctor } = replaySubjects;
  const outcome = ifReplayed(sql`'done'`, auditEvent.outcome ?? sql`'done'`);
  return {
    action: sql`CASE WHEN ${isReplayed} AND NOT ${isKeyReused} THEN 'replay' ELSE ${auditEvent.action} END`,
    outcome: sql`CASE WHEN ${isKeyReused} THEN 'refused' ELSE ${outcome} END`,
    ...(patients && { patients: ifReplayed(patients, auditEvent.patients) }),
    ...(doctor && { doctor: ifReplayed(doctor, auditEvent.doctor) }),
    ...(auditEvent.changes && { changes: ifReplayed(sql`NULL`, auditEvent.changes) }),
  };
}

/** The next value of a table's id sequence. */
export const nextId = (table: Parameters<typeof getTableName>[0]): SQL =>
  sql`nextval(${sql.raw(`'${getTableName(table)}_id_seq'`)})`;

/**
 * Defines the statement that creates one record from the fields in the parameter `record`; the caller is its owner.
 * Its row also says whether it is a duplicate. No id is taken for a duplicate, not even when two requests are
 * concurrent: `isDuplicate` calls a function that takes an advisory lock and then reads a snapshot of its own. Shown by
 * test/races/ids.test.ts.
 */
export const createResource = <Shape>(resource: Resource) =>
  idempotentCreate<Shape, { record: object }, { isDuplicate: boolean }>(() => resourceCreatePlan(resource));

function resourceCreatePlan(resource: Resource): CreatePlan<{ isDuplicate: boolean }> {
  const { table, columns, writableColumns, ownerColumns, auditSubjects, isDuplicate } = resource;
  const id = sql`(SELECT id FROM draft)`;
  const insertedColumns = columnNames([
    ...writableColumns,
    ...ownerColumns,
    "id",
    "created_at",
    "updated_at",
  ]);
  const ownerFields = sql.join(
    ownerColumns.map((name) => sql`${sql.raw(`'${name}'`)}, ${callerId}`),
    sql`, `,
  );
  return {
    steps: { duplicate: sql`SELECT WHERE ${isDuplicate}` },
    draft: sql`
      SELECT new.* FROM (SELECT jsonb_build_object(
        'id', ${nextId(table)}, ${ownerFields}, 'created_at', now(), 'updated_at', now()) AS fields) set_by_api,
        jsonb_populate_record(NULL::${table}, ${param("record")}::jsonb || set_by_api.fields) new
      WHERE ${callerId} IS NOT NULL AND NOT ${exists("duplicate")}`,
    body: sql`(SELECT ${jsonObject(columns)}::text FROM draft ${table})`,
    id,
    auditEvent: {
      action: sql`'create'`,
      outcome: doneOrRefused(sql`NOT ${exists("duplicate")}`),
      ...auditSubjects(id),
      changes: changesBetween(sql`NULL`, writableFieldsJson(writableColumns, "draft")),
    },
    revoked: withoutRecheck,
    replaySubjects: auditSubjects(sql`(SELECT record_id FROM key_result WHERE is_same_request)`),
    insert: (condition) => sql`
      INSERT INTO ${table} (${insertedColumns}) OVERRIDING SYSTEM VALUE
      SELECT ${insertedColumns} FROM draft WHERE ${condition}`,
    requestText: sql`${sql.raw(`'${getTableName(table)}'`)} || ${param("record")}::jsonb::text`,
    extraColumns: { isDuplicate: exists("duplicate") },
  };
}
