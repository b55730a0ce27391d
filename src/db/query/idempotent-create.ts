import { type SQL, sql } from "drizzle-orm";
import type { Query } from "../render.ts";
import { type Json, param, type StatementOptions } from "../statement.ts";
import { type AuditEventColumns, insertAuditEvent, insertRetryableAuditEvent } from "./audit.ts";
import { authenticatedRetryable } from "./authenticated.ts";
import { type Caller, callerId, isStillAccepted } from "./caller.ts";

// How records are created, at most once for each idempotency key of an account: a later request with the same key
// gets the stored response of the first, if the account may still read what that one created. A draft comes first,
// from which the response is built before anything is inserted. A statement that violates a constraint stores no key:
// the request can be sent again.

/** The result of a creating statement. */
export interface CreateResult<Shape> {
  body: Json<Shape> | null;
  id: number | null;
  /** Whether `body` is the stored response of an earlier request with the same key. Nothing was created then. */
  isReplayed: boolean;
  /** Whether the key was used before with a different request. Nothing was created then. */
  keyReusedWithDifferentRequest: boolean;
  /** Whether an earlier request with the same key created what the caller may not read any more: `body` is null. */
  isUnreadable: boolean;
}

/**
 * The key as it is stored: each clinic has keys of its own. Those of a personal clinic have no prefix, so that version 1.1
 * finds them while it is replaced.
 */
const key = sql`(SELECT CASE WHEN clinic_id <> id THEN clinic_id || ' ' ELSE '' END || ${param("key")}::text FROM caller)`;

/** A column of `idempotency_keys` that only some creations have. The step `response` has it too then. */
type KeyColumn = "duplicates";

const also = (columns: KeyColumn[], prefix = ""): SQL =>
  sql.raw(columns.map((name) => `, ${prefix}${name}`).join(""));

/**
 * The steps `request`, `visible_key` and `earlier_key`: the stored response of an earlier request with the same key.
 *
 * A key that the statement's snapshot has, `visible_key`, is read without a wait, and that snapshot says whether the
 * caller may still read what it stands for. Otherwise a concurrent request may be storing it: this one waits for the
 * advisory lock in `kept_answer` (drizzle/0005_who_gets_in.sql), which is a VOLATILE function and therefore reads a
 * snapshot of its own after the wait, under READ COMMITTED. What it finds was created during the wait, so it is
 * readable. The function is STRICT and does nothing without a key. Shown by test/http/idempotency.test.ts and
 * test/races/revoked-callers.test.ts.
 *
 * @param requestText the request as text: it must be the same when a key is used again.
 * @param isReadable whether the caller may read what the earlier key `k` stands for: its `record_id`, or what its
 *   `answer` names.
 * @param more further columns of `idempotency_keys` that the response is made of.
 */
export const earlierKeySteps = (
  requestText: SQL,
  isReadable: SQL,
  more: KeyColumn[] = [],
): SQL => sql`request AS (
    SELECT encode(sha256(convert_to(${requestText}, 'UTF8')), 'hex') AS fingerprint
  ),
  visible_key AS (
    SELECT k.fingerprint, k.record_id, k.answer${also(more, "k.")}, ${isReadable} AS is_readable
    FROM idempotency_keys k WHERE k.account_id = ${callerId} AND k.key = ${key}
  ),
  earlier_key AS (
    SELECT fingerprint, record_id, answer${also(more)}, is_readable FROM visible_key
    UNION ALL SELECT k.fingerprint, k.record_id, k.answer${also(more, "k.")}, true
    FROM caller, kept_answer(caller.id, ${key}) k WHERE NOT EXISTS (SELECT FROM visible_key)
  )`;

/**
 * The steps `stored_key` and `result`. They come after the step `response`, which has `record_id` and `answer` of what
 * is to be created, or no row. `result` is the new response or the earlier one. The step that creates the records has
 * the condition `isNewResult`. Both need the step `caller_recheck`, which comes after all waits.
 *
 * The no-op update makes RETURNING return the stored row when the key exists already. `xmax` is 0 only for an inserted
 * row.
 *
 * @param more the same columns as those of `earlierKeySteps`.
 */
const resultStepsWith = (...more: KeyColumn[]): SQL => sql`stored_key AS (
    INSERT INTO idempotency_keys (account_id, key, fingerprint, record_id, answer${also(more)})
    SELECT caller.id, ${key}, request.fingerprint, response.record_id, response.answer${also(more, "response.")}
    FROM caller, request, response WHERE ${key} IS NOT NULL
    ON CONFLICT (account_id, key) DO UPDATE SET key = EXCLUDED.key
    RETURNING fingerprint, record_id, answer${also(more)}, xmax = 0 AS is_new
  ),
  result AS (
    SELECT keys.record_id, keys.answer${also(more, "keys.")}, keys.is_new, keys.fingerprint = request.fingerprint AS is_same_request,
      keys.is_readable
    FROM request, (
      SELECT fingerprint, record_id, answer${also(more)}, is_new, true AS is_readable FROM stored_key
      UNION ALL SELECT fingerprint, record_id, answer${also(more)}, false, is_readable FROM earlier_key
    ) keys
    UNION ALL SELECT record_id, answer${also(more)}, true, true, true FROM response WHERE ${key} IS NULL
  )`;

export const resultSteps = resultStepsWith();

/** The parts of a creating statement that depend on whether the request has an idempotency key. */
export interface KeyParts {
  /** The steps before the work; they end with a comma. */
  earlierKeySteps: SQL;
  /** For FROM: the row of `caller`, unless an earlier request had the same key. */
  callerOfFirstRequest: SQL;
  /** The steps that may wait for a concurrent request with the same key. */
  lockedSteps: string[];
  /** The step `result`, and before it those that store the key. */
  resultSteps: SQL;
  insertAuditEvent: (event: AuditEventColumns) => SQL;
}

/** For a request with a key. The parameters are those of `earlierKeySteps`. */
export const withKey = (requestText: SQL, isReadable: SQL, more: KeyColumn[] = []): KeyParts => ({
  earlierKeySteps: sql`${earlierKeySteps(requestText, isReadable, more)},
  first_request AS (SELECT * FROM caller WHERE NOT EXISTS (SELECT FROM earlier_key)),`,
  callerOfFirstRequest: sql`first_request caller`,
  lockedSteps: ["earlier_key"],
  resultSteps: resultStepsWith(...more),
  insertAuditEvent: insertRetryableAuditEvent,
});

/**
 * For a request without a key. The steps for keys take 17 % of the CPU of a patient's creation even when there is no key,
 * because PostgreSQL prepares all steps of a statement for each call; measured on 18.4.
 */
export const withoutKey = (more: KeyColumn[] = []): KeyParts => ({
  earlierKeySteps: sql``,
  callerOfFirstRequest: sql`caller`,
  lockedSteps: [],
  resultSteps: sql`result AS (
    SELECT record_id, answer${also(more)}, true AS is_new, true AS is_same_request, true AS is_readable FROM response
  )`,
  insertAuditEvent,
});

/** Whether this request creates the records. */
export const isNewResult = sql`EXISTS (SELECT FROM result WHERE is_new)`;

/**
 * Whether the caller, still accepted after all waits, gets a response: this request created the records, or an earlier
 * one with the same key.
 */
export const hasResult = sql`EXISTS (SELECT FROM result WHERE is_same_request AND is_readable) AND ${isStillAccepted}`;

/** The id of the new record, or of the one that an earlier request with the same key created. */
export const resultId = sql`(SELECT record_id FROM result WHERE is_same_request)`;

/** The action of the audit event: `replay` when the stored response is sent again, or refused. */
export const createOrReplay = (
  action:
    | "create"
    | "create_identifier_system"
    | "create_clinic"
    | "assign"
    | "import"
    | "merge"
    | "absence"
    | "book",
): SQL =>
  sql`CASE WHEN EXISTS (SELECT FROM result WHERE is_same_request AND NOT is_new) THEN 'replay' ELSE ${sql.raw(`'${action}'`)} END`;

/** The columns of `CreateResult`. */
export const createResultColumns = sql`(SELECT answer FROM result WHERE is_same_request AND is_readable) AS body,
  ${resultId} AS id, EXISTS (SELECT FROM result WHERE NOT is_new) AS "isReplayed",
  EXISTS (SELECT FROM result WHERE NOT is_same_request) AS "keyReusedWithDifferentRequest",
  EXISTS (SELECT FROM result WHERE is_same_request AND NOT is_readable) AS "isUnreadable"`;

/**
 * Defines a statement that creates records. It is retried only with an idempotency key.
 *
 * @returns a function that sends the statement. `key` is the idempotency key; without one the records are simply
 *   created. It throws these errors:
 * @throws {CallerRevokedError}
 * @throws {DatabaseError}
 */
export function idempotentCreate<Shape, Values extends object, Columns = unknown>(
  name: string,
  query: Query,
  options: Pick<StatementOptions<Values>, "readsInIndexOrder"> = {},
) {
  const send = authenticatedRetryable<CreateResult<Shape> & Columns, Values & { key: string | null }>(
    name,
    query,
    { ...options, isRetryable: (values) => values.key !== null },
  );
  return (caller: Caller, values: Values, key: string | undefined) =>
    send(caller, { ...values, key: key ?? null });
}
