import { createMiddleware } from "hono/factory";
import { HTTPException } from "hono/http-exception";
import { jwt } from "hono/jwt";
import type { AppEnv } from "../http/context.ts";
import { unauthorized } from "../http/problem.ts";
import { ALGORITHM, claimsOf } from "./tokens.ts";

/**
 * Lets a request pass whose access token is genuine and not expired, and sets `c.var.claims`. That the account is
 * active and the session still open is checked by the statement that does the request's work (`db/caller.ts`).
 *
 * @throws {Problem} 401
 */
export const guard = createMiddleware<AppEnv>(async (c, next) => {
  const { JWT_SECRET: secret, JWT_ISSUER: iss, JWT_AUDIENCE: aud } = c.var.config;
  if (!c.req.header("Authorization")) throw unauthorized("This needs Authorization: Bearer <access token>.");
  const verify = jwt({ secret, alg: ALGORITHM, verification: { iss, aud } });
  try {
    await verify(c, async () => {});
  } catch (error) {
    // Its cause may hold the token: it ends here.
    if (error instanceof HTTPException) throw refused();
    throw error;
  }
  const claims = claimsOf(c.get("jwtPayload"));
  if (!claims) throw refused();
  c.set("claims", claims);
  await next();
});

const refused = () =>
  unauthorized("The access token is malformed, expired or not of this API.", "invalid_token");
