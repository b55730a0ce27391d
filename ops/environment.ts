import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";

const root = join(import.meta.dirname, "..");

/** Wrangler's file of local secrets and settings. */
export const varsFile = join(root, ".dev.vars");

/** Where `npm run dev` keeps what it makes, the database's data too. */
export const dataFolder = join(root, ".data");

/** The URL of the database that comes with the project, as its owner: written when it is brought up. */
export const embeddedUrlFile = join(dataFolder, "database-url");

export const migrationsFolder = join(root, "drizzle");

/** Where the database that comes with the project listens: fixed, so that `psql` can name it. */
export const EMBEDDED_PORT = 5488;

/**
 * The `DATABASE_URL` of the environment or of .dev.vars, completed as libpq does it; `undefined` when neither has one, or
 * one of the database that comes with the project.
 *
 * @throws an error when it is no such URL.
 */
export function configuredUrl(): string | undefined {
  const vars = existsSync(varsFile) ? parseEnv(readFileSync(varsFile, "utf8")) : {};
  const text = process.env["DATABASE_URL"] || vars["DATABASE_URL"];
  if (!text) return undefined;
  const url = URL.parse(text);
  if (!url || !/^postgres(ql)?:$/.test(url.protocol) || !url.username)
    throw new Error("DATABASE_URL must look like postgresql://user:password@host:5432/database.");
  if (isLocal(url) && url.port === String(EMBEDDED_PORT)) return undefined;
  if (url.pathname.length < 2) url.pathname = url.username;
  return url.href;
}

/** The database that an operator's command works on: the configured one, else the one that comes with the project. */
export function databaseUrl(): string {
  const url = configuredUrl();
  if (url) return url;
  if (existsSync(embeddedUrlFile)) return readFileSync(embeddedUrlFile, "utf8");
  throw new Error(
    "DATABASE_URL is not set. (`npm run dev` brings up a database of its own; there is none yet.)",
  );
}

/** Whether a URL's host is this machine. */
export const isLocal = ({ hostname }: URL): boolean =>
  /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/i.test(hostname);

/** The HTTP endpoint that Neon has for a database of its own, as the driver would choose it; `undefined` for any other. */
export function neonEndpoint(url: string): string | undefined {
  const hostname = new URL(url).hostname.toLowerCase();
  if (!/\.neon\.(tech|build)$/.test(hostname)) return undefined;
  return `https://${hostname.replace(/^[^.]+\./, "api.")}/sql`;
}
