import type { Context } from "hono";
import { createFactory } from "hono/factory";
import { sessionIdleMinutes } from "../config.ts";
import { hashToken } from "../crypto.ts";
import type { TokenClaims } from "../db/query/caller.ts";
import { limitBody } from "../http/body.ts";
import type { AppEnv } from "../http/context.ts";
import { unauthorizedProblem } from "../http/problems.ts";
import { clientNetwork, rateLimit, requestOrigin, tooManyRequests } from "../http/rate-limits.ts";
import { validate } from "../http/validation.ts";
import { accessTokenSeconds, issueAccessToken } from "./access-token.ts";
import { matchPassword, rehashIfOutdated } from "./passwords.ts";
import { findLoginAccount, openSession } from "./queries.ts";
import { newRefreshToken, refreshTokenFamily } from "./refresh-token.ts";
import { Credentials, RefreshToken } from "./requests.ts";
import type { TokenPair } from "./responses.ts";
import { rotateRefreshToken } from "./session-queries.ts";

const factory = createFactory<AppEnv>();

/** How many characters of `User-Agent` are stored. */
const MAX_USER_AGENT = 256;

/** `POST /login`: opens a session. */
export const loginHandlers = factory.createHandlers(
  rateLimit("LOGIN_LIMITER"),
  validate("json", Credentials),
  async (c) => {
    const { BCRYPT_COST: cost, SESSION_DAYS: days } = c.get("config");
    const connection = c.get("connection");
    const { username, password } = c.req.valid("json");
    // Attempts are counted by the name that is looked up: another spelling of it has no attempts of its own.
    const attempt = { username: username.toLowerCase(), network: clientNetwork(c), ...requestOrigin(c) };
    const account = await findLoginAccount(connection, attempt);
    if (!account?.isAdmitted) throw tooManyRequests(account?.waitSeconds ?? 1);
    const { id, active, isOwnNetwork, password_hash } = account;
    // A disabled account is treated like a missing one, in the same time.
    const matchedPassword = await matchPassword(password, active ? account : undefined, cost);
    const refresh = await newRefreshToken(c.get("config"));
    const claims = await openSession(connection, {
      ...attempt,
      isOwnNetwork,
      id,
      days,
      password_hash: matchedPassword === undefined ? null : password_hash,
      new_hash: matchedPassword === undefined ? null : await rehashIfOutdated(matchedPassword, account, cost),
      token_hash: await hashToken(refresh),
      user_agent: c.req.header("User-Agent")?.slice(0, MAX_USER_AGENT) ?? null,
    });
    if (!claims) throw unauthorizedProblem("There is no active account with this username and password.");
    return respondTokenPair(c, claims, refresh);
  },
);

/**
 * A token of this API is counted with the others of its session, so that other clients of the same network cannot
 * keep it from refreshing. All other tokens are counted by network.
 */
const limitRefreshes = rateLimit("REFRESH_LIMITER", (c) => {
  const { refresh } = c.req.valid("json" as never) as { refresh: string };
  return refreshTokenFamily(refresh, c.get("config"));
});

const MAX_REFRESH_BODY_KIB = 8;

/** `POST /refresh`: exchanges a refresh token for the next pair of tokens. */
export const refreshHandlers = factory.createHandlers(
  limitBody(MAX_REFRESH_BODY_KIB),
  validate("json", RefreshToken),
  limitRefreshes,
  async (c) => {
    const config = c.get("config");
    const { refresh: spentToken } = c.req.valid("json");
    const refresh = await newRefreshToken(config, spentToken);
    const claims = await rotateRefreshToken(c.get("connection"), {
      spent_hash: await hashToken(spentToken),
      next_hash: await hashToken(refresh),
      idle_minutes: sessionIdleMinutes(config),
      ...requestOrigin(c),
    });
    if (claims) return respondTokenPair(c, claims, refresh);
    throw unauthorizedProblem(
      "The refresh token is unknown or already used, or its session has ended.",
      "invalid_token",
    );
  },
);

async function respondTokenPair(c: Context<AppEnv>, claims: TokenClaims, refresh: string) {
  const pair: TokenPair = {
    access: await issueAccessToken(claims, c.get("config")),
    refresh,
    token_type: "Bearer",
    expires_in: accessTokenSeconds(c.get("config")),
    ...(claims.must_change_password && { must_change_password: true }),
  };
  return c.json(pair);
}
