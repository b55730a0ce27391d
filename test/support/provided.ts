import type { OpenApi } from "./openapi.ts";

/** What the global setup, which runs in Node, gives to the tests, most of which run in workerd. */
interface TestDatabase {
  /** The database as the Worker connects to it: as a role with the same rights as in production. */
  databaseUrl: string;
  /** The same with another role, which may not call the functions of the statements. */
  urlWithoutFunctions: string;
  /** The same database as its owner, for what no client of the API may do. */
  ownerUrl: string;
  /**
   * An empty, migrated database, as its owner. It is only copied (`CREATE DATABASE … TEMPLATE`), so no test connects
   * to it.
   */
  fillableUrl: string;
  /** The server, as a role that may create other databases. */
  serverUrl: string;
  /** `http://127.0.0.1:<port>` of the local endpoint. */
  endpointOrigin: string;
}

declare module "vitest" {
  export interface ProvidedContext {
    /** For the "local" project, whose files share one database. */
    database: TestDatabase;
    /** For the "api" project: a database for each worker, see `worker-database.ts`. */
    workerDatabases: TestDatabase[];
    /** For the "local" project: the file with all of the Worker's code, as it would be deployed. */
    bundle: string;
    /** The OpenAPI document, as it is served at /openapi.json. */
    openApiDocument: OpenApi;
  }
}
