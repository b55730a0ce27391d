import { asProblem, type ProblemError } from "./problem.ts";

/** How often a call that may be repeated is tried, and how long that may take. */
export interface RetryOptions {
  /** How often it is sent at most; 5 when left out, 1 for never again. */
  attempts?: number | undefined;
  /** The longest pause before the second attempt, in milliseconds; it doubles with each one after that. 300 when left out. */
  delay?: number | undefined;
  /** The longest pause, in milliseconds; 10,000 when left out. What `Retry-After` asks for is waited in any case. */
  maxDelay?: number | undefined;
  /** How long one attempt may take, in milliseconds; 30,000 when left out. */
  timeout?: number | undefined;
  /** How long all attempts and pauses of a call may take, in milliseconds; 60,000 when left out. */
  deadline?: number | undefined;
}

const defaults = { attempts: 5, delay: 300, maxDelay: 10_000, timeout: 30_000, deadline: 60_000 };

/**
 * What `attempt` gives, as soon as it gives something. It is made again while it throws what `isPassing` says will pass.
 *
 * @param attempt gets the signal that ends it: the caller's, or its own when its time is up.
 * @throws {ProblemError} the last attempt's; or the reason of `signal`, at once when that aborts.
 */
export async function withRetries<Answer>(
  attempt: (signal: AbortSignal) => Promise<Answer>,
  isPassing: (problem: ProblemError) => boolean,
  options: RetryOptions = {},
  signal?: AbortSignal | undefined,
): Promise<Answer> {
  const { attempts, delay, maxDelay, timeout, deadline } = withDefaults(options);
  const end = Date.now() + deadline;
  for (let tried = 1; ; tried += 1) {
    signal?.throwIfAborted();
    try {
      return await within(Math.min(timeout, end - Date.now()), attempt, signal);
    } catch (error) {
      signal?.throwIfAborted();
      const problem = asProblem(error);
      const pause = jitter(Math.min(maxDelay, delay * 2 ** (tried - 1))) + 1000 * (problem.retryAfter ?? 0);
      if (tried >= attempts || !isPassing(problem) || Date.now() + pause >= end) throw problem;
      await sleep(pause, signal);
    }
  }
}

/** Full jitter, so that clients which failed together do not come back together (Brooker, "Exponential Backoff And Jitter"). */
const jitter = (most: number): number => Math.random() * most;

/** The options, where they say something. */
function withDefaults(options: RetryOptions): typeof defaults {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(given) };
}

/** `work`, whose signal aborts after so many milliseconds, or together with `outer`. `AbortSignal.any` is not everywhere. */
async function within<Done>(
  milliseconds: number,
  work: (signal: AbortSignal) => Promise<Done>,
  outer: AbortSignal | undefined,
): Promise<Done> {
  const own = new AbortController();
  const abort = () => own.abort(outer?.reason);
  const late = () => own.abort(new DOMException("It took too long.", "TimeoutError"));
  const timer = setTimeout(late, milliseconds);
  outer?.addEventListener("abort", abort);
  try {
    return await work(own.signal);
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener("abort", abort);
  }
}

/** Waits; rejects with the reason of `signal` when that aborts. */
function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const waited = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  return unlessAborted(waited, signal).finally(() => clearTimeout(timer));
}

/** What `promise` gives; rejects with the reason of `signal` when that aborts before. */
export function unlessAborted<Value>(
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
