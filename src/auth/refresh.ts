import { createFactory } from "hono/factory";
import { sessionIdleMinutes } from "../config.ts";
import { hashToken } from "../crypto.ts";
import { limitBody } from "../http/body.ts";
import type { AppEnv } from "../http/context.ts";
import { unauthorizedProblem } from "../http/problems.ts";
import { rateLimit, requestOrigin } from "../http/rate-limits.ts";
import { validate } from "../http/validation.ts";
import { userAgentOf } from "./new-session.ts";
import { endSessionByRefreshToken, rotateRefreshToken } from "./refresh-queries.ts";
import { refreshTokenFamily, refreshTokenSuccessors } from "./refresh-token.ts";
import { RefreshToken } from "./requests.ts";
import { respondTokenPair } from "./token-pair.ts";

const factory = createFactory<AppEnv>();

const MAX_REFRESH_BODY_KIB = 8;

/**
 * A token of this API is counted with the others of its session, so that other clients of the same network cannot
 * keep it from being used. All other tokens are counted by network.
 *
 * @param use logouts are counted apart from refreshes: nobody can keep a session from being ended by refreshing it.
 */
const limitBySession = (use: "refresh" | "logout") =>
  rateLimit("REFRESH_LIMITER", async (c) => {
    const { refresh } = c.req.valid("json" as never) as { refresh: string };
    const family = await refreshTokenFamily(refresh, c.get("config"));
    return family && `${use} ${family}`;
  });

/** `POST /refresh`: exchanges a refresh token for the next pair of tokens. */
export const refreshHandlers = factory.createHandlers(
  limitBody(MAX_REFRESH_BODY_KIB),
  validate("json", RefreshToken),
  limitBySession("refresh"),
  async (c) => {
    const config = c.get("config");
    const { refresh: spentToken } = c.req.valid("json");
    const successors = await refreshTokenSuccessors(spentToken, config);
    const successor_hashes = await Promise.all(successors.map(hashToken));
    const exchanged = await rotateRefreshToken(c.get("connection"), {
      spent_hash: await hashToken(spentToken),
      successor_hashes,
      idle_minutes: sessionIdleMinutes(config),
      user_agent: userAgentOf(c),
      ...requestOrigin(c),
    });
    const refresh = exchanged && successors[successor_hashes.indexOf(exchanged.successor_hash)];
    if (refresh) return respondTokenPair(c, exchanged, refresh);
    throw unauthorizedProblem(
      "refresh_token_invalid",
      "The refresh token is unknown or already used, or its session has ended.",
      "invalid_token",
    );
  },
);

/**
 * `POST /logout`: ends the session of a refresh token (RFC 7009). It needs no access token, which may have expired
 * long ago on a shared computer. An unknown token gets the same response: there is nothing left to end.
 */
export const logoutHandlers = factory.createHandlers(
  limitBody(MAX_REFRESH_BODY_KIB),
  validate("json", RefreshToken),
  limitBySession("logout"),
  async (c) => {
    const token_hash = await hashToken(c.req.valid("json").refresh);
    await endSessionByRefreshToken(c.get("connection"), { token_hash, ...requestOrigin(c) });
    return c.body(null, 204);
  },
);
