import { startCloud } from "./cloud.ts";
import {
  createVars,
  databaseUrl,
  dataDir,
  embeddedUrl,
  localEndpoint,
  neonEndpoint,
  ports,
} from "./environment.ts";
import { migrate } from "./migrate.ts";

export interface DevelopmentDatabase {
  /** For psql, drizzle-kit and the Worker. */
  url: string;
  /** Where the Worker sends its SQL. */
  endpoint: string;
  stop(): Promise<void>;
}

/**
 * Brings up the database to develop on, with an up-to-date schema: the embedded PostgreSQL, or the one that
 * `DATABASE_URL` names, behind the local endpoint; a Neon database behind its own.
 *
 * @throws an error whose message says what is wrong and what to do.
 */
export async function bringUpDatabase(): Promise<DevelopmentDatabase> {
  if (createVars()) console.log("Made .dev.vars, with a secret of its own.");
  const url = databaseUrl();
  const endpoint = neonEndpoint(url);
  if (endpoint) {
    await migrate(url);
    return { url, endpoint, stop: async () => {} };
  }
  const where = url === embeddedUrl ? { dataDir, postgresPort: ports.postgres } : { databaseUrl: url };
  const cloud = await startCloud({ ...where, port: ports.endpoint }).catch(explain);
  try {
    await migrate(url);
  } catch (error) {
    await cloud.stop();
    throw error;
  }
  return { url, endpoint: localEndpoint, stop: cloud.stop };
}

function explain(error: NodeJS.ErrnoException): never {
  if (error.code !== "EADDRINUSE") throw error;
  throw new Error(`${error.message}. Is \`npm run dev\` or \`npm run db\` running already? Stop it first.`);
}

/** How often to look whether npm is still there, in milliseconds. */
const LOOK_MS = 500;

/**
 * Resolves when the person or the system wants this process to end. npm hands a SIGTERM to a shell that dies of it
 * without a word to us: then it is npm's going that tells.
 */
export function stopSignal(): Promise<void> {
  const parent = process.ppid;
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => resolve());
    if (!process.env["npm_lifecycle_event"]) return;
    setInterval(() => process.ppid !== parent && resolve(), LOOK_MS).unref();
  });
}

/** The database's URL for a person to read: without its password, unless it is the embedded one's, which is no secret. */
export function readable(url: string): string {
  const shown = new URL(url);
  if (url !== embeddedUrl && shown.password) shown.password = "…";
  return decodeURI(shown.href);
}
