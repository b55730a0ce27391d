import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";

const root = join(import.meta.dirname, "..");

/** Wrangler's file for local secrets and settings. */
export const varsFile = join(root, ".dev.vars");

/** The files that `npm run dev` creates, among them the data of the embedded database. */
export const dataFolder = join(root, ".data");

/** Holds the URL of the embedded database, as its owner. It is written when that database is started. */
export const embeddedUrlFile = join(dataFolder, "database-url");

export const migrationsFolder = join(root, "drizzle");

/** The port of the embedded database: fixed, so that `psql` can be told it. */
export const EMBEDDED_PORT = 5488;

/**
 * The `DATABASE_URL` of the environment, else of .dev.vars. Like libpq, it takes the username as the database's name when
 * the URL has none.
 *
 * @returns `undefined` when there is none, or when it is the embedded database's.
 * @throws an error when it is not a PostgreSQL URL with a username.
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

/**
 * The URL of the database that an operator's command works on: the configured one, else the embedded one.
 *
 * @throws an error when there is neither, or when `DATABASE_URL` is not a URL.
 */
export function databaseUrl(): string {
  const url = configuredUrl();
  if (url) return url;
  if (existsSync(embeddedUrlFile)) return readFileSync(embeddedUrlFile, "utf8");
  throw new Error(
    "DATABASE_URL is not set, and there is no local database yet. Set it, or create one with `npm run dev`.",
  );
}

/** Whether the host of a URL is this machine. */
export const isLocal = ({ hostname }: URL): boolean =>
  /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/i.test(hostname);

/** The HTTP endpoint for a database of Neon, the same that Neon's driver chooses; `undefined` for any other database. */
export function neonEndpoint(url: string): string | undefined {
  const hostname = new URL(url).hostname.toLowerCase();
  if (!/\.neon\.(tech|build)$/.test(hostname)) return undefined;
  return `https://${hostname.replace(/^[^.]+\./, "api.")}/sql`;
}
