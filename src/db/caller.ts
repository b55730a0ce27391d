import { type SQL, sql } from "drizzle-orm";
import { type Entry, ended, type Origin, recording } from "./audit.ts";
import { sessions, users } from "./schema.ts";
import { type Connection, statement, value } from "./statement.ts";

/** Who an access token says is calling. True only for the statement that has checked it. */
export type Claims = {
  user_id: number;
  session_id: string;
  token_version: number;
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
}

/** The account that the token is of, and whether it is accepted still. */
const claimant = sql`
  SELECT u.id, u.username, u.role, u.active AND u.token_version = ${value("token_version")} AND EXISTS (
    SELECT FROM ${sessions} s
    WHERE s.id = ${value("session_id")} AND s.user_id = u.id AND s.ended_at IS NULL AND s.expires_at > now()) AS accepted
  FROM ${users} u WHERE u.id = ${value("user_id")}`;

/** The calling account: one row, or none when it is refused. */
const caller = sql`SELECT id, username, role FROM claimant WHERE accepted`;

/** The calling account's id; null when it is refused, and so like no id. */
export const callerId = sql`(SELECT id FROM caller)`;

export const callerIsAdmin = sql<boolean>`EXISTS (SELECT FROM caller WHERE role = 'admin')`;

const who = {
  from: sql`claimant`,
  account: sql`id`,
  username: sql`username`,
  role: sql`role`,
  session: sql`${value("session_id")}::uuid`,
};

const outcomeIf = ({ outcome = ended("done") }: Entry): SQL =>
  sql`CASE WHEN accepted THEN ${outcome} ELSE ${ended("refused")} END`;

/**
 * The frame of every statement on data: checks the caller, does the work, puts it on record and answers with what came of
 * it, in one round trip: all of that or nothing. A step that writes takes its rights from `callerId`, so that without a
 * caller it writes nothing.
 *
 * @param entry what is put on record, as `refused` when the caller is; null where nobody's data is looked at or changed.
 * @returns a function of the caller and the statement's values. It throws `CallerRevoked` when the caller is refused, and
 *   then nothing else has been done.
 */
export function framed<Row, Values extends Record<string, unknown> = Record<string, never>>(
  entry: Entry | null,
  steps: Record<string, SQL>,
  row: { [Column in keyof Row]: SQL<Row[Column]> },
) {
  const recorded = entry && { recorded: recording(who, { ...entry, outcome: outcomeIf(entry) }) };
  const all = { claimant, caller, ...steps, ...recorded };
  const send = statement<Row, Claims & Origin & Values>(all, "caller", row);
  return async ({ connection, claims, origin }: Caller, values: Values): Promise<Row> => {
    const answer = await send(connection, { ...values, ...claims, ...origin });
    if (!answer) throw new CallerRevoked();
    return answer;
  };
}
