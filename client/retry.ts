import { type ProblemError, toProblem } from "./problem.ts";

/** How often a call that may be retried is sent, and how long that may take. Times are in milliseconds. */
export interface RetryOptions {
  /** The largest number of attempts; 5 by default, 1 for no retry. */
  attempts?: number | undefined;
  /** The longest pause before the second attempt; it doubles with each further attempt. 300 by default. */
  delay?: number | undefined;
  /** The longest pause before any attempt; 10,000 by default. A `Retry-After` of the API is waited in addition. */
  maxDelay?: number | undefined;
  /** The longest time for one attempt; 30,000 by default. */
  timeout?: number | undefined;
  /** The longest time for all attempts and pauses of a call; 60,000 by default. */
  deadline?: number | undefined;
}

const defaults = { attempts: 5, delay: 300, maxDelay: 10_000, timeout: 30_000, deadline: 60_000 };

/**
 * Runs `attempt` until it succeeds, throws an error that a retry does not help, or the attempts or the time run out.
 *
 * @param attempt gets a signal that aborts when the caller's `signal` does, or when the attempt's time is up.
 * @param isRetryable whether an attempt that threw this error is worth another one.
 * @returns what the first successful attempt returns.
 * @throws {ProblemError} the last attempt's error; or, as soon as `signal` aborts, its reason.
 */
export async function retryCall<Result>(
  attempt: (signal: AbortSignal) => Promise<Result>,
  isRetryable: (problem: ProblemError) => boolean,
  options: RetryOptions = {},
  signal?: AbortSignal | undefined,
): Promise<Result> {
  const { attempts, delay, maxDelay, timeout, deadline } = withDefaults(options);
  const end = Date.now() + deadline;
  for (let count = 1; ; count += 1) {
    signal?.throwIfAborted();
    try {
      return await withTimeout(Math.min(timeout, end - Date.now()), attempt, signal);
    } catch (error) {
      signal?.throwIfAborted();
      const problem = toProblem(error);
      const pause = jitter(Math.min(maxDelay, delay * 2 ** (count - 1))) + 1000 * (problem.retryAfter ?? 0);
      if (count >= attempts || !isRetryable(problem) || Date.now() + pause >= end) throw problem;
      await sleep(pause, signal);
    }
  }
}

/**
 * Full jitter: clients that failed together do not come back together (Brooker, "Exponential Backoff And Jitter").
 */
const jitter = (longest: number): number => Math.random() * longest;

/** An option that is `undefined` has its default too. */
function withDefaults(options: RetryOptions): typeof defaults {
  const defined = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(defined) };
}

/**
 * Runs `work` with a signal that aborts after this time, or with `outer`. (Not every browser has `AbortSignal.any`.)
 */
export async function withTimeout<Result>(
  milliseconds: number,
  work: (signal: AbortSignal) => Promise<Result>,
  outer: AbortSignal | undefined,
): Promise<Result> {
  const controller = new AbortController();
  const abort = () => controller.abort(outer?.reason);
  const timeOut = () => controller.abort(new DOMException("The attempt timed out.", "TimeoutError"));
  const timer = setTimeout(timeOut, milliseconds);
  outer?.addEventListener("abort", abort);
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener("abort", abort);
  }
}

/** Waits. @throws the reason of `signal` when that aborts */
function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const pause = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  return rejectOnAbort(pause, signal).finally(() => clearTimeout(timer));
}

/** Waits for `promise`, whose work goes on in any case. @throws the reason of `signal` when that aborts first */
export function rejectOnAbort<Value>(
  promise: Promise<Value>,
  signal: AbortSignal | undefined,
): Promise<Value> {
  if (!signal) return promise;
  return new Promise<Value>((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
