import { foreign, ProblemError, problemOf } from "./problem.ts";
import { type RetryOptions, withRetries } from "./retry.ts";
import type { Session } from "./session.ts";

/** What every call takes. */
export interface CallOptions {
  /** Ends the call at once, also while it waits for its next attempt; it then throws the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** A request, and what comes of its answer. */
export interface Call<Answer> extends CallOptions {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below the API's URL, without a slash before it. */
  path: string;
  query?: object | undefined;
  /** Sent as JSON, or as `type` says when it is text. */
  body?: unknown;
  type?: string;
  headers?: Record<string, string | undefined>;
  /** Whether sending it twice does what sending it once does. */
  isRepeatable: boolean;
  read: (response: Response) => Answer | Promise<Answer>;
  /** What the call gives, or throws, when it ends in a problem after an attempt that may have been done unheard. */
  settle?: (problem: ProblemError) => Answer | Promise<Answer>;
}

export interface Connection {
  url: string;
  fetch: typeof fetch;
  retry: RetryOptions | undefined;
}

/**
 * Sends a call, again where that is safe, with the token of the session where there is one.
 *
 * @throws {ProblemError}
 */
export type Send = <Answer>(call: Call<Answer>) => Promise<Answer>;

/** A way to send calls that need no session. */
export function createSend({ url, fetch, retry }: Connection) {
  const base = url.endsWith("/") ? url : `${url}/`;
  return async <Answer>(call: Call<Answer>, access?: string, options = retry): Promise<Answer> => {
    const target = new URL(base + call.path);
    target.search = searchOf(call.query);
    const init = { method: call.method, headers: headersOf(call, access), body: bodyOf(call) };
    let mayBeDone = false;
    const attempt = async (signal: AbortSignal) => {
      const response = await fetch(target, { ...init, signal });
      if (response.status >= 400) throw await problemOf(response);
      return call.read(response);
    };
    const isPassing = (problem: ProblemError) => {
      if (!call.isRepeatable || !passing.has(problem.status)) return false;
      mayBeDone ||= problem.status !== TOO_MANY;
      return true;
    };
    return withRetries(attempt, isPassing, options, call.signal).catch((problem: unknown) => {
      if (mayBeDone && call.settle && problem instanceof ProblemError) return call.settle(problem);
      throw problem;
    });
  };
}

/** The same with a session, whose access token is made new when it has run out. */
export function withSession(send: ReturnType<typeof createSend>, session: Session): Send {
  return async (call) => {
    const access = await session.access(call.signal);
    const begun = session.logins;
    try {
      return await send(call, access);
    } catch (error) {
      const next = access && isTokenRefused(error) && (await session.renewed(access, call.signal));
      // Somebody has logged in meanwhile, perhaps somebody else: this was not theirs.
      if (!next || session.logins !== begun) throw error;
      return send(call, next);
    }
  };
}

const TOO_MANY = 429;

/** No answer, and the statuses of what passes by itself. */
const passing = new Set([0, TOO_MANY, 502, 503, 504]);

/** RFC 6750, section 3.1. */
const isTokenRefused = (error: unknown): boolean =>
  error instanceof ProblemError && /error="invalid_token"/.test(error.headers.get("WWW-Authenticate") ?? "");

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
 * An answer's JSON.
 *
 * @throws {ProblemError} when it holds something else, as that of a network which wants one to log in first.
 */
export async function json<Body>(response: Response): Promise<Body> {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch (error) {
    throw foreign(response, error);
  }
}

/**
 * For answers that say all by their status.
 *
 * @throws {ProblemError} for another success than 204: it is somebody else's, a network's that wants one to log in first
 */
export function nothing(response: Response): void {
  if (response.status !== 204) throw foreign(response);
}
