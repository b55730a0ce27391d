import type { Context } from "hono";
import { createFactory } from "hono/factory";
import { hashToken } from "../crypto.ts";
import type { Claims } from "../db/query/caller.ts";
import { networkOf, originOf } from "../http/address.ts";
import { limitBody } from "../http/body.ts";
import type { AppEnv } from "../http/context.ts";
import { unauthorized } from "../http/problems.ts";
import { limit, tooMany } from "../http/rate-limits.ts";
import { validate } from "../http/validation.ts";
import { ACCESS_SECONDS, issueAccess } from "./access-token.ts";
import { hashAnew, matchingForm } from "./passwords.ts";
import { findAccount, logIn, rotateRefresh } from "./queries.ts";
import { newRefresh, sessionOf } from "./refresh-token.ts";
import { Credentials, RefreshToken } from "./requests.ts";
import type { TokenPair } from "./responses.ts";

const { createHandlers } = createFactory<AppEnv>();

/** How much of what a client calls itself is kept. */
const MAX_USER_AGENT = 256;

/** `POST /login`: opens a session. */
export const loggingIn = createHandlers(limit("LOGIN_LIMITER"), validate("json", Credentials), async (c) => {
  const { BCRYPT_COST: cost, SESSION_DAYS: days } = c.get("config");
  const connection = c.get("connection");
  const { username: name, password } = c.req.valid("json");
  // Counted and looked up by the same key: no spelling of a name has attempts of its own.
  const attempt = { username: name.toLowerCase(), network: networkOf(c), ...originOf(c) };
  const account = await findAccount(connection, attempt);
  if (!account?.admitted) throw tooMany(account?.wait ?? 1);
  const { id, active, known: isKnown, password_hash } = account;
  // Of a disabled account no more than of none: its password is not looked at.
  const stored = active ? account : undefined;
  const matching = await matchingForm(password, stored, cost);
  const refresh = await newRefresh(c.get("config"));
  const claims = await logIn(connection, {
    ...attempt,
    known: isKnown,
    id,
    days,
    password_hash: matching === undefined ? null : password_hash,
    new_hash: matching !== undefined ? await hashAnew(matching, password_hash, cost) : null,
    token_hash: await hashToken(refresh),
    user_agent: c.req.header("User-Agent")?.slice(0, MAX_USER_AGENT) ?? null,
  });
  if (!claims) throw unauthorized("There is no active account with this username and password.");
  return respondWithPair(c, claims, refresh);
});

/**
 * A token that we have made is counted with those of its session: whoever has it is not kept from refreshing by others of the same
 * network. Those that anybody may have made up are counted together.
 */
const limitRefresh = limit("REFRESH_LIMITER", (c) => {
  const { refresh } = c.req.valid("json" as never) as { refresh: string };
  return sessionOf(refresh, c.get("config"));
});

/** What is too large to be a refresh token is not even looked at. */
const limitSize = limitBody(8);

/** `POST /refresh`: spends a refresh token for the next pair. */
export const refreshing = createHandlers(
  limitSize,
  validate("json", RefreshToken),
  limitRefresh,
  async (c) => {
    const config = c.get("config");
    const { refresh: spent } = c.req.valid("json");
    const refresh = await newRefresh(config, spent);
    const claims = await rotateRefresh(c.get("connection"), {
      spent_hash: await hashToken(spent),
      next_hash: await hashToken(refresh),
      idle_days: config.SESSION_IDLE_DAYS,
      ...originOf(c),
    });
    if (claims) return respondWithPair(c, claims, refresh);
    throw unauthorized("The refresh token is unknown, spent, or of a session that is over.", "invalid_token");
  },
);

async function respondWithPair(c: Context<AppEnv>, claims: Claims, refresh: string) {
  const pair: TokenPair = {
    access: await issueAccess(claims, c.get("config")),
    refresh,
    token_type: "Bearer",
    expires_in: ACCESS_SECONDS,
    ...(claims.must_change_password && { must_change_password: true }),
  };
  return c.json(pair);
}
