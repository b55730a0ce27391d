import { createMiddleware } from "hono/factory";
import { HTTPException } from "hono/http-exception";
import { jwt } from "hono/jwt";
import type { Caller } from "../db/caller.ts";
import { ALGORITHM, claimsOf, keyFor } from "./access-token.ts";
import { originOf } from "./address.ts";
import type { AppEnv } from "./context.ts";
import { limiting, spend } from "./limits.ts";
import { unauthorized } from "./problem.ts";

/** What a handler behind the guard finds in its context, and no other does. */
export type GuardedEnv = AppEnv & { Variables: { caller: Caller } };

/**
 * Lets a request pass whose access token is genuine and not expired, and sets `c.var.caller`. That the account is
 * active and the session still open is checked by the statement that does the request's work (`db/caller.ts`).
 *
 * @throws {Problem} 401; 429 when the account sends too many
 */
export const guard = createMiddleware<GuardedEnv>(async (c, next) => {
  const authorization = c.req.header("Authorization");
  if (!authorization) throw unauthorized("This needs Authorization: Bearer <access token>.");
  const config = c.get("config");
  const { JWT_ISSUER: iss, JWT_AUDIENCE: aud } = config;
  const secret = await keyFor(authorization, config);
  const passOn = async () => {
    const claims = claimsOf(c.get("jwtPayload"));
    if (!claims) throw refused();
    await spend(config.ACCOUNT_LIMITER, String(claims.user_id));
    c.set("caller", { claims, origin: originOf(c), connection: c.get("connection") });
    await next();
  };
  try {
    await jwt({ secret, alg: ALGORITHM, verification: { iss, aud } })(c, passOn);
  } catch (error) {
    // Its cause may hold the token: it ends here.
    throw error instanceof HTTPException ? refused() : error;
  }
});

limiting.add(guard);

const refused = () =>
  unauthorized("The access token is malformed, expired or not of this API.", "invalid_token");
