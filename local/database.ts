import { join } from "node:path";
import { configuredUrl, dataFolder, EMBEDDED_PORT, isLocal, neonEndpoint } from "../ops/environment.ts";
import { migrate } from "../ops/migrate.ts";
import { createRole } from "../ops/role.ts";
import { openEndpoint } from "./endpoint/server.ts";
import { listenFrom } from "./ports.ts";
import { startPostgres } from "./postgres/server.ts";
import { saveDatabaseUrl, saveEndpointUrl } from "./vars.ts";

/** The local endpoint's port; another one is taken when this is in use. */
const ENDPOINT_PORT = 5489;

/** The database that the Worker uses in development. */
export interface DevelopmentDatabase extends AsyncDisposable {
  /** As the Worker reaches it. */
  url: string;
  /** Where the Worker sends its SQL. */
  endpoint: string;
  /** What a person should know of it, a line each. */
  notes: string[];
  /** Resolves when it has ended by itself. */
  ended: Promise<void>;
}

const never = new Promise<never>(() => {});

/**
 * Brings up the database to develop on: the one that comes with the project, or the one that `DATABASE_URL` names, behind
 * the local endpoint; a Neon database behind its own.
 *
 * @param mayMigrate whether also a database on another machine is migrated; it may be production.
 * @throws an error whose message says what is wrong and what to do.
 */
export async function bringUpDatabase(mayMigrate: boolean): Promise<DevelopmentDatabase> {
  const url = configuredUrl();
  const endpointOfNeon = url && neonEndpoint(url);
  await using started = new AsyncDisposableStack();
  const endpoint = endpointOfNeon ? undefined : await listenFrom(ENDPOINT_PORT, openEndpoint);
  if (endpoint) {
    started.defer(() => endpoint.stop());
    saveEndpointUrl(endpoint.url);
  }
  const database = url ? await configured(url, mayMigrate) : await embedded(started);
  endpoint?.front(database.ownerUrl);
  const parts = started.move();
  return {
    ...database,
    endpoint: endpointOfNeon ?? endpoint?.url ?? "",
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

async function configured(url: string, mayMigrate: boolean) {
  const shown = new URL(url);
  if (shown.password) shown.password = "…";
  const notes = [`database  ${decodeURI(shown.href)}`];
  if (mayMigrate || isLocal(shown)) await migrate(url);
  else notes.push("          not migrated, for it is on another machine: `npm run dev -- --migrate` does");
  return { url, ownerUrl: url, notes, ended: never };
}

/** The Worker gets a role of its own here too, with the rights it has in production. */
async function embedded(started: AsyncDisposableStack) {
  const folder = join(dataFolder, "postgres");
  const postgres = await listenFrom(EMBEDDED_PORT, (port) => startPostgres({ folder, port, durable: true }));
  started.defer(() => postgres.stop());
  await migrate(postgres.url);
  saveDatabaseUrl(postgres.url);
  const url = await createRole(postgres.url, "hospital_api");
  const notes = [`database  ${postgres.url}`, `          in ${postgres.folder}`];
  return { url, ownerUrl: postgres.url, notes, ended: postgres.ended };
}
