import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { isLocal } from "../src/local-host.ts";

const root = join(import.meta.dirname, "..");

/** Wrangler's file for local secrets and settings. */
export const varsFile = join(root, ".dev.vars");

/** The files that `npm run dev` creates, among them the data of the embedded database. */
export const dataFolder = join(root, ".data");

/** Holds the URL of the embedded database, as its owner. It is written when that database is started. */
export const embeddedUrlFile = join(dataFolder, "database-url");

/** The URL of the local Neon endpoint, `http://127.0.0.1:<port>`: written when it is brought up. */
export const endpointUrlFile = join(dataFolder, "endpoint-url");

/** The URL of the API, `http://localhost:<port>`: written when `npm run dev` has started it. */
export const apiUrlFile = join(dataFolder, "api-url");

export const migrationsFolder = join(root, "drizzle");

/** The default port of the embedded database. `npm run dev` takes the next free one when it is in use. */
export const EMBEDDED_PORT = 5488;

/**
 * The `DATABASE_URL` of the environment, else of .dev.vars. Like libpq, it takes the username as the database's name
 * when the URL has none.
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
  if (isEmbedded(url)) return undefined;
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

/**
 * Whether a URL is that of this checkout's embedded database. Its port may change each time it is started, so a URL
 * with its password and an old port is that of the same database.
 */
export function isEmbedded(url: URL): boolean {
  if (!isLocal(url)) return false;
  if (!existsSync(embeddedUrlFile)) return url.port === String(EMBEDDED_PORT);
  const { port, password } = new URL(readFileSync(embeddedUrlFile, "utf8"));
  return url.port === port || url.password === password;
}

/**
 * The HTTP endpoint for a database of Neon, the same that Neon's driver chooses; `undefined` for any other database.
 */
export function neonEndpoint(url: string): string | undefined {
  const hostname = new URL(url).hostname.toLowerCase();
  if (!/\.neon\.(tech|build)$/.test(hostname)) return undefined;
  return `https://${hostname.replace(/^[^.]+\./, "api.")}/sql`;
}
