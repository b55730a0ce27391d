import { rejectOnAbort } from "./retry.ts";

/** A request that is about to be sent. */
export interface OutgoingRequest {
  method: string;
  url: string;
  /** The hook may add headers. The access token is not among them: the client adds it afterwards. */
  headers: Headers;
  /** 1 for the first attempt of a call, 2 for its first retry. */
  attempt: number;
}

/** A response that has arrived, without its body, which may contain tokens. */
export interface IncomingResponse {
  method: string;
  url: string;
  attempt: number;
  status: number;
  headers: Headers;
  /** The id of the request in the API's log. */
  requestId: string | undefined;
}

/**
 * Functions that are called for every request of a call: each attempt, each page of a list, and each refresh of the
 * session. They are awaited. If one throws, the call throws the same error and is not retried.
 */
export interface Hooks {
  onRequest?: ((request: OutgoingRequest) => unknown) | undefined;
  /** Called for a response with any status, before its body is read; not when there is no response. */
  onResponse?: ((response: IncomingResponse) => unknown) | undefined;
}

/** Wraps what a hook has thrown: unlike any other error of an attempt, it is not retried. */
export class HookError extends Error {}

/**
 * Runs hooks one after the other. A hook that does not settle ends with `signal`.
 *
 * @throws {HookError} with the error of the hook as its cause; or the reason of `signal`.
 */
export async function runHooks<Details>(
  hooks: (((details: Details) => unknown) | undefined)[],
  details: Details,
  signal: AbortSignal,
): Promise<void> {
  for (const hook of hooks) {
    try {
      await rejectOnAbort(Promise.resolve(hook?.(details)), signal);
    } catch (error) {
      throw signal.aborted ? error : new HookError("A hook failed.", { cause: error });
    }
  }
}
