import { neon, neonConfig } from "@neondatabase/serverless";
import { workerDatabase } from "./worker-database.ts";

const { ownerUrl, endpointOrigin } = workerDatabase;

/** Runs a statement as the owner of the database, who may do what no client of the API may. */
export function asOwner(strings: TemplateStringsArray, ...values: unknown[]) {
  // `then` sends the statement now. Without it the driver would send it later, when another request may have set its
  // endpoint.
  return owner()(strings, ...values).then((rows) => rows);
}

/**
 * The driver, as the owner of a database. All its users share one endpoint setting, and each request of the API sets
 * it again.
 */
export function owner(url = ownerUrl) {
  neonConfig.fetchEndpoint = `${endpointOrigin}/sql`;
  return neon(url);
}
