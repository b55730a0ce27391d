import { setTimeout } from "node:timers/promises";
import pg from "pg";
import * as z from "zod";
import { EndpointError } from "./connections.ts";
import { type EndpointResponse, failureResponse } from "./sql.ts";

/**
 * The faults that can be injected into a request:
 * - `refuse`: the socket is closed before the request is read
 * - `hang`: there is never a response, the statement is not run
 * - `drop-before`: the request is read and the socket closed, the statement is not run
 * - `drop-after`: the statement is run and committed, then the socket is closed
 * - `error-500`: 500 with a text body, the statement is not run
 * - `truncate`: the statement is run, and the socket closed in the middle of the response's body
 * - `sqlstate`: 400 with PostgreSQL's error `code`, the statement is not run
 * - `any`: a random one of the others, except `sqlstate`
 */
const common = ["refuse", "hang", "drop-before", "drop-after", "error-500", "truncate"] as const;
const faults = [...common, "sqlstate", "any"] as const;

const sqlstate = z.string().regex(/^[0-9A-Z]{5}$/, "must be five digits or capital letters");

/** The body of a PUT. Without `times` it applies to all requests; with `share` to that part of them, at random. */
const Fault = z
  .strictObject({
    delay_ms: z.int().min(0).optional(),
    fault: z.enum(faults).optional(),
    code: sqlstate.optional(),
    times: z.int().min(1).optional(),
    share: z.number().gt(0).max(1).optional(),
  })
  .refine(({ fault, code }) => (fault === "sqlstate") === (code !== undefined), {
    error: 'the fault "sqlstate" needs a code, and no other fault has one',
  });
type Fault = z.infer<typeof Fault>;

/** The channels, which count the requests with their name in the path and inject faults into them. */
export function createChannels() {
  const channels = new Map<string, { requests: number; injection: Fault }>();
  const channelOf = (name: string) => channels.get(name) ?? { requests: 0, injection: {} };

  return {
    /** Counts a request. @returns the fault to inject into it */
    countRequest(name: string): Fault {
      const { requests, injection } = channelOf(name);
      const { times, share = 1, ...rest } = injection;
      const left = times === undefined ? injection : times > 1 ? { ...injection, times: times - 1 } : {};
      if (Math.random() >= share) {
        channels.set(name, { requests: requests + 1, injection });
        return {};
      }
      channels.set(name, { requests: requests + 1, injection: left });
      return rest.fault === "any" ? { ...rest, fault: anyOf(common) } : rest;
    },

    /** Answers with the count: PUT sets the fault, DELETE resets the fault and the count, GET changes nothing. */
    answer(name: string, method: string | undefined, body: string): EndpointResponse {
      if (method === "PUT")
        channels.set(name, { ...channelOf(name), injection: Fault.parse(JSON.parse(body)) });
      else if (method === "DELETE") channels.delete(name);
      else if (method !== "GET") throw new EndpointError(400, `${method} is not among GET, PUT and DELETE`);
      return { status: 200, body: JSON.stringify({ requests: channelOf(name).requests }) };
    },
  };
}

const anyOf = <Item>(items: readonly Item[]): Item | undefined =>
  items[Math.floor(Math.random() * items.length)];

/**
 * Answers a request, with a fault injected into it.
 *
 * @param signal aborted when the client disconnects
 * @returns the response. With `isCut` only half is sent; without a response the socket is closed.
 * @throws what `receive` throws, or the signal's reason
 */
export async function answerWithFault(
  { delay_ms, fault, code }: Fault,
  receive: () => Promise<string>,
  answer: (body: string) => Promise<EndpointResponse>,
  signal: AbortSignal,
): Promise<{ answer?: EndpointResponse; isCut?: boolean }> {
  if (fault === "refuse") return {};
  const body = await receive();
  if (delay_ms) await setTimeout(delay_ms, undefined, { signal });
  if (fault === "hang") return new Promise(() => {});
  if (fault === "drop-before") return {};
  if (fault === "error-500") return { answer: internalError };
  if (fault === "sqlstate") return { answer: failureResponse(databaseError(code)) };
  const whole = await answer(body).catch(failureResponse);
  if (fault === "drop-after") return {};
  return { answer: whole, isCut: fault === "truncate" };
}

const INJECTED = "a fault injected on purpose";
const internalError: EndpointResponse = {
  status: 500,
  body: INJECTED,
  headers: { "Content-Type": "text/plain" },
};

const databaseError = (code: string | undefined): pg.DatabaseError =>
  Object.assign(new pg.DatabaseError(INJECTED, 0, "error"), { severity: "ERROR", code });
