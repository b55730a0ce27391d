/** What the global setup, which runs in Node, tells the tests, which run in workerd. */
export interface ProvidedCloud {
  /** The database as the Worker reaches it. */
  databaseUrl: string;
  /** The same as its owner, for what no client of the API may do. */
  ownerUrl: string;
  /** `http://127.0.0.1:<port>` of the local endpoint. */
  endpointOrigin: string;
}

declare module "vitest" {
  export interface ProvidedContext {
    cloud: ProvidedCloud;
  }
}
