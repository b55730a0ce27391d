import { HookError, type Hooks, runHooks } from "./hooks.ts";
import { ProblemError, problemOfResponse, redirectProblem } from "./problem.ts";
import { isRedirect } from "./response.ts";
import { type RetryOptions, retryCall } from "./retry.ts";
import type { SessionStore } from "./session.ts";
import type { ProblemCode } from "./types.ts";

/** The options of every call. Its hooks are called after those of the client. */
export interface CallOptions extends Hooks {
  /** Ends the call at once, also in a pause between attempts. The call then throws the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** A request, and how to read its response. */
export interface Call<Result> {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Relative to the API's URL, without a slash at the start. */
  path: string;
  query?: object | undefined;
  /** Sent as JSON; with `type`, it is text of that media type. */
  body?: unknown;
  type?: string;
  headers?: Record<string, string | undefined>;
  options?: CallOptions | undefined;
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
  /** The API's URL, checked and with a slash at its end. */
  base: string;
  fetch: typeof fetch;
  retry: RetryOptions | undefined;
  hooks: Hooks;
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
 */
export function createSend({ base, fetch, retry, hooks }: SendOptions) {
  return async <Result>(call: Call<Result>, access?: string, retryOptions = retry): Promise<Result> => {
    const { method, options = {} } = call;
    const target = new URL(base + call.path);
    target.search = searchOf(call.query);
    let attempt = 0;
    let mayHaveSucceeded = false;

    async function sendOnce(signal: AbortSignal): Promise<Result> {
      attempt += 1;
      const about = { method, url: target.href, attempt };
      const headers = headersOf(call);
      await runHooks([hooks.onRequest, options.onRequest], { ...about, headers }, signal);
      const init = { method, headers: withAccessToken(headers, access), body: bodyOf(call) };
      const response = await fetch(target, { ...init, redirect: "manual", signal });
      const received = { ...about, ...detailsOf(response) };
      await runHooks([hooks.onResponse, options.onResponse], received, signal);
      if (isRedirect(response)) throw redirectProblem(response);
      if (response.status >= 400) throw await problemOfResponse(response);
      return call.read(response);
    }

    function isRetryable({ status, code, cause }: ProblemError): boolean {
      if (nothingChanged.has(code)) return true;
      if (!call.isIdempotent || cause instanceof HookError || !retryableStatuses.has(status)) return false;
      mayHaveSucceeded ||= status !== TOO_MANY_REQUESTS;
      return true;
    }

    return retryCall(sendOnce, isRetryable, retryOptions, options.signal).catch((problem: unknown) => {
      if (!(problem instanceof ProblemError)) throw problem;
      if (problem.cause instanceof HookError) throw problem.cause.cause;
      if (mayHaveSucceeded && call.recover) return call.recover(problem);
      throw problem;
    });
  };
}

/**
 * Returns a function that sends calls with the session's access token, and refreshes that when the API refuses it. A call
 * that was meant for another clinic than the refreshed tokens are for is not sent again.
 */
export function withSession(send: ReturnType<typeof createSend>, session: SessionStore): Send {
  return async (call) => {
    const signal = call.options?.signal;
    const { clinic } = session;
    /** Calls that were meant for one clinic are not sent to another: a patient of the one would be written into the other. */
    const requireSameClinic = () => {
      if (clinic !== undefined && session.tokens && session.clinic !== clinic) throw clinicChangedProblem();
    };
    const access = await session.accessToken(signal);
    requireSameClinic();
    const { loginCount } = session;
    try {
      return await send(call, access);
    } catch (error) {
      const next = access && isTokenRefused(error) && (await session.nextAccessToken(access, signal));
      // After a login in the meantime the tokens may be another account's: this call must not be sent with them.
      if (!next || session.loginCount !== loginCount) throw error;
      requireSameClinic();
      return send(call, next);
    }
  };
}

const clinicChangedProblem = (): ProblemError =>
  new ProblemError(
    {
      title: "Unauthorized",
      detail: "The session works in another clinic now. The request was not sent there.",
      code: "clinic_changed",
    },
    { status: 401 },
  );

const TOO_MANY_REQUESTS = 429;

/** No response (0), and the statuses of temporary problems. */
const retryableStatuses = new Set([0, TOO_MANY_REQUESTS, 502, 503, 504]);

type Codes = ReadonlySet<ProblemCode | undefined>;

/** The API promises that nothing was changed, and that the same request may succeed: any call is sent again. */
const nothingChanged: Codes = new Set(["write_conflict", "database_busy"]);

/** A new access token may help. */
const refusedTokens: Codes = new Set([
  "token_invalid",
  "token_expired",
  "token_revoked",
  "clinic_changed",
  "membership_ended",
]);

const isTokenRefused = (error: unknown): boolean =>
  error instanceof ProblemError && refusedTokens.has(error.code);

function headersOf({ headers = {}, body, type }: Call<unknown>): Headers {
  const all = new Headers();
  if (body !== undefined) all.set("Content-Type", type ?? "application/json");
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) all.set(name, value);
  return all;
}

/** The headers as an object: a program's own `fetch` may add others to it. */
function withAccessToken(headers: Headers, access: string | undefined): Record<string, string> {
  if (access) headers.delete("Authorization"); // a hook may have set it
  return { ...Object.fromEntries(headers), ...(access && { Authorization: `Bearer ${access}` }) };
}

const detailsOf = ({ status, headers }: Response) => ({
  status,
  headers,
  requestId: headers.get("X-Request-Id") ?? undefined,
});

const bodyOf = ({ body, type }: Call<unknown>): string | null =>
  body === undefined ? null : type ? String(body) : JSON.stringify(body);

function searchOf(query: object = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  return String(search);
}
