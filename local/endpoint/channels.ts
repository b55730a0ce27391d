const faults = ["refuse", "hang", "drop-before", "drop-after", "error-500", "truncate"] as const;

/**
 * What can go wrong with a request on purpose:
 * - `refuse`: the socket is closed before the request is read
 * - `hang`: no answer ever, the statement is not run
 * - `drop-before`: the request is read and the socket closed, the statement is not run
 * - `drop-after`: the statement is run and committed, then the socket is closed
 * - `error-500`: 500 with a text body, the statement is not run
 * - `truncate`: the statement is run, and the socket closed in the middle of the answer's body
 */
export type Fault = (typeof faults)[number];

export interface Disturbance {
  delayMs: number;
  fault: Fault | undefined;
  /** For how many requests; for all when left out. */
  times: number | undefined;
}

export interface Channels {
  /** Counts a request and gives back what is to happen to it. */
  enter(name: string): Disturbance;
  /** How many SQL requests the channel got. */
  requests(name: string): number;
  disturb(name: string, disturbance: Disturbance): void;
  /** Forgets the count and the disturbance. */
  forget(name: string): void;
}

const undisturbed: Disturbance = { delayMs: 0, fault: undefined, times: undefined };

export function createChannels(): Channels {
  const counts = new Map<string, number>();
  const disturbances = new Map<string, Disturbance>();
  const requests = (name: string) => counts.get(name) ?? 0;

  return {
    enter(name) {
      counts.set(name, requests(name) + 1);
      const disturbance = disturbances.get(name) ?? undisturbed;
      if (disturbance.times === 1) disturbances.delete(name);
      else if (disturbance.times) disturbances.set(name, { ...disturbance, times: disturbance.times - 1 });
      return disturbance;
    },
    requests,
    disturb: (name, disturbance) => void disturbances.set(name, disturbance),
    forget(name) {
      counts.delete(name);
      disturbances.delete(name);
    },
  };
}

/**
 * Reads the body of a PUT: `{"delay_ms"?: 150, "fault"?: "hang", "times"?: 1}`.
 *
 * @throws an error with a sentence that says what is wrong
 */
export function readDisturbance(body: string): Disturbance {
  const json: unknown = JSON.parse(body);
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new Error("The body must be a JSON object");
  }
  const { delay_ms: delayMs = 0, fault, times, ...others } = json as Record<string, unknown>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    throw new Error(`There is no "${unknown}": the fields are "delay_ms", "fault" and "times"`);
  }
  if (!isCount(delayMs, 0)) throw new Error('"delay_ms" must be a whole number of milliseconds');
  if (times !== undefined && !isCount(times, 1)) throw new Error('"times" must be a whole number from 1');
  if (fault !== undefined && !isFault(fault)) throw new Error(`"fault" must be one of ${faults.join(", ")}`);
  return { delayMs, fault, times };
}

function isCount(value: unknown, least: number): value is number {
  return Number.isSafeInteger(value) && Number(value) >= least;
}

function isFault(value: unknown): value is Fault {
  return faults.some((fault) => fault === value);
}
