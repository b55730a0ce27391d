import { neon, neonConfig } from "@neondatabase/serverless";
import { workerCloud } from "./worker-cloud.ts";

const { ownerUrl, endpointOrigin } = workerCloud;

/** What no client of the API may do: a statement in the database itself, as its owner. */
export function asOwner(strings: TemplateStringsArray, ...values: unknown[]) {
  return owner()(strings, ...values);
}

/** The driver, as a database's owner. It has one endpoint for all: each request of the API sets its own again. */
export function owner(url = ownerUrl) {
  neonConfig.fetchEndpoint = `${endpointOrigin}/sql`;
  return neon(url);
}
