import { type SQL, sql } from "drizzle-orm";
import { param } from "../statement.ts";
import type { AuditAction } from "./audit-actions.ts";
import { callerIsAdmin, sessionId } from "./caller.ts";

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
  /**
   * The outcome, as the branches of a CASE: `WHEN … THEN 'done' ELSE 'not_found'`. It is `done`, `not_found` or
   * `refused`; always `done` when left out.
   */
  outcome?: SQL | "refused";
  /** The id of the patient whose data was accessed. */
  patient?: SQL;
  /** The ids of the patients whose data was accessed, as an `int[]`, when there may be several. */
  patients?: SQL;
  /** The id of a doctor who was changed. */
  doctor?: SQL;
  /** The id of an account that was read or changed. */
  account?: SQL;
  /** See audit-changes.ts. */
  changes?: SQL;
  reason?: SQL;
}

/** Who did it: one audit event is inserted for each row of `from`. */
interface AuditActor {
  /** Where the account's `id`, `username` and `role` come from. */
  from: SQL;
  /** The table alias of these columns, with its dot: `u.` */
  alias?: string;
  session?: SQL;
  clinic?: SQL;
}

const outcomeOf = ({ outcome }: AuditEventColumns): SQL => {
  if (outcome === undefined) return sql`'done'`;
  return outcome === "refused" ? sql`'refused'` : sql`CASE ${outcome} END`;
};

/** The columns of an audit event with their values, by name. */
function eventColumns(
  event: AuditEventColumns,
  alias: string,
  session?: SQL,
  clinic?: SQL,
): [name: string, value: SQL][] {
  const values: Record<string, SQL | undefined> = {
    account_id: sql.raw(`${alias}id`),
    username: sql.raw(`${alias}username`),
    role: sql.raw(`${alias}role`),
    session_id: session,
    clinic_id: clinic,
    request_id: sql`${param("request_id")}::uuid`,
    address: sql`${param("address")}::text`,
    action: typeof event.action === "string" ? sql.raw(`'${event.action}'`) : event.action,
    outcome: outcomeOf(event),
    patient_id: event.patient,
    patients: event.patients,
    doctor_id: event.doctor,
    subject_id: event.account,
    changes: event.changes,
    reason: event.reason,
  };
  return Object.entries(values).filter((column): column is [string, SQL] => column[1] !== undefined);
}

const insertInto = (columns: [name: string, value: SQL][]): SQL =>
  sql`INSERT INTO audit_events (${sql.raw(columns.map(([name]) => name).join(", "))})`;

/** The values, on a line each; those that every event has (account, session, request) stand on the first line. */
const valuesOf = (columns: [name: string, value: SQL][]): SQL => {
  const isCommon = ([name]: [string, SQL]) =>
    /^(account_id|username|role|session_id|clinic_id|request_id|address)$/.test(name);
  const listOf = (some: typeof columns, separator: SQL) =>
    sql.join(
      some.map(([, value]) => value),
      separator,
    );
  const [common, own] = [columns.filter(isCommon), columns.filter((column) => !isCommon(column))];
  return sql`${listOf(common, sql`, `)},\n${listOf(own, sql`,\n`)}`;
};

/** The step `audit_event` of a statement without an access token. */
export function insertAuditEventOf(
  { from, alias = "", session, clinic }: AuditActor,
  event: AuditEventColumns,
): SQL {
  const columns = eventColumns(event, alias, session, clinic);
  return sql`audit_event AS (
    ${insertInto(columns)}
    SELECT ${valuesOf(columns)}
    FROM ${from}
  )`;
}

/** The event of an authenticated request. Its outcome is `refused` when the caller is not accepted. */
const callerEventColumns = ({ outcome = sql`ELSE 'done'`, ...event }: AuditEventColumns, alias = "") =>
  eventColumns(
    { ...event, outcome: sql`WHEN refusal IS NOT NULL THEN 'refused'\n${outcome}` },
    alias,
    sessionId,
    sql.raw(`${alias}clinic_id`),
  );

/**
 * The step `audit_event` of an authenticated request. The event names the account of the token, accepted or not, so
 * that refused requests are audited too.
 *
 * @param condition on `token_account`: when there is an event.
 */
export function insertAuditEvent(event: AuditEventColumns, condition?: SQL): SQL {
  const columns = callerEventColumns(event);
  return sql`audit_event AS (
    ${insertInto(columns)}
    SELECT ${valuesOf(columns)}
    FROM token_account${condition && sql` WHERE ${condition}`}
  )`;
}

/**
 * A step with further events of an authenticated request: one for each row of `from`.
 */
export function insertFurtherAuditEvents(step: string, from: SQL, event: AuditEventColumns): SQL {
  const columns = callerEventColumns(event, "token_account.");
  return sql`${sql.raw(step)} AS (
    ${insertInto(columns)}
    SELECT ${valuesOf(columns)}
    FROM token_account, ${from}
  )`;
}

/**
 * The step `audit_event` of a statement that is retried. A retry inserts no second event, when the first attempt was
 * executed and only its response was lost. One with another outcome or other patients is a different access and stays
 * apart. Shown by test/db/faults.test.ts.
 */
export function insertRetryableAuditEvent(event: AuditEventColumns, condition?: SQL): SQL {
  const columns = callerEventColumns(event);
  const [patient, patients] = [
    event.patient ? sql`e.patient_id` : sql`NULL`,
    event.patients ? sql`e.patients` : sql`NULL`,
  ];
  return sql`audit_event AS (
    ${insertInto(columns)}
    SELECT e.* FROM (
      SELECT ${valuesOf(columns)}
      FROM token_account${condition && sql` WHERE ${condition}`}
    ) e (${sql.raw(columns.map(([name]) => name).join(", "))})
    WHERE NOT (${param("is_retry")}::boolean AND request_audited(e.account_id, e.request_id, e.outcome, ${patient}, ${patients}))
  )`;
}

/** The outcome of an action that either happens or is refused. */
export const doneOrRefused = (isDone: SQL): SQL => sql`WHEN ${isDone} THEN 'done'\nELSE 'refused'`;

/** The outcome of a read. */
export const readOutcome = (isFound: SQL): SQL => sql`WHEN ${isFound} THEN 'done'\nELSE 'not_found'`;

/**
 * The outcome of a write, or of a read with a precondition: `refused` when the record was found but not written, or not
 * sent.
 */
export const writeOutcome = (isFound: SQL, isWritten: SQL): SQL =>
  sql`WHEN ${isWritten} THEN 'done'\nWHEN ${isFound} THEN 'refused'\nELSE 'not_found'`;

/**
 * The outcome of an action that needs a permission, which no record decides: always `refused` for others, so that they
 * learn nothing about the record.
 */
export const permittedOutcome = (isPermitted: SQL, outcome = sql`ELSE 'done'`): SQL =>
  sql`WHEN NOT ${isPermitted} THEN 'refused'\n${outcome}`;

/** The outcome of an action for admins. */
export const adminOutcome = (outcome?: SQL): SQL => permittedOutcome(callerIsAdmin, outcome);
