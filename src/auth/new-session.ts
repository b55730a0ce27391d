import { type SQL, sql } from "drizzle-orm";
import type { Context } from "hono";
import { hashToken } from "../crypto.ts";
import { intParam, param } from "../db/statement.ts";
import type { AppEnv } from "../http/context.ts";

/** The parameters of `newSessionSteps`. */
export type NewSession = {
  /** Of the session's first refresh token. */
  token_hash: string;
  /** How long the session lasts. */
  days: number;
  user_agent: string | null;
};

/** How many characters of `User-Agent` are stored. */
const MAX_USER_AGENT = 256;

/** The request's `User-Agent` header as it is stored; null if there is none. */
export const userAgentOf = (c: Pick<Context, "req">): string | null =>
  c.req.header("User-Agent")?.slice(0, MAX_USER_AGENT) ?? null;

/** The session that a request may open, with `refresh` as its first refresh token. */
export const newSession = async (
  c: Pick<Context<AppEnv>, "get" | "req">,
  refresh: string,
): Promise<NewSession> => ({
  token_hash: await hashToken(refresh),
  days: c.get("config").SESSION_DAYS,
  user_agent: userAgentOf(c),
});

const userAgent = sql`${param("user_agent")}::text`;

/** The client's address as it is stored with a session; NULL if it is not known. */
export const clientAddress = sql`nullif(${param("address")}::text, '')`;

/**
 * The steps that open a session: `new_session` has its row.
 *
 * @param accountStep the step with the account's `id`, `clinic_id`, `token_version` and `password_version`. Without a row, or
 *   without a clinic, there is no session.
 */
export const newSessionSteps = (accountStep: string): SQL => sql`new_session AS (
    INSERT INTO sessions (
      user_id, clinic_id, token_version, password_version, expires_at, user_agent, last_address, last_user_agent)
    SELECT id, clinic_id, token_version, password_version, now() + make_interval(days => ${intParam("days")}), ${userAgent},
      ${clientAddress}, ${userAgent}
    FROM ${sql.raw(accountStep)} WHERE clinic_id IS NOT NULL
    RETURNING user_id, id AS session_id, clinic_id, token_version
  ),
  new_token AS (
    INSERT INTO refresh_tokens (token_hash, session_id) SELECT ${param("token_hash")}::text, session_id FROM new_session
  )`;
