import { type SQL, sql } from "drizzle-orm";
import { audit_events, sessions, users } from "../schema.ts";
import { type Connection, exists, type Plan, statement, twice, value } from "../statement.ts";
import { type Entry, ended, type Origin, recording } from "./audit.ts";

/** Who an access token says is calling. True only for the statement that has checked it. */
export type Claims = {
  user_id: number;
  session_id: string;
  token_version: number;
  /** Whether its account may do nothing but change its password, as far as the token knows. */
  must_change_password: boolean;
};

/** Who is calling, from where and through what: all that a statement needs to know of its request. */
export interface Caller {
  claims: Claims;
  origin: Origin;
  connection: Connection;
}

/** The token is genuine, but its account is disabled, its version was raised, or its session is over. */
export class CallerRevoked extends Error {
  override name = "CallerRevoked";
  /** Or, it may be, its account has to change its password first. */
  readonly mustChangePassword: boolean;

  constructor(mustChangePassword: boolean) {
    super();
    this.mustChangePassword = mustChangePassword;
  }
}

const accountIsGood = sql`u.active AND u.token_version = ${value("token_version")}`;
const sessionIsOpen = sql`
  s.id = ${value("session_id")} AND s.user_id = u.id AND s.password_version = u.password_version AND s.ended_at IS NULL AND s.expires_at > now()`;

/** The account that the token is of, and whether it is accepted still, and for what is asked for. */
const claimantWho = (may: SQL): SQL => sql`
  SELECT u.id, u.username, u.role, u.doctor_id,
    ${may} AND ${accountIsGood} AND EXISTS (SELECT FROM ${sessions} s WHERE ${sessionIsOpen}) AS accepted
  FROM ${users} u WHERE u.id = ${value("user_id")}`;

/** One whose password is an operator's may do nothing but change it. */
const claimant = claimantWho(sql`NOT u.must_change_password`);
const anyClaimant = claimantWho(sql`true`);

/** The calling account: one row, or none when it is refused. */
const caller = sql`SELECT id, username, role, doctor_id FROM claimant WHERE accepted`;

/** The calling account's id; null when it is refused, and so like no id. */
export const callerId = sql`(SELECT id FROM caller)`;

/** The doctor whose own account is calling; null when it is nobody's, and so like no doctor. */
export const callerDoctor = sql`(SELECT doctor_id FROM caller)`;

export const callerIsAdmin = sql<boolean>`EXISTS (SELECT FROM caller WHERE role = 'admin')`;

/**
 * A step that has a row when the caller is accepted still once the step `locked` has what it locks: who waited for that may have
 * been disabled, signed out or given another role meanwhile. It looks at what is in the database then, for it locks that too.
 */
export const stillAccepted = (locked: string): SQL => sql`
  SELECT FROM (SELECT FROM ${sql.identifier(locked)} LIMIT 1) locked, ${users} u, ${sessions} s
  WHERE u.id = ${callerId} AND ${accountIsGood} AND ${sessionIsOpen} FOR SHARE OF u, s`;

/** Whether the step `still`, which is one of these, has found that the caller is not. */
export const isRevoked = sql<boolean>`NOT ${exists("still")}`;

/** How what is for admins ended: who is none is refused, whatever there is. */
export const outcomeForAdmin = (outcome: SQL): SQL =>
  sql`CASE WHEN ${callerIsAdmin} THEN ${outcome} ELSE ${ended("refused")} END`;

/** Who it was, for the record: whoever the token is of. */
export const who = { from: sql`claimant`, session: sql`${value("session_id")}::uuid` };

const withOutcome = ({ outcome = ended("done"), ...entry }: Entry): Entry => ({
  ...entry,
  outcome: sql`CASE WHEN accepted THEN ${outcome} ELSE ${ended("refused")} END`,
});

/** What a statement on data does, and how. */
interface Work<Row> extends Omit<Plan<Row>, "from"> {
  /** What is put on record, as `refused` when the caller is; null where nobody's data is looked at or changed. */
  entry: Entry | null;
}

/** Makes a statement of its work, as described below. */
type Frame = <Row, Values extends Record<string, unknown> = Record<string, never>>(
  describe: () => Work<Row>,
) => (caller: Caller, values: Values) => Promise<Row>;

/** A statement: who is calling, as `claimantStep` says; the work; and its record, of each row of `from`. */
const inFrame = <Row>(
  { entry, steps, row }: Work<Row>,
  claimantStep = claimant,
  from = who.from,
): Plan<Row> => ({
  steps: {
    claimant: claimantStep,
    caller,
    ...steps,
    ...(entry && { recorded: recording({ ...who, from }, withOutcome(entry)) }),
  },
  from: "caller",
  row,
});

/**
 * The frame of every statement on data: checks the caller, does the work, puts it on record and answers with what came of
 * it, in one round trip: all of that or nothing. A step that writes takes its rights from `callerId`, so that without a
 * caller it writes nothing.
 *
 * @returns a function of the caller and the statement's values. It throws `CallerRevoked` when the caller is refused, or was while
 *   the statement waited (`revoked`), and then nothing else has been done.
 */
export const framed: Frame = (describe) => forCaller(statement(() => inFrame(describe())));

/** The same, for an account too that has to change its password first. */
export const framedForPassword: Frame = (describe) =>
  forCaller(
    statement(() => inFrame(describe(), anyClaimant)),
    true,
  );

/**
 * The frame of what may be sent twice: it only reads, or its key keeps it from making anything twice. That the first attempt
 * was done and only its answer lost shows by its record, beside which the second puts none.
 */
export const repeatable: Frame = (describe) =>
  forCaller(
    twice(
      statement(() => inFrame(describe())),
      statement(() => again(describe())),
    ),
  );

function again<Row>(work: Work<Row>): Plan<Row> {
  if (!work.entry) return inFrame(work);
  return inFrame(work, claimant, sql`claimant WHERE NOT EXISTS (${sameRequest(withOutcome(work.entry))})`);
}

/** What this request has put on record already: the very same, for what comes of it now may be something else. */
const sameRequest = ({ patients = sql`NULL`, outcome }: Entry): SQL => sql`
  SELECT FROM ${audit_events} e WHERE e.account_id = claimant.id AND e.at > now() - interval '1 minute'
    AND e.request_id = ${value("request_id")}::uuid AND (e.outcome, e.patients) IS NOT DISTINCT FROM (${outcome}, ${patients})`;

const forCaller =
  <Row, Values extends Record<string, unknown>>(
    send: ReturnType<typeof statement<Row, Claims & Origin & Values>>,
    isForPassword = false,
  ) =>
  async ({ connection, claims, origin }: Caller, values: Values): Promise<Row> => {
    const answer = await send(connection, { ...values, ...claims, ...origin });
    if (!answer || Object(answer).revoked)
      throw new CallerRevoked(claims.must_change_password && !isForPassword);
    return answer;
  };
