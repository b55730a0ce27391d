import { neon, neonConfig } from "@neondatabase/serverless";
import { drizzle, type NeonHttpDatabase } from "drizzle-orm/neon-http";
import { type Config, perConfig } from "../env.ts";

export type Database = NeonHttpDatabase;

/** A database of its own for each configuration. Opens nothing: each statement is an HTTP request of its own. */
const databaseOf = perConfig(({ DATABASE_URL, DATABASE_TIMEOUT_MS }): Database => {
  const fetchOptions = {
    // Read by the driver for each statement, so that each has the whole time: the signal's clock starts when made.
    get signal() {
      return AbortSignal.timeout(DATABASE_TIMEOUT_MS);
    },
  };
  return drizzle({ client: neon(DATABASE_URL, { fetchOptions }) });
});

/** The database of `config`, one for an isolate. */
export function connect(config: Config): Database {
  // The driver has one endpoint for the whole isolate; left alone, it is the Neon host of the URL.
  if (config.DATABASE_ENDPOINT) neonConfig.fetchEndpoint = config.DATABASE_ENDPOINT;
  return databaseOf(config);
}
