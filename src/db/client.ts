import { neon, neonConfig } from "@neondatabase/serverless";
import { drizzle, type NeonHttpDatabase } from "drizzle-orm/neon-http";
import type { Config } from "../env.ts";

export type Database = NeonHttpDatabase;

/** The database of `config`. Opens nothing: each statement is an HTTP request of its own. */
export function connect(config: Config): Database {
  // The driver has one endpoint for the whole isolate; left alone, it is the Neon host of the URL.
  if (config.DATABASE_ENDPOINT) neonConfig.fetchEndpoint = config.DATABASE_ENDPOINT;
  const fetchOptions = {
    // Read by the driver for each statement, so that each has the whole time: the signal's clock starts when made.
    get signal() {
      return AbortSignal.timeout(config.DATABASE_TIMEOUT_MS);
    },
  };
  return drizzle({ client: neon(config.DATABASE_URL, { fetchOptions }) });
}
