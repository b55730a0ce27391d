import { sql } from "drizzle-orm";
import {
  adminOutcome,
  doneOrRefused,
  insertAuditEvent,
  insertRetryableAuditEvent,
  writeOutcome,
} from "../db/query/audit.ts";
import { changesOfFields } from "../db/query/audit-changes.ts";
import { authenticated, authenticatedRetryable } from "../db/query/authenticated.ts";
import {
  callerIsAdmin,
  callerRecheck,
  callerSteps,
  isStillAccepted,
  refusalAfterWait,
  refusalColumn,
} from "../db/query/caller.ts";
import {
  createOrReplay,
  createResultColumns,
  earlierKeySteps,
  hasResult,
  idempotentCreate,
  isNewResult,
  resultSteps,
} from "../db/query/idempotent-create.ts";
import { columnNames, jsonText } from "../db/query/json.ts";
import { can } from "../db/query/permissions.ts";
import {
  type ChangedRecord,
  type ChangeParams,
  type FindParams,
  type FoundRecord,
  foundColumns,
  foundRecordColumns,
  isChangeableVersion,
  isTargetWritable,
  type NewRecordState,
  newRecord,
  nextValues,
  setColumns,
  targetColumns,
  versionTag,
} from "../db/query/resource.ts";
import { identifier_systems } from "../db/schema.ts";
import { intParam } from "../db/statement.ts";
import { identifierSystemFields, identifierSystemResponseFields } from "./requests.ts";
import type { IdentifierSystem } from "./responses.ts";

// Every account reads the identifier systems; admins change them. In every statement the system is `sy`.

const id = intParam("id");

/** An identifier system as the response has it, as JSON text. */
export const identifierSystemJson = jsonText(identifier_systems, "sy", identifierSystemResponseFields);

const fieldNames = Object.keys(identifierSystemFields);
const fields = columnNames(fieldNames);

/**
 * The changes of an audit event, which also name the system itself: the event has no column for its id.
 *
 * @param before the step with the row before; undefined when it did not exist before.
 */
const changesOf = (
  before: string | undefined,
  after: string,
) => sql`concat('{"identifier_system":{"before":', ${sql.raw(
  before ? `${before}.id` : "'null'",
)}, ',"after":', ${sql.raw(after)}.id, '}',
      coalesce(',' || substr(${changesOfFields(identifier_systems, fieldNames, before, after)}::text, 2), '}'))::json`;

/** Reads an identifier system. Not audited. */
export const findIdentifierSystem = authenticatedRetryable<FoundRecord<IdentifierSystem>, FindParams>(
  "identifier-systems/find",
  () => sql`-- GET /api/identifier-systems/:id
  WITH ${callerSteps},
  found AS (
    SELECT ${foundColumns("sy.version", identifierSystemJson)}
    FROM identifier_systems sy WHERE sy.id = ${id} AND ${can("identifier_systems:read")}
  )
SELECT ${refusalColumn}, ${foundRecordColumns}
FROM token_account`,
);

/**
 * Creates an identifier system, for an admin, at most once for each idempotency key. `existing`: the id of the one that
 * has this name already. No id is taken for a duplicate: `identifier_system_with_name` takes an advisory lock and then
 * reads a snapshot of its own.
 */
export const createIdentifierSystem = idempotentCreate<
  IdentifierSystem,
  { record: object },
  NewRecordState & { isAdmin: boolean }
>(
  "identifier-systems/create",
  () => sql`-- POST /api/identifier-systems
  WITH ${callerSteps},
  ${earlierKeySteps(
    sql`'identifier-systems' || ${newRecord}::text`,
    sql`EXISTS (SELECT FROM identifier_systems sy WHERE sy.id = k.record_id AND ${can("identifier_systems:change")})`,
  )},
  duplicate AS (
    SELECT other.id FROM caller, identifier_system_with_name(${newRecord} ->> 'name') other (id)
    WHERE NOT EXISTS (SELECT FROM earlier_key) AND ${can("identifier_systems:change")}
  ),
  ${callerRecheck("caller", "earlier_key", "duplicate")},
  draft AS (
    SELECT new.* FROM caller, jsonb_populate_record(NULL::identifier_systems, ${newRecord} || jsonb_build_object(
      'id', nextval('identifier_systems_id_seq'), 'created_by', caller.id, 'created_at', now(), 'updated_at', now(), 'version', 1)) new
    WHERE ${isStillAccepted} AND ${can("identifier_systems:change")}
      AND NOT EXISTS (SELECT FROM earlier_key) AND NOT EXISTS (SELECT FROM duplicate)
  ),
  response AS (SELECT sy.id AS record_id, ${identifierSystemJson} AS answer FROM draft sy),
  ${resultSteps},
  created AS (
    INSERT INTO identifier_systems (id, ${fields}, created_by, created_at, updated_at) OVERRIDING SYSTEM VALUE
    SELECT id, ${fields}, created_by, created_at, updated_at FROM draft WHERE ${isNewResult}
  ),
  ${insertRetryableAuditEvent({
    action: createOrReplay("create_identifier_system"),
    outcome: adminOutcome(doneOrRefused(hasResult)),
    changes: sql`(SELECT ${changesOf(undefined, "draft")} FROM draft, result WHERE is_new)`,
  })}
SELECT ${refusalAfterWait("caller")}, ${createResultColumns},
  ${callerIsAdmin} AS "isAdmin", (SELECT id FROM duplicate) AS existing, '1' AS etag
FROM token_account`,
);

/** Changes the fields of an identifier system that are in `changes` and leaves the others, for an admin. */
export const updateIdentifierSystem = authenticated<ChangedRecord<IdentifierSystem>, ChangeParams>(
  "identifier-systems/update",
  () => sql`-- PATCH /api/identifier-systems/:id
  WITH ${callerSteps},
  target AS (
    SELECT sy.*, ${can("identifier_systems:change")} AS can_change,
      ${isChangeableVersion("sy.version")} AS is_expected_version
    FROM identifier_systems sy WHERE sy.id = ${id} AND EXISTS (SELECT FROM caller)
    FOR UPDATE
  ),
  ${callerRecheck("target")},
  next AS (
    SELECT sy.id, ${nextValues(identifier_systems, "sy", fieldNames)}
    FROM target sy
  ),
  duplicate AS (
    SELECT other.id FROM next, identifier_systems other
    WHERE other.name = next.name AND other.id <> next.id
  ),
  changed AS (
    UPDATE identifier_systems sy SET ${setColumns(fieldNames)},
      updated_at = now(), version = sy.version + 1
    FROM target, next WHERE sy.id = target.id AND ${isTargetWritable} AND NOT EXISTS (SELECT FROM duplicate)
    RETURNING ${versionTag("sy.version")} AS etag, ${identifierSystemJson} AS body, ${columnNames(["id", ...fieldNames], "sy.")}
  ),
  ${insertAuditEvent({
    action: "update_identifier_system",
    outcome: adminOutcome(writeOutcome(sql`EXISTS (SELECT FROM target)`, sql`EXISTS (SELECT FROM changed)`)),
    changes: sql`(SELECT ${changesOf("target", "changed")} FROM target, changed)`,
  })}
SELECT ${refusalAfterWait("target")}, ${targetColumns}, (SELECT id FROM duplicate) AS existing,
(SELECT etag FROM changed) AS etag, (SELECT body FROM changed) AS body
FROM token_account`,
);
