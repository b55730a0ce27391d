import type { OpenApi } from "./openapi.ts";

/** What the global setup, which runs in Node, tells the tests, most of which run in workerd. */
export interface ProvidedCloud {
  /** The database as the Worker reaches it: as a role with no more rights than in production. */
  databaseUrl: string;
  /** The same as its owner, for what no client of the API may do. */
  ownerUrl: string;
  /** An empty database beside it, as its owner: what fills it keeps nobody else waiting. */
  fillableUrl: string;
  /** The server that it is on, as one who may make other databases there. */
  serverUrl: string;
  /** `http://127.0.0.1:<port>` of the local endpoint. */
  endpointOrigin: string;
}

declare module "vitest" {
  export interface ProvidedContext {
    cloud: ProvidedCloud;
    /** The file with all of the Worker's code, as it would be deployed. */
    bundle: string;
    /** The document that is served at /openapi.json. */
    reference: OpenApi;
  }
}
