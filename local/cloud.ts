import { startEmbeddedPostgres } from "./embedded/postgres.ts";
import { startEndpoint } from "./endpoint/server.ts";

export interface CloudOptions {
  /** A PostgreSQL server (14 or newer) to put behind the endpoint; the embedded one when left out. */
  databaseUrl?: string | undefined;
  /** Where the embedded PostgreSQL keeps its data; in memory when left out. */
  dataDir?: string | undefined;
  /** Port of the endpoint, 0 for any free one. */
  port?: number | undefined;
  /** Port of the embedded PostgreSQL, 0 for any free one. */
  postgresPort?: number | undefined;
  /** Milliseconds every SQL request waits first, as if the database were that far away. */
  delayMs?: number | undefined;
}

export interface Cloud {
  /** `postgres://…`, for psql, drizzle-kit and the Worker. */
  databaseUrl: string;
  /** `http://127.0.0.1:<port>/sql`, for `neonConfig.fetchEndpoint`. */
  endpointUrl: string;
  /** Ends everything, also what is still running. */
  stop(): Promise<void>;
}

/**
 * Starts what stands in for the cloud: a PostgreSQL (embedded, unless `databaseUrl` names one) and, in front of
 * it, an HTTP endpoint that speaks Neon's protocol. Both listen on 127.0.0.1 only.
 *
 * @throws with `code` EADDRINUSE when a port is taken, and a sentence when the data directory cannot be used
 */
export async function startCloud(options: CloudOptions = {}): Promise<Cloud> {
  const { databaseUrl, dataDir, port = 0, postgresPort = 0, delayMs = 0 } = options;
  const postgres =
    databaseUrl === undefined ? await startEmbeddedPostgres({ dataDir, port: postgresPort }) : undefined;
  const url = databaseUrl ?? postgres?.url ?? "";
  try {
    const endpoint = await startEndpoint({ databaseUrl: url, port, delayMs });
    return {
      databaseUrl: url,
      endpointUrl: endpoint.url,
      async stop() {
        await endpoint.stop();
        await postgres?.stop();
      },
    };
  } catch (error) {
    await postgres?.stop();
    throw error;
  }
}
