import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";

const root = join(import.meta.dirname, "..");

/** Wrangler's file of local secrets and settings. */
const varsFile = join(root, ".dev.vars");

/** Where the embedded PostgreSQL keeps its data. */
export const dataDir = join(root, ".data", "postgres");

export const migrationsFolder = join(root, "drizzle");

/** The ports of the local cloud: fixed, so that `.dev.vars` and `psql` can name them. */
export const ports = { postgres: 5488, endpoint: 5489 };

export const embeddedUrl = `postgres://postgres:postgres@127.0.0.1:${ports.postgres}/postgres`;
export const localEndpoint = `http://127.0.0.1:${ports.endpoint}/sql`;

/** What Wrangler reads after `.dev.vars`, so that both agree with the database that was brought up. */
const overridesFile = join(root, ".data", "dev.vars");

/** Settles the Worker's database, whatever `.dev.vars` says. @returns Wrangler's arguments for it */
export function overrideVars(databaseUrl: string, endpoint: string): string[] {
  mkdirSync(join(root, ".data"), { recursive: true });
  // Wrangler would take a dollar sign for a variable.
  const literal = databaseUrl.replaceAll("$", "%24");
  writeFileSync(overridesFile, `DATABASE_URL="${literal}"\nDATABASE_ENDPOINT="${endpoint}"\n`, {
    mode: 0o600,
  });
  return ["--env-file", varsFile, "--env-file", overridesFile];
}

/** Writes a `.dev.vars` with a secret of its own when there is none. @returns whether it did */
export function createVars(): boolean {
  if (existsSync(varsFile)) return false;
  const lines = [
    "# Local settings of the Worker; made by `npm run dev` and kept out of git.",
    `JWT_SECRET=${randomBytes(32).toString("base64url")}`,
    `DATABASE_URL=${embeddedUrl}`,
    `DATABASE_ENDPOINT=${localEndpoint}`,
  ];
  writeFileSync(varsFile, `${lines.join("\n")}\n`, { mode: 0o600 });
  return true;
}

/** The database to work on: the `DATABASE_URL` of the environment, else that of `.dev.vars`, else the embedded one. */
export function databaseUrl(): string {
  const vars = existsSync(varsFile) ? parseEnv(readFileSync(varsFile, "utf8")) : {};
  const url = URL.parse(process.env["DATABASE_URL"] || vars["DATABASE_URL"] || embeddedUrl);
  if (!url || !/^postgres(ql)?:$/.test(url.protocol) || !url.username) {
    throw new Error("DATABASE_URL must look like postgresql://user:password@host:5432/database.");
  }
  // As libpq has it: the database of the user's name.
  if (url.pathname.length < 2) url.pathname = url.username;
  return url.href;
}

/**
 * The HTTP endpoint that Neon itself has for a database of its own, as the driver would choose it; `undefined` for any
 * other, which needs the local one.
 */
export function neonEndpoint(url: string): string | undefined {
  const hostname = new URL(url).hostname.toLowerCase();
  if (!/\.neon\.(tech|build)$/.test(hostname)) return undefined;
  return `https://${hostname.replace(/^[^.]+\./, "api.")}/sql`;
}
