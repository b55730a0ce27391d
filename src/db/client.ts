import { neon, neonConfig } from "@neondatabase/serverless";
import { drizzle, type NeonHttpDatabase } from "drizzle-orm/neon-http";
import type { Config } from "../env.ts";

export type Database = NeonHttpDatabase;

const databases = new WeakMap<Config, Database>();

/** The database of `config`, one for an isolate. Opens nothing: each statement is an HTTP request of its own. */
export function connect(config: Config): Database {
  // The driver has one endpoint for the whole isolate; left alone, it is the Neon host of the URL.
  if (config.DATABASE_ENDPOINT) neonConfig.fetchEndpoint = config.DATABASE_ENDPOINT;
  const known = databases.get(config);
  if (known) return known;
  const fetchOptions = {
    // Read by the driver for each statement, so that each has the whole time: the signal's clock starts when made.
    get signal() {
      return AbortSignal.timeout(config.DATABASE_TIMEOUT_MS);
    },
  };
  const database = drizzle({ client: neon(config.DATABASE_URL, { fetchOptions }) });
  databases.set(config, database);
  return database;
}
