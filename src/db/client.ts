import { type NeonQueryFunction, neon, neonConfig } from "@neondatabase/serverless";
import { type Config, perConfig } from "../env.ts";

export type Database = NeonQueryFunction<false, false>;

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

/** Opens nothing: each statement is an HTTP request of its own. */
const databasesOf = perConfig(({ DATABASE_URL, DATABASE_TIMEOUT_MS }): Databases => {
  const within = (milliseconds: number): Database => {
    const fetchOptions = {
      // Read by the driver for each statement, so that each has the whole time: the signal's clock starts when made.
      get signal() {
        return AbortSignal.timeout(milliseconds);
      },
    };
    return neon(DATABASE_URL, { fetchOptions });
  };
  return {
    database: within(DATABASE_TIMEOUT_MS),
    hasty: within(DATABASE_TIMEOUT_MS * ATTEMPT),
    pause: Math.min(DATABASE_TIMEOUT_MS * PAUSE, LONGEST_PAUSE_MS),
  };
});

/** What a request, or a scheduled run, sends its statements through. */
export function connect(config: Config): Databases & { waited: number } {
  // The driver has one endpoint for the whole isolate; left alone, it is the Neon host of the URL.
  if (config.DATABASE_ENDPOINT) neonConfig.fetchEndpoint = config.DATABASE_ENDPOINT;
  return { ...databasesOf(config), waited: 0 };
}
