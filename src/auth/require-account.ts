import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { HTTPException } from "hono/http-exception";
import { jwt } from "hono/jwt";
import type { AuthenticatedEnv } from "../http/context.ts";
import { unauthorizedProblem } from "../http/problems.ts";
import { consumeRateLimit, rateLimitedMiddleware, requestOrigin } from "../http/rate-limits.ts";
import { today } from "../http/today.ts";
import { rejectUndeclaredQuery } from "../http/validation.ts";
import { ALGORITHM, parseVerifiedPayload, type VerifiedToken, verificationKey } from "./access-token.ts";
import { findVerifiedToken, rememberVerifiedToken, verifiedTokens } from "./verified-tokens.ts";

const BEARER_SCHEME = /^bearer(?:[\s,]|$)/i;

/** An `Authorization` header with an access token (RFC 6750, section 2.1). */
const BEARER = /^bearer\s+(\S+)$/i;

/**
 * Requires a valid access token and sets the variable `caller`. The statement that does the request's work checks that the
 * account is active and the session open (src/db/query/caller.ts).
 *
 * @throws {Problem} 401; 429 when the session or the account sends too many requests; 400 for a query that the route
 *   does not take.
 */
export const requireAccount = createMiddleware<AuthenticatedEnv>(async (c, next) => {
  const authorization = c.req.header("Authorization") ?? "";
  // Without `error=`, which is for tokens: a client that sends none, or uses another scheme, did not know (RFC 6750,
  // section 3.1).
  if (!BEARER_SCHEME.test(authorization))
    throw unauthorizedProblem(
      "token_missing",
      "An access token is required: send Authorization: Bearer <access token>.",
    );
  const [, token] = BEARER.exec(authorization) ?? [];
  if (token === undefined) throw invalidTokenProblem();
  const [config, connection] = [c.get("config"), c.get("connection")];
  const tokens = verifiedTokens(config);
  const claims =
    findVerifiedToken(tokens, token) ?? rememberVerifiedToken(tokens, token, await verifyToken(c, token));
  // Only the statement knows whether the session has ended. So that an ended one cannot use up its account's requests,
  // those that exceed the session's limit are not counted for the account.
  await consumeRateLimit(config.SESSION_LIMITER, claims.session_id);
  await consumeRateLimit(config.ACCOUNT_LIMITER, String(claims.user_id));
  rejectUndeclaredQuery(c);
  c.set("caller", { claims, origin: requestOrigin(c), today: today(config), connection });
  await next();
});

rateLimitedMiddleware.add(requireAccount);

/**
 * Verifies the request's token. @throws {Problem} 401 when it is malformed, forged, expired, not valid yet, or of another
 * issuer or audience
 */
async function verifyToken(c: Context<AuthenticatedEnv>, token: string): Promise<VerifiedToken> {
  const config = c.get("config");
  const { JWT_ISSUER: iss, JWT_AUDIENCE: aud } = config;
  const secret = await verificationKey(token, config);
  try {
    // `parseVerifiedPayload` checks `iat` and `nbf` with a tolerance for the clock of another machine. `exp` is checked
    // below, after the signature: only a token of this API can have expired.
    const notHere = { iat: false, nbf: false, exp: false };
    await jwt({ secret, alg: ALGORITHM, verification: { iss, aud, ...notHere } })(c, async () => {});
  } catch (error) {
    // The error is not passed on: its cause may hold the token.
    throw error instanceof HTTPException ? invalidTokenProblem() : error;
  }
  const verified = parseVerifiedPayload(c.get("jwtPayload"));
  if (!verified) throw invalidTokenProblem();
  if (verified.exp <= Date.now() / 1000)
    throw unauthorizedProblem("token_expired", "The access token has expired.", "invalid_token");
  return verified;
}

const invalidTokenProblem = () =>
  unauthorizedProblem(
    "token_invalid",
    "The access token is malformed, or is not from this API.",
    "invalid_token",
  );
