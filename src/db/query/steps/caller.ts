import { type SQL, sql } from "drizzle-orm";
import { audit_events, sessions, users } from "../../schema.ts";
import { type Caller, CallerRevokedError, type TokenClaims } from "../caller.ts";
import { type AuditEventColumns, insertAuditEvent, type RequestOrigin } from "./audit.ts";
import { defineStatement, exists, param, type StatementPlan, withRetry } from "./statement.ts";

export { type Caller, CallerRevokedError, type TokenClaims };

const isAccountActive = sql`u.active AND u.token_version = ${param("token_version")}`;
const isSessionOpen = sql`
  s.id = ${param("session_id")} AND s.user_id = u.id AND s.password_version = u.password_version AND s.ended_at IS NULL AND s.expires_at > now()`;

/** The step `token_account`: the account of the token, whether or not it is accepted. */
const tokenAccountIf = (isPermitted: SQL): SQL => sql`
  SELECT u.id, u.username, u.role, u.doctor_id,
    ${isPermitted} AND ${isAccountActive} AND EXISTS (SELECT FROM ${sessions} s WHERE ${isSessionOpen}) AS is_accepted
  FROM ${users} u WHERE u.id = ${param("user_id")}`;

const tokenAccount = tokenAccountIf(sql`NOT u.must_change_password`);
const tokenAccountForPasswordChange = tokenAccountIf(sql`true`);

/** The step `caller`: the calling account, or no row when it is not accepted. */
const caller = sql`SELECT id, username, role, doctor_id FROM token_account WHERE is_accepted`;

/** The id of the calling account. NULL when it is not accepted, which equals no id. */
export const callerId = sql`(SELECT id FROM caller)`;

/** The id of the doctor whose own account is calling. NULL for all other accounts, which equals no id. */
export const callerDoctorId = sql`(SELECT doctor_id FROM caller)`;

export const callerIsAdmin = sql<boolean>`EXISTS (SELECT FROM caller WHERE role = 'admin')`;

/**
 * The step `caller_recheck`: re-checks the caller after a lock wait, because the account may have been disabled,
 * signed out or given another role meanwhile. All steps of a statement share one snapshot, which is older than the
 * wait. Only `FOR SHARE` reads the newest committed row, and only under READ COMMITTED. Shown by
 * test/races/revoked-callers.test.ts.
 *
 * It counts the rows of `lockedStep`, which locks all of them before the caller. If it read only the first one, two
 * statements that lock their caller and another account would deadlock. Shown by test/races/admins.test.ts.
 *
 * @param lockedStep the step that waits for the lock; `caller` when there is no step that waits: the re-check then
 *   locks the account and the session first, so that nobody can revoke them before the statement ends.
 */
export const recheckCaller = (lockedStep: string): SQL => sql`
  SELECT FROM (SELECT count(*) FROM ${sql.identifier(lockedStep)} HAVING count(*) > 0) locked, ${users} u, ${sessions} s
  WHERE u.id = ${callerId} AND ${isAccountActive} AND ${isSessionOpen} FOR SHARE OF u, s`;

/** Whether `lockedStep` locked a row and the step `caller_recheck` found that the caller is not accepted any more. */
export const isRevokedDuringWait = (lockedStep: string): SQL<boolean> =>
  sql`${exists(lockedStep)} AND NOT ${exists("caller_recheck")}`;

/**
 * For a statement without a re-check: a read, a creation, or a write to the caller's own account and sessions. If its
 * caller is revoked while it waits for another statement, it still takes effect, as if it had been sent earlier.
 */
export const withoutRecheck = sql<boolean>`false`;

/** The outcome of an action for admins: always `refused` for others, so that they learn nothing about the record. */
export const adminOutcome = (outcome: SQL): SQL =>
  sql`CASE WHEN ${callerIsAdmin} THEN ${outcome} ELSE 'refused' END`;

/** The audit event names the token's account, accepted or not. */
export const auditActor = { from: sql`token_account`, session: sql`${param("session_id")}::uuid` };

const withAcceptedOutcome = ({ outcome = sql`'done'`, ...event }: AuditEventColumns): AuditEventColumns => ({
  ...event,
  outcome: sql`CASE WHEN is_accepted THEN ${outcome} ELSE 'refused' END`,
});

/** A statement of an authenticated request. */
interface AuthenticatedWork<Row> extends Omit<StatementPlan<Row>, "from" | "where"> {
  /**
   * The audit event; its outcome is `refused` when the caller is not accepted. `null` where no personal data is
   * accessed.
   */
  auditEvent: AuditEventColumns | null;
  /** Whether the re-check found the caller revoked: `isRevokedDuringWait(step)`, or `withoutRecheck`. */
  revoked: SQL<boolean>;
}

type DefineAuthenticated = <Row, Values extends Record<string, unknown> = Record<string, never>>(
  describe: () => AuthenticatedWork<Row>,
) => (caller: Caller, values: Values) => Promise<Row>;

/**
 * The whole statement: check the caller, do the work, insert the audit event.
 *
 * @param from the rows that an audit event is inserted for: one, or none when the retry found the first attempt's
 *   event.
 */
const authenticatedPlan = <Row>(
  { auditEvent, revoked, steps, row }: AuthenticatedWork<Row>,
  tokenAccountStep = tokenAccount,
  from = auditActor.from,
): StatementPlan<Row> => ({
  steps: {
    token_account: tokenAccountStep,
    caller,
    ...steps,
    ...(auditEvent && {
      audit_event: insertAuditEvent({ ...auditActor, from }, withAcceptedOutcome(auditEvent)),
    }),
  },
  from: "caller",
  // A caller that is not accepted, or was revoked meanwhile, gets no row.
  where: sql`NOT (${revoked})`,
  row,
});

/**
 * Defines a statement of an authenticated request. In one round trip it checks the caller, does the work, inserts the
 * audit event and returns the result: all of that or nothing. A step that writes must depend on `callerId`, so that
 * it writes nothing for a refused caller.
 *
 * @returns a function that sends the statement. It throws these errors:
 * @throws {CallerRevokedError} when the caller is not accepted, or was revoked while the statement waited for a lock.
 *   Then nothing was done but the audit event.
 * @throws {DatabaseError}
 */
export const authenticated: DefineAuthenticated = (describe) =>
  bindCaller(defineStatement(() => authenticatedPlan(describe())));

/** Like `authenticated`, and it also accepts an account that has to change its password first. */
export const authenticatedForPasswordChange: DefineAuthenticated = (describe) =>
  bindCaller(
    defineStatement(() => authenticatedPlan(describe(), tokenAccountForPasswordChange)),
    true,
  );

/**
 * Like `authenticated`, for a statement that may be executed twice, because it only reads or has an idempotency key:
 * it is retried once. When the first attempt was executed and only its response was lost, the retry finds its audit
 * event and inserts no second one.
 */
export const authenticatedRetryable: DefineAuthenticated = (describe) =>
  bindCaller(
    withRetry(
      defineStatement(() => authenticatedPlan(describe())),
      defineStatement(() => retryPlan(describe())),
    ),
  );

/** Shown by test/db/faults.test.ts: a response that is lost after the commit leaves one audit event. */
function retryPlan<Row>(work: AuthenticatedWork<Row>): StatementPlan<Row> {
  if (!work.auditEvent) return authenticatedPlan(work);
  const earlierEvent = earlierEventOfRequest(withAcceptedOutcome(work.auditEvent));
  return authenticatedPlan(work, tokenAccount, sql`token_account WHERE NOT EXISTS (${earlierEvent})`);
}

/**
 * The audit event of the first attempt. One with another outcome or other patients is a different access and stays
 * apart. One minute is the maximum of DATABASE_TIMEOUT_MS.
 */
const earlierEventOfRequest = ({ patients = sql`NULL`, outcome }: AuditEventColumns): SQL => sql`
  SELECT FROM ${audit_events} e WHERE e.account_id = token_account.id AND e.at > now() - interval '1 minute'
    AND e.request_id = ${param("request_id")}::uuid AND (e.outcome, e.patients) IS NOT DISTINCT FROM (${outcome}, ${patients})`;

const bindCaller =
  <Row, Values extends Record<string, unknown>>(
    send: ReturnType<typeof defineStatement<Row, TokenClaims & RequestOrigin & Values>>,
    isForPasswordChange = false,
  ) =>
  async ({ connection, claims, origin }: Caller, values: Values): Promise<Row> => {
    const row = await send(connection, { ...values, ...claims, ...origin });
    if (!row) throw new CallerRevokedError(claims.must_change_password && !isForPasswordChange);
    return row;
  };
