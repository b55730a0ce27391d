import type { TokenPair } from "./types.ts";

/** The tokens of a session, as plain data: they can be stored as JSON and given to another client. */
export interface Tokens {
  access: string;
  refresh: string;
  /** When `access` expires: milliseconds since 1970, by this machine's clock. */
  expiresAt: number;
  /** The id of the clinic that they are for; `undefined` if they are from a version without clinics. */
  clinic?: number | undefined;
}

/** An access token is refreshed this many milliseconds before it expires: the request takes time to reach the API. */
const EXPIRY_MARGIN = 10_000;

export const isExpired = ({ expiresAt }: Tokens): boolean => Date.now() >= expiresAt - EXPIRY_MARGIN;

export const tokensOf = ({ access, refresh, expires_in, clinic }: TokenPair): Tokens => ({
  access,
  refresh,
  expiresAt: Date.now() + expires_in * 1000,
  clinic,
});

/**
 * Whether two access tokens certainly belong to different accounts. A token that is not a JWT, or has no `sub`, may
 * belong to any.
 */
export function areOfDifferentAccounts(one: Tokens, other: Tokens): boolean {
  const [account, otherAccount] = [accountOf(one), accountOf(other)];
  return account !== undefined && otherAccount !== undefined && account !== otherAccount;
}

const accountOf = (tokens: Tokens): unknown => claimsOf(tokens).sub;

/**
 * The id of the clinic that tokens are for: a token that names none is for the personal clinic, which has the account's id.
 * `undefined` if the access token is not a JWT.
 */
export function clinicOf(tokens: Tokens): number | undefined {
  const { clinic, sub } = claimsOf(tokens);
  return tokens.clinic ?? clinic ?? (sub === undefined ? undefined : Number(sub));
}

function claimsOf({ access }: Tokens): { sub?: string; clinic?: number } {
  try {
    const payload = access.split(".")[1] ?? "";
    return JSON.parse(atob(payload.replace(/-/g, "+").replace(/_/g, "/")));
  } catch {
    return {}; // not a JWT
  }
}
