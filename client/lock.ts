import { ProblemError } from "./problem.ts";
import { withTimeout } from "./retry.ts";

/** The longest wait for a lock, in milliseconds. A refresh that holds it ends after 25 seconds. */
const LOCK_TIMEOUT = 30_000;

/** What is needed of the Web Locks API, which not every platform has: browsers do, and Node from 24.5. */
interface Platform {
  navigator?: {
    locks?: {
      request<Result>(
        name: string,
        options: { signal: AbortSignal },
        work: () => Promise<Result>,
      ): Promise<Result>;
    };
  };
}

/**
 * Returns a function that runs one piece of work after the other, in order.
 *
 * @param lockName with it, the work also waits for that of other tabs (Web Locks API), where the platform has locks.
 *   The browser releases the lock of a tab that is closed.
 */
export function createQueue(lockName: string | undefined) {
  let last: Promise<unknown> = Promise.resolve();
  return <Result>(work: () => Promise<Result>): Promise<Result> => {
    const current = last.then(() => withLock(lockName, work));
    last = current.catch(() => {}); // the caller awaits `current` and gets the error
    return current;
  };
}

/** @throws {ProblemError} with status 0 when the lock is not free in time, because a hook of another tab does not end. */
async function withLock<Result>(name: string | undefined, work: () => Promise<Result>): Promise<Result> {
  const { locks } = (globalThis as Platform).navigator ?? {};
  if (!name || !locks) return work();
  let running: Promise<Result> | undefined;
  const workWithLock = () => {
    running = work();
    return running;
  };
  const request = (signal: AbortSignal) => locks.request(name, { signal }, workWithLock);
  try {
    return await withTimeout(LOCK_TIMEOUT, request, undefined);
  } catch (error) {
    if (running) return running; // its own error; or another script has stolen the lock, and the work goes on
    const isTimeout = error instanceof Error && error.name === "TimeoutError";
    if (!isTimeout) return work(); // a document without an origin, such as a sandboxed frame, has no locks
    throw new ProblemError({ detail: "Timed out waiting for another tab. Try again." }, {}, error);
  }
}
