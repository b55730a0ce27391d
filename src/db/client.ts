import type { NeonQueryFunction } from "@neondatabase/serverless";
import { type Config, memoizePerConfig } from "../config.ts";

/** Sends the text of one statement with its parameters and returns its rows. */
export type SendStatement = (text: string, params: unknown[]) => Promise<Record<string, unknown>[]>;

/** The database with its deadlines. An isolate has one for each configuration. */
export interface DatabaseConnections {
  /** For a statement that is sent once: it may take all of `DATABASE_TIMEOUT_MS`. */
  database: SendStatement;
  /**
   * For each attempt of a statement that is retried: two attempts and the pause between them fit into
   * `DATABASE_TIMEOUT_MS`.
   */
  retryableDatabase: SendStatement;
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

function createDatabase(timeoutMs: number, { DATABASE_URL, DATABASE_ENDPOINT }: Config): SendStatement {
  const fetchOptions = {
    // A getter, because the driver reads it for each statement and the signal's clock starts when the signal is
    // created.
    get signal() {
      return AbortSignal.timeout(timeoutMs);
    },
  };
  let send: NeonQueryFunction<false, false> | undefined;
  return async (text, params) => {
    const { neon, neonConfig } = await loadDriver();
    // The driver has one endpoint for the whole isolate. By default it is the Neon host of the URL.
    if (DATABASE_ENDPOINT) neonConfig.fetchEndpoint = DATABASE_ENDPOINT;
    send ??= neon(DATABASE_URL, { fetchOptions });
    return send.query(text, params);
  };
}

/**
 * Loads Neon's driver with the first statement of an isolate instead of at start-up: requests that need no database
 * (a CORS preflight, a 401) are answered without it. Start-up to first answer without the database: 68 ms of CPU
 * instead of 77. The driver opens no connection: each statement is an HTTP request of its own.
 */
const loadDriver = () => import("@neondatabase/serverless");

/** The database for one request or one scheduled run. */
export const connect = (config: Config): DatabaseConnections & { waitedMs: number } => ({
  ...databaseConnections(config),
  waitedMs: 0,
});
