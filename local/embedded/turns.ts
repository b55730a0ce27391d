import { setImmediate } from "node:timers/promises";
import type { Backend } from "./backend.ts";
import { newSession, type Session, type Sessions } from "./session.ts";
import { errorResponse, type Message, message, query, readyForQuery } from "./wire.ts";

/** The messages of one connection that belong together: one Query, or all up to Sync or Flush. */
export interface Exchange {
  bytes: Buffer;
  /** Whether ReadyForQuery ends the answer; after a Flush it does not. */
  ends: boolean;
}

/** One connection's place in the queue for PGlite. */
export interface Seat {
  /** Queues an exchange; its answer goes to the connection. */
  submit(exchange: Exchange): void;
  /** Answers a queued exchange with an error; one that already runs cannot be stopped. */
  cancel(): void;
  /** Gives the seat up: what is queued is dropped, an open transaction rolled back. */
  leave(): void;
}

/** The connection, as seen from its seat. */
export interface Occupant {
  answer(bytes: Buffer): void;
  /** PostgreSQL refused a setting of the startup packet: the connection is to end with this ErrorResponse. */
  refused(error: Message): void;
}

export interface Turns {
  /** @param startup the settings the connection's startup packet asked for */
  seat(startup: Record<string, string>, occupant: Occupant): Seat;
}

interface Turn {
  session: Session;
  run: () => void;
  cancel: () => void;
}

/**
 * Takes turns at PGlite: one exchange at a time, and the same connection's exchanges only while it is in a
 * transaction or has not sent the Sync that ends what it began.
 *
 * @param crashed called when PGlite stopped answering; nothing runs any more after that
 */
export function createTurns(backend: Backend, sessions: Sessions, crashed: () => void): Turns {
  let queue: Turn[] = [];
  let holder: Session | undefined;
  let running = false;

  async function work(): Promise<void> {
    if (running) return;
    running = true;
    for (let turn = next(); turn; turn = next()) {
      turn.run();
      // Lets sockets be read in between: a CancelRequest must get a chance to find its query still queued.
      await setImmediate();
    }
    running = false;
  }

  function next(): Turn | undefined {
    const index = holder ? queue.findIndex(({ session }) => session === holder) : 0;
    return index < 0 ? undefined : queue.splice(index, 1)[0];
  }

  function enqueue(turn: Turn): void {
    queue.push(turn);
    void work();
  }

  function runExchange(session: Session, { bytes, ends }: Exchange, occupant: Occupant): void {
    const entered = sessions.enter(session);
    const refusal = entered.find(({ type }) => type === "E");
    if (refusal) {
      occupant.refused(refusal);
      return;
    }
    for (const { type, bytes: changed } of entered) if (type === "S") occupant.answer(changed);
    const { status, tags } = backend.run(bytes, occupant.answer);
    holder = status === "I" ? undefined : session;
    if (ends && status === undefined) stop();
    else if (!holder && tags.includes("DISCARD ALL")) sessions.discarded();
  }

  function stop(): void {
    queue = [];
    holder = undefined;
    crashed();
  }

  function seat(startup: Record<string, string>, occupant: Occupant): Seat {
    const session = newSession(startup);
    const { answer } = occupant;
    let skipping = false;

    function refuse({ ends }: Exchange): void {
      answer(errorResponse("ERROR", "57014", "canceling statement due to user request"));
      // After an error everything up to Sync is ignored, as PostgreSQL does it.
      if (ends) answer(readyForQuery("I"));
      else skipping = true;
    }

    return {
      submit(exchange) {
        if (skipping) {
          skipping = !exchange.ends;
          if (exchange.ends) answer(readyForQuery("I"));
          return;
        }
        const run = () => runExchange(session, exchange, occupant);
        enqueue({ session, run, cancel: () => refuse(exchange) });
      },
      cancel() {
        // In a transaction nobody is ahead of it: the cancellation came too late, or too early.
        if (holder === session) return;
        const cancelled = queue.find((turn) => turn.session === session);
        queue = queue.filter((turn) => turn !== cancelled);
        cancelled?.cancel();
      },
      leave() {
        queue = queue.filter((turn) => turn.session !== session);
        if (holder === session) {
          // The Sync first, for a connection that left in the middle of an extended exchange.
          backend.run(Buffer.concat([message("S"), query("ROLLBACK")]));
          holder = undefined;
        }
        sessions.forget(session);
        void work();
      },
    };
  }

  return { seat };
}
