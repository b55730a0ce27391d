import { type SQL, sql } from "drizzle-orm";
import { audit_events } from "../../schema.ts";
import { param } from "./statement.ts";

/** What was done or attempted. */
export type AuditAction =
  | "list"
  | "read"
  | "create"
  | "replay"
  | "history"
  | "accesses"
  | "audit"
  | "update"
  | "delete"
  | "restore"
  | "transfer"
  | "break_glass"
  | "assign"
  | "unassign"
  | "export"
  | "import"
  | "register"
  | "login"
  | "logout"
  | "refresh"
  | "change_password"
  | "invite"
  | "list_invitations"
  | "withdraw_invitation"
  | "list_accounts"
  | "read_account"
  | "update_account"
  | "sign_out";

/** Where a request comes from. */
export type RequestOrigin = {
  /** The UUID that the response and the access log have too. */
  request_id: string;
  /** The client's IP address. */
  address: string;
};

/** The columns of a statement's audit event, but for those that every event has. */
export interface AuditEventColumns {
  action: AuditAction | SQL;
  /** `done`, `not_found` or `refused`; `done` when left out. */
  outcome?: SQL;
  /** The ids of the patients whose data was accessed, as an `int[]`. */
  patients?: SQL;
  /** The id of a doctor who was changed. */
  doctor?: SQL;
  /** The id of an account that was read or changed. */
  account?: SQL;
  /** See `changesBetween`. */
  changes?: SQL;
  reason?: SQL;
}

/** Who did it: one audit event is inserted for each row of `from`. */
interface AuditActor {
  /** Where the account's `id`, `username` and `role` come from. */
  from: SQL;
  /** The table alias of these columns, with its dot: `u.` */
  alias?: SQL;
  session?: SQL;
}

/** The step that inserts the audit event. */
export function insertAuditEvent(
  { from, alias = sql``, session }: AuditActor,
  event: AuditEventColumns,
): SQL {
  const columns: { [Name in keyof typeof audit_events.$inferInsert]?: SQL | undefined } = {
    account_id: sql`${alias}id`,
    username: sql`${alias}username`,
    role: sql`${alias}role`,
    session_id: session,
    request_id: sql`${param("request_id")}::uuid`,
    address: sql`${param("address")}::text`,
    action: typeof event.action === "string" ? sql.raw(`'${event.action}'`) : event.action,
    outcome: event.outcome ?? sql`'done'`,
    patients: event.patients,
    doctor_id: event.doctor,
    subject_id: event.account,
    changes: event.changes,
    reason: event.reason,
  };
  const present = Object.entries(columns).filter(([, value]) => value !== undefined);
  return sql`
    INSERT INTO ${audit_events} (${sql.join(
      present.map(([name]) => sql.identifier(name)),
      sql`, `,
    )})
    SELECT ${sql.join(
      present.map(([, value]) => value),
      sql`, `,
    )} FROM ${from}`;
}

/** The outcome of an action that either happens or is refused. */
export const doneOrRefused = (isDone: SQL): SQL => sql`CASE WHEN ${isDone} THEN 'done' ELSE 'refused' END`;

/** The outcome of a read. */
export const readOutcome = (isFound: SQL): SQL => sql`CASE WHEN ${isFound} THEN 'done' ELSE 'not_found' END`;

/** The outcome of a write: `refused` when the record was found but not written. */
export const writeOutcome = (isFound: SQL, isWritten: SQL): SQL =>
  sql`CASE WHEN ${isWritten} THEN 'done' WHEN ${isFound} THEN 'refused' ELSE 'not_found' END`;

/**
 * The differences between two JSON objects: `{field: {before, after}}` of the fields that differ, in their order.
 *
 * @param before NULL when the record did not exist before: all `before` values are null then.
 * @param after NULL when it does not exist afterwards.
 */
export const changesBetween = (before: SQL, after: SQL): SQL => sql`(
  SELECT ('{' || string_agg(format('%s:{"before":%s,"after":%s}', to_json(key), coalesce(b.value::text, 'null'),
    coalesce(a.value::text, 'null')), ',' ORDER BY coalesce(b.n, a.n)) || '}')::json
  FROM json_each(${before}) WITH ORDINALITY b(key, value, n)
  FULL JOIN json_each(${after}) WITH ORDINALITY a(key, value, n) USING (key)
  WHERE b.value::text IS DISTINCT FROM a.value::text)`;
