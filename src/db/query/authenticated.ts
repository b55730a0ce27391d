import type { Query } from "../render.ts";
import {
  defineRetryableStatement,
  defineStatement,
  type SendStatement,
  type StatementOptions,
} from "../statement.ts";
import type { RequestOrigin } from "./audit.ts";
import type { Caller, TokenClaims } from "./caller.ts";

// Statements of requests with an access token.

/**
 * The token is genuine, but its account is disabled or must change its password, its version is outdated, its session
 * ended or works in another clinic, or its membership in the clinic ended; or the account is an auditor and the statement
 * is not for auditors.
 */
export class CallerRevokedError extends Error {
  override name = "CallerRevokedError";
  /** Whether the reason may be that the account has to change its password first. */
  readonly mustChangePassword: boolean;
  /** Whether the reason may be that the account is an auditor. */
  readonly isAuditor: boolean;
  readonly refusal: Refusal;

  constructor(mustChangePassword: boolean, isAuditor: boolean, refusal: Refusal) {
    super();
    this.mustChangePassword = mustChangePassword;
    this.isAuditor = isAuditor;
    this.refusal = refusal;
  }
}

/** Why a statement does not accept the caller. */
export type Refusal = "token_revoked" | "clinic_changed" | "membership_ended";

/** A function that sends a statement for a caller. */
export type SendForCaller<Row, Values> = (caller: Caller, values: Values) => Promise<Row>;

/**
 * Defines a statement of an authenticated request. In one round trip it checks the caller, does the work, inserts the
 * audit event and returns one row from `token_account`: all of that or nothing. Its first column says whether the caller was
 * refused (`refusalColumn`, `refusalAfterWait`). A step that writes must depend on `caller`, so that it writes nothing for a
 * refused one.
 *
 * @returns a function that sends the statement. It throws these errors:
 * @throws {CallerRevokedError} when the caller is not accepted, or was revoked while the statement waited for a lock.
 *   Then nothing was done but the audit event.
 * @throws {DatabaseError}
 */
export const authenticated = <Row, Values extends object = Record<never, never>>(
  name: string,
  query: Query,
  options: Pick<StatementOptions<Values>, "readsInIndexOrder"> & AcceptedCallers = {},
): SendForCaller<Row, Values> => bindCaller<Row, Values>(defineStatement(name, query, options), options);

/** Which callers a statement accepts beyond the others, as its first steps do. */
interface AcceptedCallers {
  /** It begins with `callerStepsForAuditors`. */
  acceptsAuditors?: boolean;
}

/**
 * Like `authenticated`, for a statement that begins with `callerStepsForPasswordChange`.
 */
export const authenticatedForPasswordChange = <Row, Values extends object = Record<never, never>>(
  name: string,
  query: Query,
): SendForCaller<Row, Values> =>
  bindCaller<Row, Values>(defineStatement(name, query), { acceptsAuditors: true, isForPasswordChange: true });

/**
 * Like `authenticated`, for a statement that may be executed twice, because it only reads or has an idempotency key:
 * it is retried once. When the first attempt was executed and only its response was lost, the retry finds its audit
 * event and inserts no second one (`insertRetryableAuditEvent`).
 */
export const authenticatedRetryable = <Row, Values extends object = Record<never, never>>(
  name: string,
  query: Query,
  options: StatementOptions<Values> & AcceptedCallers = {},
): SendForCaller<Row, Values> =>
  bindCaller<Row, Values>(
    defineRetryableStatement<Row & { refusal: Refusal | null }, Values & CallerValues>(name, query, options),
    options,
  );

/** The parameters that the caller brings to every statement. */
type CallerValues = TokenClaims & RequestOrigin & { today: string };

const bindCaller =
  <Row, Values extends object>(
    send: SendStatement<Row & { refusal: Refusal | null }, CallerValues & Values>,
    {
      acceptsAuditors = false,
      isForPasswordChange = false,
    }: AcceptedCallers & { isForPasswordChange?: boolean },
  ): SendForCaller<Row, Values> =>
  async ({ connection, claims, origin, today }, values) => {
    const row = await send(connection, { ...values, ...claims, ...origin, today });
    if (row?.refusal === null) return row;
    throw new CallerRevokedError(
      claims.must_change_password && !isForPasswordChange,
      claims.is_auditor && !acceptsAuditors,
      row?.refusal ?? "token_revoked",
    );
  };
