import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { HTTPException } from "hono/http-exception";
import { jwt } from "hono/jwt";
import type { Caller } from "../db/query/caller.ts";
import { originOf } from "../http/address.ts";
import type { AppEnv } from "../http/context.ts";
import { unauthorized } from "../http/problems.ts";
import { limiting, spend } from "../http/rate-limits.ts";
import { ALGORITHM, keyFor, type Verified, verifiedOf } from "./access-token.ts";
import { knownTokens, recall, remember } from "./verified-tokens.ts";

/** What a handler behind the guard finds in its context, and no other does. */
export type GuardedEnv = AppEnv & { Variables: { caller: Caller } };

/** What has an access token in it (RFC 6750, section 2.1). */
const BEARER = /^bearer\s+(\S+)$/i;

/**
 * Lets a request pass whose access token is genuine and not expired, and sets `c.var.caller`. That the account is
 * active and the session still open is checked by the statement that does the request's work (`db/caller.ts`).
 *
 * @throws {Problem} 401; 429 when the account sends too many
 */
export const guard = createMiddleware<GuardedEnv>(async (c, next) => {
  const authorization = c.req.header("Authorization");
  if (!authorization) throw unauthorized("This needs Authorization: Bearer <access token>.");
  const [, token] = BEARER.exec(authorization) ?? [];
  if (token === undefined) throw refused();
  const { config, connection } = c.var;
  const tokens = knownTokens(config);
  const claims = recall(tokens, token) ?? remember(tokens, token, await verify(c, token));
  await spend(config.ACCOUNT_LIMITER, String(claims.user_id));
  c.set("caller", { claims, origin: originOf(c), connection });
  await next();
});

limiting.add(guard);

/** What the token of a request says. @throws {Problem} 401 when it is not genuine, or expired */
async function verify(c: Context<GuardedEnv>, token: string): Promise<Verified> {
  const { config } = c.var;
  const { JWT_ISSUER: iss, JWT_AUDIENCE: aud } = config;
  const secret = await keyFor(token, config);
  try {
    await jwt({ secret, alg: ALGORITHM, verification: { iss, aud } })(c, async () => {});
  } catch (error) {
    // Its cause may hold the token: it ends here.
    throw error instanceof HTTPException ? refused() : error;
  }
  const verified = verifiedOf(c.get("jwtPayload"));
  if (!verified) throw refused();
  return verified;
}

const refused = () =>
  unauthorized("The access token is malformed, expired or not of this API.", "invalid_token");
