import { type SQL, sql } from "drizzle-orm";
import { type Json, param } from "../statement.ts";
import { authenticatedRetryable, type Caller } from "./caller.ts";

// How records are created, at most once for each idempotency key of an account: a later request with the same key
// gets the stored response of the first. A draft comes first, from which the response is built before anything is
// inserted. A statement that violates a constraint stores no key: the request can be sent again.

/** The result of a creating statement. */
export interface CreateResult<Shape> {
  body: Json<Shape> | null;
  id: number | null;
  /** Whether `body` is the stored response of an earlier request with the same key. Nothing was created then. */
  isReplayed: boolean;
  /** Whether the key was used before with a different request. Nothing was created then. */
  keyReusedWithDifferentRequest: boolean;
}

const key = sql`${param("key")}::text`;

/**
 * The steps `request` and `earlier_key`: the stored response of an earlier request with the same key. Of two
 * concurrent requests the second waits for the advisory lock in `kept_answer` (drizzle/0005_who_gets_in.sql), which is
 * a VOLATILE function and therefore reads a snapshot of its own after the wait, under READ COMMITTED. It is STRICT and
 * does nothing without a key. Shown by test/http/idempotency.test.ts.
 *
 * @param requestText the request as text: it must be the same when a key is used again.
 */
export const earlierKeySteps = (requestText: SQL): SQL => sql`request AS (
    SELECT encode(sha256(convert_to(${requestText}, 'UTF8')), 'hex') AS fingerprint
  ),
  earlier_key AS (
    SELECT k.fingerprint, k.record_id, k.answer FROM caller, kept_answer(caller.id, ${key}) k
  )`;

/**
 * The steps `stored_key` and `result`. They come after the step `response`, which has `record_id` and `answer` of what
 * is to be created, or no row. `result` is the new response or the earlier one. The step that creates the records has
 * the condition `isNewResult`.
 *
 * The no-op update makes RETURNING return the stored row when the key exists already. `xmax` is 0 only for an inserted
 * row.
 */
export const resultSteps = sql`stored_key AS (
    INSERT INTO idempotency_keys (account_id, key, fingerprint, record_id, answer)
    SELECT caller.id, ${key}, request.fingerprint, response.record_id, response.answer
    FROM caller, request, response WHERE ${key} IS NOT NULL
    ON CONFLICT (account_id, key) DO UPDATE SET key = EXCLUDED.key
    RETURNING fingerprint, record_id, answer, xmax = 0 AS is_new
  ),
  result AS (
    SELECT keys.record_id, keys.answer, keys.is_new, keys.fingerprint = request.fingerprint AS is_same_request
    FROM request, (
      SELECT fingerprint, record_id, answer, is_new FROM stored_key
      UNION ALL SELECT fingerprint, record_id, answer, false FROM earlier_key
    ) keys
    UNION ALL SELECT record_id, answer, true, true FROM response WHERE ${key} IS NULL
  )`;

/** Whether this request creates the records. */
export const isNewResult = sql`EXISTS (SELECT FROM result WHERE is_new)`;

/** Whether this request created the records, or an earlier one with the same key. */
export const hasResult = sql`EXISTS (SELECT FROM result WHERE is_same_request)`;

/** The id of the new record, or of the one that an earlier request with the same key created. */
export const resultId = sql`(SELECT record_id FROM result WHERE is_same_request)`;

/** The action of the audit event: `replay` when the stored response is sent again. */
export const createOrReplay = (action: "create" | "assign" | "import"): SQL =>
  sql`CASE WHEN EXISTS (SELECT FROM result WHERE is_same_request AND NOT is_new) THEN 'replay' ELSE ${sql.raw(`'${action}'`)} END`;

/** The columns of `CreateResult`. */
export const createResultColumns = sql`(SELECT answer FROM result WHERE is_same_request) AS body, ${resultId} AS id,
  EXISTS (SELECT FROM result WHERE NOT is_new) AS "isReplayed",
  EXISTS (SELECT FROM result WHERE NOT is_same_request) AS "keyReusedWithDifferentRequest"`;

/**
 * Defines a statement that creates records. It is retried only with an idempotency key.
 *
 * @returns a function that sends the statement. `key` is the idempotency key; without one the records are simply
 *   created. It throws these errors:
 * @throws {CallerRevokedError}
 * @throws {DatabaseError}
 */
export function idempotentCreate<Shape, Values extends object, Columns = unknown>(name: string, query: SQL) {
  const send = authenticatedRetryable<CreateResult<Shape> & Columns, Values & { key: string | null }>(
    name,
    query,
    { isRetryable: (values) => values.key !== null },
  );
  return (caller: Caller, values: Values, key: string | undefined) =>
    send(caller, { ...values, key: key ?? null });
}
