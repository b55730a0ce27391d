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

/** The session that a request may open, with `refresh` as its first refresh token. */
export const newSession = async (
  c: Pick<Context<AppEnv>, "get" | "req">,
  refresh: string,
): Promise<NewSession> => ({
  token_hash: await hashToken(refresh),
  days: c.get("config").SESSION_DAYS,
  user_agent: c.req.header("User-Agent")?.slice(0, MAX_USER_AGENT) ?? null,
});

/**
 * The steps that open a session: `new_session` has its row.
 *
 * @param accountStep the step with the account's `id`, `token_version` and `password_version`. Without a row there is
 *   no session.
 */
export const newSessionSteps = (accountStep: string): SQL => sql`new_session AS (
    INSERT INTO sessions (user_id, token_version, password_version, expires_at, user_agent)
    SELECT id, token_version, password_version, now() + make_interval(days => ${intParam("days")}), ${param("user_agent")}::text
    FROM ${sql.raw(accountStep)}
    RETURNING user_id, id AS session_id, token_version
  ),
  new_token AS (
    INSERT INTO refresh_tokens (token_hash, session_id) SELECT ${param("token_hash")}::text, session_id FROM new_session
  )`;
