import { type SQL, sql } from "drizzle-orm";
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
  /** The id of the request, as its answer and our logs have it. */
  requestId: string;
  /** The client's network address, as Cloudflare tells it. */
  address: string;
  connection: Connection;
}

/** The token is genuine, but its account is disabled, its version was raised, or its session is over. */
export class CallerRevoked extends Error {
  override name = "CallerRevoked";
}

/** The calling account: one row, or none when it is refused. */
const caller = sql`
  SELECT u.id, u.role FROM ${users} u JOIN ${sessions} s ON s.user_id = u.id
  WHERE u.id = ${value("user_id")} AND u.active AND u.token_version = ${value("token_version")}
    AND s.id = ${value("session_id")} AND s.ended_at IS NULL AND s.expires_at > now()`;

/** The calling account's id; null when it is refused, and so like no id. */
export const callerId = sql`(SELECT id FROM caller)`;

export const callerIsAdmin = sql`EXISTS (SELECT FROM caller WHERE role = 'admin')`;

/**
 * The frame of every statement on data: checks the caller, does the work and answers with what came of it, in one round
 * trip. A step that writes takes its rights from `callerId`, so that without a caller it writes nothing.
 *
 * @returns a function of the caller and the statement's values. It throws `CallerRevoked` when the caller is refused, and
 *   then nothing has been done.
 */
export function framed<Row, Values extends Record<string, unknown> = Record<string, never>>(
  steps: Record<string, SQL>,
  row: { [Column in keyof Row]: SQL<Row[Column]> },
) {
  const send = statement<Row, Claims & Values>({ caller, ...steps }, "caller", row);
  return async ({ connection, claims }: Caller, values: Values): Promise<Row> => {
    const answer = await send(connection, { ...values, ...claims });
    if (!answer) throw new CallerRevoked();
    return answer;
  };
}
