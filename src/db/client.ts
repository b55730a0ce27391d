import type { NeonHttpDatabase } from "drizzle-orm/neon-http";
import { type Config, memoizePerConfig } from "../config.ts";
import type { Connection } from "./statement.ts";

/** Loads Drizzle's database; an isolate has one for each configuration and deadline. */
export type LoadDatabase = () => Promise<NeonHttpDatabase>;

/** The database with its deadlines. An isolate has one for each configuration. */
export interface DatabaseConnections {
  /** For a statement that is sent once: it may take all of `DATABASE_TIMEOUT_MS`. */
  database: LoadDatabase;
  /**
   * For each attempt of a statement that is retried: two attempts and the pause between them fit into
   * `DATABASE_TIMEOUT_MS`.
   */
  retryableDatabase: LoadDatabase;
  /** The longest pause between two attempts, in milliseconds. */
  maxRetryPauseMs: number;
}

/** The shares of `DATABASE_TIMEOUT_MS` for each of two attempts and for the pause. They add up to 1. */
const ATTEMPT_SHARE = 0.45;
const PAUSE_SHARE = 0.1;
const MAX_PAUSE_MS = 150;

const databaseConnections = memoizePerConfig((config): DatabaseConnections => {
  const { DATABASE_TIMEOUT_MS } = config;
  return {
    database: createDatabase(DATABASE_TIMEOUT_MS, config),
    retryableDatabase: createDatabase(DATABASE_TIMEOUT_MS * ATTEMPT_SHARE, config),
    maxRetryPauseMs: Math.min(DATABASE_TIMEOUT_MS * PAUSE_SHARE, MAX_PAUSE_MS),
  };
});

function createDatabase(timeoutMs: number, { DATABASE_URL, DATABASE_ENDPOINT }: Config): LoadDatabase {
  const fetchOptions = {
    // A getter, because the driver reads it for each statement and the signal's clock starts when the signal is
    // created.
    get signal() {
      return AbortSignal.timeout(timeoutMs);
    },
  };
  let database: NeonHttpDatabase | undefined;
  return async () => {
    const [{ drizzle }, { neon, neonConfig }] = await loadDriver();
    // The driver has one endpoint for the whole isolate. By default it is the Neon host of the URL.
    if (DATABASE_ENDPOINT) neonConfig.fetchEndpoint = DATABASE_ENDPOINT;
    database ??= drizzle(neon(DATABASE_URL, { fetchOptions }));
    return database;
  };
}

/**
 * Loads Drizzle's database and Neon's driver with the first statement of an isolate instead of at start-up: requests
 * that need no database (a CORS preflight, a 401) are answered without them. Start-up to first answer without the
 * database: 68 ms of CPU instead of 77, measured with the driver alone. The driver opens no connection: each statement
 * is an HTTP request of its own.
 */
const loadDriver = () => Promise.all([import("drizzle-orm/neon-http"), import("@neondatabase/serverless")]);

/** The database for one request or one scheduled run. */
export const connect = (config: Config): Connection => ({
  ...databaseConnections(config),
  waitedMs: 0,
  sentAsText: false,
});
