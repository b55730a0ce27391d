import { ProblemError, problemOfResponse, redirectProblem, unexpectedResponse } from "./problem.ts";
import { type RetryOptions, retryCall } from "./retry.ts";
import type { SessionStore } from "./session.ts";
import type { ProblemCode } from "./types.ts";
import { apiUrl } from "./url.ts";

/** The options of every call. */
export interface CallOptions {
  /** Ends the call at once, also in a pause between attempts. The call then throws the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** A request, and how to read its response. */
export interface Call<Result> extends CallOptions {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Relative to the API's URL, without a slash at the start. */
  path: string;
  query?: object | undefined;
  /** Sent as JSON; with `type`, it is text of that media type. */
  body?: unknown;
  type?: string;
  headers?: Record<string, string | undefined>;
  /**
   * Whether sending the request twice has the same effect as sending it once. Only then is it retried, unless the API
   * says that nothing was changed.
   */
  isIdempotent: boolean;
  read: (response: Response) => Result | Promise<Result>;
  /**
   * Called when the call fails after an attempt that may have succeeded, but whose response was lost. It returns the
   * result if that attempt did succeed, else it throws `problem`.
   */
  recover?: (problem: ProblemError) => Result | Promise<Result>;
}

interface SendOptions {
  url: string | URL;
  fetch: typeof fetch;
  retry: RetryOptions | undefined;
}

/**
 * Sends a call, with the session's access token if there is a session, and retries it where that is safe.
 *
 * @throws {ProblemError} when it fails.
 */
export type Send = <Result>(call: Call<Result>) => Promise<Result>;

/**
 * Returns a function that sends calls without a session, or with the access token that it is given.
 *
 * It follows no redirects: they could carry passwords and tokens to another origin. The mode is "manual", because
 * workerd does not have "error", and because a network error, unlike a redirect, is worth a retry.
 *
 * @throws {TypeError} when `url` is neither `https:` nor this machine.
 */
export function createSend({ url, fetch, retry }: SendOptions) {
  const base = apiUrl(url);
  return async <Result>(call: Call<Result>, access?: string, options = retry): Promise<Result> => {
    const target = new URL(base + call.path);
    target.search = searchOf(call.query);
    const init = {
      method: call.method,
      headers: headersOf(call, access),
      body: bodyOf(call),
      redirect: "manual" as const,
    };
    let mayHaveSucceeded = false;
    const attempt = async (signal: AbortSignal) => {
      const response = await fetch(target, { ...init, signal });
      if (isRedirect(response)) throw redirectProblem(response);
      if (response.status >= 400) throw await problemOfResponse(response);
      return call.read(response);
    };
    const isRetryable = (problem: ProblemError) => {
      if (nothingChanged.has(problem.code)) return true;
      if (!call.isIdempotent || !retryableStatuses.has(problem.status)) return false;
      mayHaveSucceeded ||= problem.status !== TOO_MANY_REQUESTS;
      return true;
    };
    return retryCall(attempt, isRetryable, options, call.signal).catch((problem: unknown) => {
      if (mayHaveSucceeded && call.recover && problem instanceof ProblemError) return call.recover(problem);
      throw problem;
    });
  };
}

/**
 * Returns a function that sends calls with the session's access token, and refreshes that when the API refuses it.
 */
export function withSession(send: ReturnType<typeof createSend>, session: SessionStore): Send {
  return async (call) => {
    const access = await session.accessToken(call.signal);
    const { loginCount } = session;
    try {
      return await send(call, access);
    } catch (error) {
      const next = access && isTokenRefused(error) && (await session.nextAccessToken(access, call.signal));
      // After a login in the meantime the tokens may be another account's: this call must not be sent with them.
      if (!next || session.loginCount !== loginCount) throw error;
      return send(call, next);
    }
  };
}

/** Also when the program's own `fetch` has followed it. A browser hides the status and the headers. */
const isRedirect = ({ status, type, redirected }: Response): boolean =>
  redirected || (type as string) === "opaqueredirect" || [301, 302, 303, 307, 308].includes(status);

const TOO_MANY_REQUESTS = 429;

/** No response (0), and the statuses of temporary problems. */
const retryableStatuses = new Set([0, TOO_MANY_REQUESTS, 502, 503, 504]);

type Codes = ReadonlySet<ProblemCode | undefined>;

/** The API promises that nothing was changed, and that the same request may succeed: any call is sent again. */
const nothingChanged: Codes = new Set(["write_conflict", "database_busy"]);

/** A new access token may help. */
const refusedTokens: Codes = new Set(["token_invalid", "token_expired", "token_revoked"]);

const isTokenRefused = (error: unknown): boolean =>
  error instanceof ProblemError && refusedTokens.has(error.code);

function headersOf({ headers = {}, body, type }: Call<unknown>, access?: string): Record<string, string> {
  const all = {
    "Content-Type": body === undefined ? undefined : (type ?? "application/json"),
    Authorization: access && `Bearer ${access}`,
    ...headers,
  };
  return Object.fromEntries(
    Object.entries(all).filter((pair): pair is [string, string] => pair[1] !== undefined),
  );
}

const bodyOf = ({ body, type }: Call<unknown>): string | null =>
  body === undefined ? null : type ? String(body) : JSON.stringify(body);

function searchOf(query: object = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  return String(search);
}

/**
 * Reads a response's JSON.
 *
 * @throws {ProblemError} when the body is not JSON, such as the login page of a public network.
 */
export async function readJson<Body>(response: Response): Promise<Body> {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch (error) {
    throw unexpectedResponse(response, error);
  }
}

/**
 * Checks a response without a body.
 *
 * @throws {ProblemError} when the status is not 204: the response is then not the API's.
 */
export function readNoContent(response: Response): void {
  if (response.status !== 204) throw unexpectedResponse(response);
}
