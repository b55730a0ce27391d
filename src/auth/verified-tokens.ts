import { perConfig } from "../config.ts";
import type { Claims } from "../db/query/caller.ts";
import type { Verified } from "./access-token.ts";

// A client sends the same token for a quarter of an hour: one that was genuine a moment ago is so still, unless it has expired
// since. (That its account and its session are good is asked of the database each time.)

/** As many as there are clients at one place and a time. A token of ours has some three hundred characters. */
const MAX_TOKENS = 1000;

type Tokens = Map<string, Verified>;

/** The tokens that an isolate has verified: none gets in that is not genuine. */
export const knownTokens = perConfig((): Tokens => new Map());

/** What a token says that is known and has not expired (RFC 7519, section 4.1.4). */
export function recall(tokens: Tokens, token: string): Claims | undefined {
  const known = tokens.get(token);
  return known && known.exp > Date.now() / 1000 ? known.claims : undefined;
}

/** Keeps what a token says, and forgets the oldest one when there are too many. */
export function remember(tokens: Tokens, token: string, verified: Verified): Claims {
  tokens.set(token, verified);
  const [oldest] = tokens.size > MAX_TOKENS ? tokens.keys() : [];
  if (oldest !== undefined) tokens.delete(oldest);
  return verified.claims;
}
