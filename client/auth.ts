import { unexpectedResponse } from "./problem.ts";
import type { Call, CallOptions, createSend, Send } from "./request.ts";
import { readJson, readNoContent } from "./response.ts";
import { type RetryOptions, rejectOnAbort } from "./retry.ts";
import type { SessionStore } from "./session.ts";
import type {
  Account,
  Credentials,
  NewAccount,
  OwnAccountChange,
  PasswordChange,
  Registration,
  TokenPair,
} from "./types.ts";

/**
 * The longest time for a refresh with all its attempts, in milliseconds. When the response of an attempt is lost, the
 * API has used the token; it accepts it again for 30 seconds, and 5 are left for the way. Later it takes the token
 * for stolen.
 */
const REFRESH_DEADLINE = 25_000;

/** The caller's account and session. Every method throws a `ProblemError` when it fails. */
export interface Auth {
  /** Creates an account. Without a response it is not retried: the username is unique, so a retry would be refused. */
  register(account: Registration, options?: CallOptions): Promise<NewAccount>;
  /** Starts a session. Without a response it is not retried: the API counts attempts. */
  login(credentials: Credentials, options?: CallOptions): Promise<void>;
  /** Refreshes the access token now. There is no need to call it: every method does so when the token has expired. */
  refresh(options?: CallOptions): Promise<void>;
  /**
   * Ends the session, also when its access token has expired. The client drops its tokens in any case; if this throws,
   * the API may still accept them.
   */
  logout(options?: CallOptions): Promise<void>;
  /**
   * Changes the caller's password and ends all its sessions. The client continues in the new session that the API
   * opens. Without a response it is not retried: the API counts attempts, and the password may have been changed: log in.
   */
  changePassword(change: PasswordChange, options?: CallOptions): Promise<void>;
  /**
   * Continues in another clinic, of which the caller is a member. Other tabs learn it with their next call, which fails with
   * `clinic_changed` and is not sent again. Without a response the session may have moved: a call within 30 seconds tells.
   */
  moveToClinic(clinic: number, options?: CallOptions): Promise<void>;
  /** Reads the caller's own account. */
  me(options?: CallOptions): Promise<Account>;
  /**
   * Changes the email of the caller's own account. It needs the password. Without a response it is not retried: the API
   * counts attempts.
   */
  updateMe(change: OwnAccountChange, options?: CallOptions): Promise<Account>;
}

const authCall = <Result>(
  path: string,
  body: object,
  read: Call<Result>["read"],
  options?: CallOptions,
): Call<Result> => ({ method: "POST", path: `api/auth/${path}/`, body, read, options, isIdempotent: false });

/**
 * Reads a pair of tokens.
 *
 * @throws {ProblemError} when it is none: the tokens that are stored stay, and may still be valid.
 */
async function readTokenPair(response: Response): Promise<TokenPair> {
  const pair = await readJson<Partial<TokenPair> | null>(response);
  const isPair = typeof pair?.access === "string" && typeof pair.refresh === "string" && pair.expires_in;
  if (!isPair) throw unexpectedResponse(response);
  return pair as TokenPair;
}

/** Exchanges a refresh token for the next pair of tokens. */
export const exchangeRefreshToken = (
  send: ReturnType<typeof createSend>,
  token: string,
  retry: RetryOptions | undefined,
): Promise<TokenPair> =>
  send({ ...authCall("refresh", { refresh: token }, readTokenPair), isIdempotent: true }, undefined, {
    ...retry,
    deadline: Math.min(retry?.deadline ?? REFRESH_DEADLINE, REFRESH_DEADLINE),
  });

/** The methods that `Auth` lists. @param sendWithoutSession sends a call with the access token that it is given, if any. */
export const authMethods = (
  sendWithoutSession: ReturnType<typeof createSend>,
  send: Send,
  session: SessionStore,
): Auth => ({
  register: async (account, options) =>
    sendWithoutSession(authCall("register", account, readJson<NewAccount>, options)),

  async login(credentials, options) {
    await session.signIn(await sendWithoutSession(authCall("login", credentials, readTokenPair, options)));
  },

  async refresh({ signal } = {}) {
    const tokens = await rejectOnAbort(session.readTokens(), signal);
    if (tokens) await session.nextAccessToken(tokens.access, signal);
  },

  async logout(options) {
    try {
      const tokens = await rejectOnAbort(session.readStoredTokens(), options?.signal);
      if (!tokens) return;
      const call = authCall("logout", { refresh: tokens.refresh }, readNoContent, options);
      await sendWithoutSession({ ...call, isIdempotent: true });
    } finally {
      await session.signOut();
    }
  },

  async changePassword(change, options) {
    await session.replaceTokens(await send(authCall("password", change, readTokenPair, options)));
  },

  async moveToClinic(clinic, options) {
    await session.moveTokens(({ access, refresh }) =>
      sendWithoutSession(authCall("clinic", { clinic, refresh }, readTokenPair, options), access),
    );
  },

  me: async (options) =>
    send({ method: "GET", path: "api/auth/me/", options, isIdempotent: true, read: readJson<Account> }),

  updateMe: async (change, options) =>
    send({ ...authCall("me", change, readJson<Account>, options), method: "PATCH" }),
});
