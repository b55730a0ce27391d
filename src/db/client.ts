import type { NeonQueryFunction } from "@neondatabase/serverless";
import { type Config, perConfig } from "../config.ts";

/** Sends the text of a statement with its parameters: its rows. */
export type Database = (text: string, params: unknown[]) => Promise<Record<string, unknown>[]>;

/** What statements are sent through: one for each configuration of an isolate. */
export interface Databases {
  /** For a statement that is sent once: it has the whole time. */
  database: Database;
  /** For each attempt of one that may be sent twice, so that both and the pause between them are over in that time. */
  hasty: Database;
  /** The longest pause, in milliseconds. */
  pause: number;
}

/** How the time of a statement that may be sent twice is shared: between two attempts, and the pause. */
const [ATTEMPT, PAUSE] = [0.45, 0.1];
const LONGEST_PAUSE_MS = 150;

const databasesOf = perConfig((config): Databases => {
  const { DATABASE_TIMEOUT_MS } = config;
  return {
    database: within(DATABASE_TIMEOUT_MS, config),
    hasty: within(DATABASE_TIMEOUT_MS * ATTEMPT, config),
    pause: Math.min(DATABASE_TIMEOUT_MS * PAUSE, LONGEST_PAUSE_MS),
  };
});

/** The database, for statements that have so many milliseconds each. */
function within(milliseconds: number, { DATABASE_URL, DATABASE_ENDPOINT }: Config): Database {
  const fetchOptions = {
    // Read by the driver for each statement, so that each has the whole time: the signal's clock starts when made.
    get signal() {
      return AbortSignal.timeout(milliseconds);
    },
  };
  let send: NeonQueryFunction<false, false> | undefined;
  return async (text, params) => {
    const { neon, neonConfig } = await driver();
    // The driver has one endpoint for the whole isolate; left alone, it is the Neon host of the URL.
    if (DATABASE_ENDPOINT) neonConfig.fetchEndpoint = DATABASE_ENDPOINT;
    send ??= neon(DATABASE_URL, { fetchOptions });
    return send.query(text, params);
  };
}

/**
 * Neon's driver, which is run with the first statement of an isolate and not at its start: what needs no database (a preflight, a
 * refusal) is answered without it. It opens nothing: each statement is an HTTP request of its own.
 */
const driver = () => import("@neondatabase/serverless");

/** What a request, or a scheduled run, sends its statements through. */
export const connect = (config: Config): Databases & { waited: number } => ({
  ...databasesOf(config),
  waited: 0,
});
