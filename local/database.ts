import { join } from "node:path";
import { configuredUrl, dataFolder, EMBEDDED_PORT, isLocal, neonEndpoint } from "../ops/environment.ts";
import { migrate } from "../ops/migrate.ts";
import { createRole } from "../ops/role.ts";
import { openEndpoint } from "./endpoint/server.ts";
import { startPostgres } from "./postgres/server.ts";
import { rememberUrl } from "./vars.ts";

/** The local endpoint's port: fixed, so that two of these cannot run at once. */
const ENDPOINT_PORT = 5489;

/** What the Worker is developed on. */
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
  const endpoint = endpointOfNeon ? undefined : await openEndpoint(ENDPOINT_PORT).catch(explain);
  if (endpoint) started.defer(() => endpoint.stop());
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
  const postgres = await startPostgres({ folder, port: EMBEDDED_PORT, durable: true });
  started.defer(() => postgres.stop());
  await migrate(postgres.url);
  rememberUrl(postgres.url);
  const url = await createRole(postgres.url, "hospital_api");
  const notes = [`database  ${postgres.url}`, `          in ${postgres.folder}`];
  return { url, ownerUrl: postgres.url, notes, ended: postgres.ended };
}

function explain(error: NodeJS.ErrnoException): never {
  if (error.code !== "EADDRINUSE") throw error;
  throw new Error(`${error.message}. Is \`npm run dev\` running already? Stop it first.`);
}
