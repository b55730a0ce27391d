import { memoizePerConfig } from "../config.ts";
import type { TokenClaims } from "../db/query/caller.ts";
import type { VerifiedToken } from "./access-token.ts";

// A client sends the same access token for 15 minutes, so an isolate verifies its signature once and keeps the result
// until the token expires. Reading one patient takes 1.4 times the CPU of the plain Worker in bench/ with this, and
// 1.6 times without. Whether account and session are still valid is checked by each statement: revocation is
// immediate.

/** Enough for the clients of one location at one time. A token has some 300 characters. */
const MAX_TOKENS = 1000;

type VerifiedTokens = Map<string, VerifiedToken>;

/** The access tokens that this isolate has verified, oldest first. */
export const verifiedTokens = memoizePerConfig((): VerifiedTokens => new Map());

/** The claims of a verified token; `undefined` when it is not known or has expired (RFC 7519, section 4.1.4). */
export function findVerifiedToken(tokens: VerifiedTokens, token: string): TokenClaims | undefined {
  const verified = tokens.get(token);
  return verified && verified.exp > Date.now() / 1000 ? verified.claims : undefined;
}

/** Adds a verified token, and removes the oldest one when there are too many. Returns its claims. */
export function rememberVerifiedToken(
  tokens: VerifiedTokens,
  token: string,
  verified: VerifiedToken,
): TokenClaims {
  tokens.set(token, verified);
  const [oldest] = tokens.size > MAX_TOKENS ? tokens.keys() : [];
  if (oldest !== undefined) tokens.delete(oldest);
  return verified.claims;
}
