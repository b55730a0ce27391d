import { setTimeout } from "node:timers/promises";
import pg from "pg";
import * as z from "zod";
import { Refusal } from "./connections.ts";
import { type Answer, failureAnswer } from "./sql.ts";

/**
 * What can go wrong with a request on purpose:
 * - `refuse`: the socket is closed before the request is read
 * - `hang`: no answer ever, the statement is not run
 * - `drop-before`: the request is read and the socket closed, the statement is not run
 * - `drop-after`: the statement is run and committed, then the socket is closed
 * - `error-500`: 500 with a text body, the statement is not run
 * - `truncate`: the statement is run, and the socket closed in the middle of the answer's body
 * - `sqlstate`: 400 with PostgreSQL's error `code`, the statement is not run
 * - `any`: one of the others but the last, each time another
 */
const common = ["refuse", "hang", "drop-before", "drop-after", "error-500", "truncate"] as const;
const faults = [...common, "sqlstate", "any"] as const;

const sqlstate = z.string().regex(/^[0-9A-Z]{5}$/, "must be five digits or capital letters");

/** The body of a PUT. Without `times` it is for all requests, and with a `share` for that part of them, at random. */
const Disturbance = z
  .strictObject({
    delay_ms: z.int().min(0).optional(),
    fault: z.enum(faults).optional(),
    code: sqlstate.optional(),
    times: z.int().min(1).optional(),
    share: z.number().gt(0).max(1).optional(),
  })
  .refine(({ fault, code }) => (fault === "sqlstate") === (code !== undefined), {
    error: 'the fault "sqlstate" needs a code, and no other has one',
  });
type Disturbance = z.infer<typeof Disturbance>;

/** Requests by the channel in their path, which counts them and has things happen to them. */
export function createChannels() {
  const channels = new Map<string, { requests: number; disturbance: Disturbance }>();
  const channelOf = (name: string) => channels.get(name) ?? { requests: 0, disturbance: {} };

  return {
    /** Counts a request and gives back what is to happen to it. */
    enter(name: string): Disturbance {
      const { requests, disturbance } = channelOf(name);
      const { times, share = 1, ...rest } = disturbance;
      const left = times === undefined ? disturbance : times > 1 ? { ...disturbance, times: times - 1 } : {};
      if (Math.random() >= share) {
        channels.set(name, { requests: requests + 1, disturbance });
        return {};
      }
      channels.set(name, { requests: requests + 1, disturbance: left });
      return rest.fault === "any" ? { ...rest, fault: anyOf(common) } : rest;
    },

    /** Tells the count after a PUT, which says what is to happen; a DELETE, which forgets that and the count; or a GET. */
    answer(name: string, method: string | undefined, body: string): Answer {
      if (method === "PUT")
        channels.set(name, { ...channelOf(name), disturbance: Disturbance.parse(JSON.parse(body)) });
      else if (method === "DELETE") channels.delete(name);
      else if (method !== "GET") throw new Refusal(400, `${method} is not among GET, PUT and DELETE`);
      return { status: 200, body: JSON.stringify({ requests: channelOf(name).requests }) };
    },
  };
}

const anyOf = <Item>(items: readonly Item[]): Item | undefined =>
  items[Math.floor(Math.random() * items.length)];

/**
 * Has a request answered, or lets happen to it what is to.
 *
 * @param signal the client hung up
 * @returns what it gets to see: the answer, or half of it; without one, its socket closed
 * @throws what `receive` throws, or the signal's reason
 */
export async function disturbed(
  { delay_ms, fault, code }: Disturbance,
  receive: () => Promise<string>,
  answer: (body: string) => Promise<Answer>,
  signal: AbortSignal,
): Promise<{ answer?: Answer; isCut?: boolean }> {
  if (fault === "refuse") return {};
  const body = await receive();
  if (delay_ms) await setTimeout(delay_ms, undefined, { signal });
  if (fault === "hang") return new Promise(() => {});
  if (fault === "drop-before") return {};
  if (fault === "error-500") return { answer: internalError };
  if (fault === "sqlstate") return { answer: failureAnswer(databaseError(code)) };
  const whole = await answer(body).catch(failureAnswer);
  if (fault === "drop-after") return {};
  return { answer: whole, isCut: fault === "truncate" };
}

const madeOnPurpose = "a fault made on purpose";
const internalError: Answer = { status: 500, body: madeOnPurpose, headers: { "Content-Type": "text/plain" } };

const databaseError = (code: string | undefined): pg.DatabaseError =>
  Object.assign(new pg.DatabaseError(madeOnPurpose, 0, "error"), { severity: "ERROR", code });
