import { join } from "node:path";
import { configuredUrl, dataFolder, EMBEDDED_PORT, neonEndpoint } from "../ops/environment.ts";
import { migrate } from "../ops/migrate.ts";
import { createRole } from "../ops/role.ts";
import { isLocal } from "../src/local-host.ts";
import { openEndpoint } from "./endpoint/server.ts";
import { listenFrom } from "./ports.ts";
import { startPostgres } from "./postgres/server.ts";
import { saveDatabaseUrl, saveEndpointUrl } from "./vars.ts";

/** The local endpoint's port; another one is taken when this is in use. */
const ENDPOINT_PORT = 5489;

/** The database that the Worker uses in development. */
interface DevelopmentDatabase extends AsyncDisposable {
  /** The Worker's DATABASE_URL. */
  url: string;
  /** The Worker's DATABASE_ENDPOINT. */
  endpoint: string;
  /** Lines to print for the developer. */
  notes: string[];
  /** Resolves when the server has ended unexpectedly. */
  ended: Promise<void>;
}

const never = new Promise<never>(() => {});

/**
 * Starts the development database: the PostgreSQL that comes with the project, or the one that `DATABASE_URL` names,
 * behind the local Neon endpoint. A database of Neon is used through Neon's own endpoint.
 *
 * @param canMigrate whether a database on another machine is migrated too; it may be production.
 * @throws an error whose message says what is wrong and what to do.
 */
export async function startDatabase(canMigrate: boolean): Promise<DevelopmentDatabase> {
  const url = configuredUrl();
  const endpointOfNeon = url && neonEndpoint(url);
  await using started = new AsyncDisposableStack();
  const endpoint = endpointOfNeon ? undefined : await listenFrom(ENDPOINT_PORT, openEndpoint);
  if (endpoint) {
    started.defer(() => endpoint.stop());
    saveEndpointUrl(endpoint.url);
  }
  const database = url ? await useConfigured(url, canMigrate) : await startEmbedded(started);
  endpoint?.front(database.ownerUrl);
  const parts = started.move();
  return {
    ...database,
    endpoint: endpointOfNeon ?? endpoint?.url ?? "",
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

async function useConfigured(url: string, canMigrate: boolean) {
  const printed = new URL(url);
  if (printed.password) printed.password = "…";
  const notes = [`database  ${decodeURI(printed.href)}`];
  if (canMigrate || isLocal(printed)) await migrate(url);
  else notes.push("          not migrated, because it is on another machine: use `npm run dev -- --migrate`");
  return { url, ownerUrl: url, notes, ended: never };
}

/** The Worker gets the same role with least privileges as in production. */
async function startEmbedded(started: AsyncDisposableStack) {
  const folder = join(dataFolder, "postgres");
  const postgres = await listenFrom(EMBEDDED_PORT, (port) => startPostgres({ folder, port, durable: true }));
  started.defer(() => postgres.stop());
  await migrate(postgres.url);
  saveDatabaseUrl(postgres.url);
  const url = await createRole(postgres.url, "hospital_api");
  const notes = [`database  ${postgres.url}`, `          in ${postgres.folder}`];
  return { url, ownerUrl: postgres.url, notes, ended: postgres.ended };
}
