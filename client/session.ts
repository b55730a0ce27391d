import type { ProblemError } from "./problem.ts";
import { unlessAborted } from "./retry.ts";
import type { TokenPair } from "./types.ts";

/** A session's tokens as the client keeps them: plain data, to be stored and given to another client. */
export interface Tokens {
  access: string;
  refresh: string;
  /** When `access` runs out: milliseconds since 1970, by this machine's clock. */
  expiresAt: number;
}

/** How long before its end an access token is not used any more, in milliseconds: it has a way to go. */
const MARGIN = 10_000;

export type Session = ReturnType<typeof createSession>;

/**
 * Keeps the tokens, and sees to it that they are fresh.
 *
 * @param refresh spends a refresh token for the next pair.
 * @param onTokens is told of every change; `undefined` when signed out.
 */
export function createSession(
  tokens: Tokens | undefined,
  refresh: (token: string) => Promise<TokenPair>,
  onTokens: (tokens: Tokens | undefined) => void = () => {},
) {
  let refreshing: Promise<string | undefined> | undefined;

  let logins = 0;

  function keep(next: Tokens | undefined): void {
    tokens = next;
    onTokens(next);
  }

  async function renew(spent: Tokens): Promise<string | undefined> {
    try {
      const pair = await refresh(spent.refresh);
      if (tokens === spent) keep(tokensOf(pair));
    } catch (problem) {
      // Somebody has logged in or out meanwhile: what became of the old session does not matter any more.
      if (tokens === spent) {
        if (isRefused(problem as ProblemError)) keep(undefined);
        throw problem;
      }
    }
    return tokens?.access;
  }

  return {
    get tokens(): Tokens | undefined {
      return tokens;
    },

    /** How often somebody has logged in: what one session began is not for the next one to go on with. */
    get logins(): number {
      return logins;
    },

    signIn(pair: TokenPair): void {
      logins += 1;
      keep(tokensOf(pair));
    },

    signOut(): void {
      if (tokens) keep(undefined);
    },

    /** An access token that is good as far as one can know here; `undefined` without a session. */
    async access(signal?: AbortSignal): Promise<string | undefined> {
      if (!tokens || Date.now() < tokens.expiresAt - MARGIN) return tokens?.access;
      return this.renewed(tokens.access, signal);
    },

    /**
     * The access token after `refused`, which is no good any more. However many ask, one refreshes; a caller that gives
     * up waiting does not stop it for the others.
     *
     * @throws {ProblemError} when there is none; where the refresh token was refused, the session is over.
     */
    async renewed(refused: string, signal?: AbortSignal): Promise<string | undefined> {
      if (!tokens || tokens.access !== refused) return tokens?.access;
      if (!refreshing) {
        refreshing = renew(tokens).finally(() => {
          refreshing = undefined;
        });
        refreshing.catch(() => {}); // also when all who waited have given up
      }
      return unlessAborted(refreshing, signal);
    },
  };
}

const tokensOf = ({ access, refresh, expires_in }: TokenPair): Tokens => ({
  access,
  refresh,
  expiresAt: Date.now() + expires_in * 1000,
});

/** Not so when there was no answer: then the session may well go on, once the API can be reached. */
const isRefused = ({ status }: ProblemError): boolean => status === 400 || status === 401;
