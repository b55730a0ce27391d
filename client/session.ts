import { createQueue } from "./lock.ts";
import { ProblemError } from "./problem.ts";
import { rejectOnAbort } from "./retry.ts";
import { areOfDifferentAccounts, clinicOf, isExpired, type Tokens, tokensOf } from "./tokens.ts";
import type { TokenPair } from "./types.ts";

/** Where the tokens of a session are stored. The hooks are awaited, one after the other. */
export interface SessionOptions {
  /** The tokens of a session that exists already: those that `onTokens` received last. */
  tokens?: Tokens | undefined;
  /** Receives the tokens when there are new ones to store, and `undefined` when the session has ended. */
  onTokens?: ((tokens: Tokens | undefined) => unknown) | undefined;
  /**
   * Called when the session works in another clinic than before, with the id of the clinic: the client or another tab has
   * moved it, or the membership has ended. What is on the screen is of the clinic before.
   */
  onClinicChange?: ((clinic: number) => unknown) | undefined;
  /**
   * Returns the stored tokens, if there are any. With it, several clients share a session, such as the tabs of a browser:
   * before a client refreshes it takes over what another one has stored. Without `tokens`, the first call reads them.
   */
  loadTokens?: (() => Tokens | undefined | null | Promise<Tokens | undefined | null>) | undefined;
  /**
   * The name of the lock that clients with `loadTokens` refresh under, where the platform has `navigator.locks`; by
   * default the API's URL. A program with many sessions gives each one its own name, so that they do not wait for each
   * other.
   */
  lockName?: string | undefined;
}

export type SessionStore = ReturnType<typeof createSession>;

/**
 * Keeps the tokens of a session and refreshes the access token when it has expired.
 *
 * @param refresh exchanges a refresh token for the next pair of tokens.
 */
export function createSession(
  { tokens, onTokens, onClinicChange, loadTokens, lockName }: SessionOptions,
  refresh: (token: string) => Promise<TokenPair>,
) {
  /** Runs one change of the stored tokens at a time, of all tabs: a save never overtakes another. */
  const enqueue = createQueue(loadTokens && lockName);
  let refreshing: Promise<string | undefined> | undefined;
  let loginCount = 0;
  /** Whether `tokens` are newer than the stored ones, because they wait to be saved or the hook has failed. */
  let isUnsaved = false;
  /** Whether the stored tokens need not be read before the first call. */
  let isStarted = tokens !== undefined || !loadTokens;

  function setTokens(next: Tokens | undefined): void {
    replaceKnownTokens(next);
    isUnsaved = isStarted = true;
  }

  /** Sets the tokens, and tells the program when they are for another clinic. */
  function replaceKnownTokens(next: Tokens | undefined): void {
    const [before, after] = [tokens && clinicOf(tokens), next && clinicOf(next)];
    tokens = next;
    if (before !== undefined && after !== undefined && before !== after) onClinicChange?.(after);
  }

  async function saveTokens(next: Tokens | undefined): Promise<void> {
    await onTokens?.(next);
    if (tokens === next) isUnsaved = false;
  }

  function changeTokens(next: Tokens | undefined): Promise<void> {
    setTokens(next);
    return enqueue(() => saveTokens(next));
  }

  /**
   * Takes over the stored tokens, which another tab may have changed.
   *
   * @returns why the session has ended, if it has.
   */
  async function takeStoredTokens(): Promise<ProblemError | undefined> {
    const hasEnded = isStarted && !tokens;
    if (!loadTokens || isUnsaved || hasEnded) return undefined;
    const stored = (await loadTokens()) ?? undefined;
    if (isUnsaved) return undefined; // a login or logout of this client in the meantime
    const before = tokens;
    isStarted = true;
    // Two access tokens of one second may be equal.
    if (stored?.access === before?.access && stored?.refresh === before?.refresh) return undefined;
    if (!stored) {
      setTokens(undefined);
      await saveTokens(undefined);
      return endedProblem("The session has ended: another tab has logged out. Log in again.");
    }
    if (before && areOfDifferentAccounts(before, stored)) {
      tokens = undefined; // not saved: what is stored is the other account's
      return endedProblem("Another account has logged in, in another tab. Log in again, or reload the page.");
    }
    replaceKnownTokens(stored);
    return undefined;
  }

  async function refreshTokens(current: Tokens): Promise<string | undefined> {
    const ended = await takeStoredTokens();
    if (ended) throw ended;
    if (tokens && (tokens === current || isExpired(tokens))) await exchangeTokens(tokens);
    return tokens?.access;
  }

  async function exchangeTokens(current: Tokens): Promise<void> {
    const { next, error } = await refresh(current.refresh).then(
      (pair) => ({ next: tokensOf(pair), error: undefined }),
      (error: unknown) => ({ next: undefined, error }),
    );
    // After a login or logout in the meantime, the outcome for the old session no longer matters.
    if (tokens !== current) return;
    if (!next) {
      if (!isRefused(error)) throw error;
      // Where there are no locks, another tab may have refreshed or logged in meanwhile: that session goes on.
      const ended = await takeStoredTokens();
      if (ended) throw ended;
      if (tokens !== current) return;
    }
    setTokens(next);
    await saveTokens(next);
    if (!next) throw error;
  }

  async function moveCurrentTokens(move: (current: Tokens) => Promise<TokenPair>): Promise<void> {
    const current = tokens;
    if (!current) throw endedProblem("There is no session. Log in first.");
    const next = tokensOf(await move(current));
    if (tokens !== current) return; // a login or logout in the meantime
    setTokens(next);
    await saveTokens(next);
  }

  return {
    get tokens(): Tokens | undefined {
      return tokens;
    },

    /** The id of the clinic in which the session works, as far as this client knows. */
    get clinic(): number | undefined {
      return tokens && clinicOf(tokens);
    },

    /** The number of logins so far. A call that began in one session must not be repeated in the next one. */
    get loginCount(): number {
      return loginCount;
    },

    async signIn(pair: TokenPair): Promise<void> {
      loginCount += 1;
      tokens = undefined; // another session: its clinic is no change
      await changeTokens(tokensOf(pair));
    },

    /** Continues in another session of the same account: calls that have begun may be repeated in it. */
    async replaceTokens(pair: TokenPair): Promise<void> {
      await changeTokens(tokensOf(pair));
    },

    /**
     * Exchanges the tokens for those of another clinic, while no other call and no other tab refreshes them.
     *
     * @throws {ProblemError} when there is no session, and what `move` throws.
     */
    async moveTokens(move: (current: Tokens) => Promise<TokenPair>): Promise<void> {
      const loginsBefore = loginCount;
      await enqueue(async () => {
        const ended = await takeStoredTokens();
        if (ended) throw ended;
        if (tokens && isExpired(tokens)) await exchangeTokens(tokens);
        try {
          await moveCurrentTokens(move);
        } catch (error) {
          // Where there are no locks, another tab may have refreshed meanwhile: the API returns its refresh token again.
          if (!tokens || !isSpentToken(error)) throw error;
          await exchangeTokens(tokens);
          if (loginCount !== loginsBefore) throw error; // the session of a login in the meantime stays where it is
          await moveCurrentTokens(move);
        }
      });
    },

    async signOut(): Promise<void> {
      if (tokens) await changeTokens(undefined);
    },

    /** Returns the current tokens; at first, those that are stored. */
    async readTokens(): Promise<Tokens | undefined> {
      return isStarted ? tokens : this.readStoredTokens();
    },

    /** Returns the current tokens, after taking over those that are stored. */
    async readStoredTokens(): Promise<Tokens | undefined> {
      await enqueue(takeStoredTokens);
      return tokens;
    },

    /**
     * Returns an access token, refreshed if it has expired by this machine's clock; `undefined` without a session.
     */
    async accessToken(signal?: AbortSignal): Promise<string | undefined> {
      const current = await rejectOnAbort(this.readTokens(), signal);
      return current && isExpired(current) ? this.nextAccessToken(current.access, signal) : current?.access;
    },

    /**
     * Returns the access token that follows `current`. Concurrent calls share one refresh; a caller whose `signal`
     * aborts does not stop it for the others.
     *
     * @throws {ProblemError} when the refresh failed. If the API refused the refresh token, or another tab has logged
     *   out, the session has ended.
     */
    async nextAccessToken(current: string, signal?: AbortSignal): Promise<string | undefined> {
      if (!tokens || tokens.access !== current) return tokens?.access;
      if (!refreshing) {
        const expired = tokens;
        refreshing = enqueue(() => refreshTokens(expired)).finally(() => {
          refreshing = undefined;
        });
        refreshing.catch(() => {}); // every caller may have aborted: an error is then nobody's
      }
      return rejectOnAbort(refreshing, signal);
    },
  };
}

/** Without a response, or with another error, the session may still be valid once the API can be reached. */
const isRefused = (error: unknown): boolean =>
  error instanceof ProblemError &&
  (error.code === "refresh_token_invalid" || error.code === "validation_failed");

/** Whether the API did not move a session, because the refresh token was used already. */
const isSpentToken = (error: unknown): boolean =>
  error instanceof ProblemError && error.errors["refresh"] !== undefined;

const endedProblem = (detail: string): ProblemError =>
  new ProblemError({ title: "Unauthorized", detail }, { status: 401 });
