import type { ProblemError } from "./problem.ts";
import { rejectOnAbort } from "./retry.ts";
import type { TokenPair } from "./types.ts";

/** The tokens of a session, as plain data: they can be stored as JSON and given to another client. */
export interface Tokens {
  access: string;
  refresh: string;
  /** When `access` expires: milliseconds since 1970, by this machine's clock. */
  expiresAt: number;
}

/** An access token is refreshed this many milliseconds before it expires: the request takes time to reach the API. */
const EXPIRY_MARGIN = 10_000;

export type SessionStore = ReturnType<typeof createSession>;

/**
 * Keeps the tokens of a session and refreshes the access token when it has expired.
 *
 * @param tokens of a session that exists already.
 * @param refresh exchanges a refresh token for the next pair of tokens.
 * @param onTokens is called with the tokens after every change, and with `undefined` when the session has ended.
 */
export function createSession(
  tokens: Tokens | undefined,
  refresh: (token: string) => Promise<TokenPair>,
  onTokens: (tokens: Tokens | undefined) => void = () => {},
) {
  let refreshing: Promise<string | undefined> | undefined;

  let loginCount = 0;

  function setTokens(next: Tokens | undefined): void {
    tokens = next;
    onTokens(next);
  }

  async function refreshTokens(current: Tokens): Promise<string | undefined> {
    try {
      const pair = await refresh(current.refresh);
      if (tokens === current) setTokens(tokensOf(pair));
    } catch (problem) {
      // After a login or logout in the meantime, the outcome for the old session no longer matters.
      if (tokens === current) {
        if (isRefused(problem as ProblemError)) setTokens(undefined);
        throw problem;
      }
    }
    return tokens?.access;
  }

  return {
    get tokens(): Tokens | undefined {
      return tokens;
    },

    /** The number of logins so far. A call that began in one session must not be repeated in the next one. */
    get loginCount(): number {
      return loginCount;
    },

    signIn(pair: TokenPair): void {
      loginCount += 1;
      setTokens(tokensOf(pair));
    },

    /** Continues in another session of the same account: calls that have begun may be repeated in it. */
    replaceTokens(pair: TokenPair): void {
      setTokens(tokensOf(pair));
    },

    signOut(): void {
      if (tokens) setTokens(undefined);
    },

    /**
     * Returns an access token, refreshed if it has expired by this machine's clock; `undefined` without a session.
     */
    async accessToken(signal?: AbortSignal): Promise<string | undefined> {
      if (!tokens || Date.now() < tokens.expiresAt - EXPIRY_MARGIN) return tokens?.access;
      return this.nextAccessToken(tokens.access, signal);
    },

    /**
     * Returns the access token that follows `current`. Concurrent calls share one refresh; a caller whose `signal`
     * aborts does not stop it for the others.
     *
     * @throws {ProblemError} when the refresh failed. If the API refused the refresh token, the session has ended.
     */
    async nextAccessToken(current: string, signal?: AbortSignal): Promise<string | undefined> {
      if (!tokens || tokens.access !== current) return tokens?.access;
      if (!refreshing) {
        refreshing = refreshTokens(tokens).finally(() => {
          refreshing = undefined;
        });
        refreshing.catch(() => {}); // every caller may have aborted: an error is then nobody's
      }
      return rejectOnAbort(refreshing, signal);
    },
  };
}

const tokensOf = ({ access, refresh, expires_in }: TokenPair): Tokens => ({
  access,
  refresh,
  expiresAt: Date.now() + expires_in * 1000,
});

/** Without a response, or with another error, the session may still be valid once the API can be reached. */
const isRefused = ({ code }: ProblemError): boolean =>
  code === "refresh_token_invalid" || code === "validation_failed";
