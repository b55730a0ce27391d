import { randomBytes } from "node:crypto";
import { chownSync, existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { apiUrlFile, dataFolder, embeddedUrlFile, endpointUrlFile, varsFile } from "../ops/environment.ts";

/** Writes a file that only the project's owner can read. */
export function writePrivateFile(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text, { mode: 0o600 });
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(dirname(varsFile));
  for (const path of [dirname(file), file]) chownSync(path, uid, gid);
}

/** Writes a `.dev.vars` with a random JWT secret when there is none. @returns whether it did */
export function createVars(): boolean {
  if (existsSync(varsFile)) return false;
  const lines = [
    "# Local settings of the Worker; written once by `npm run dev`, kept out of git.",
    `JWT_SECRET=${randomBytes(32).toString("base64url")}`,
  ];
  writePrivateFile(varsFile, `${lines.join("\n")}\n`);
  return true;
}

/**
 * Writes the Worker's settings for this run: the database and its endpoint, which overrule `.dev.vars` because their
 * ports may differ each time, and defaults that `.dev.vars` overrules. By default pages of any origin may call the
 * API here, and everybody may register.
 *
 * @returns Wrangler's arguments; a later file overrides an earlier one.
 */
export function writeWorkerVars(databaseUrl: string, endpoint: string): string[] {
  const defaults = join(dataFolder, "default.vars");
  writePrivateFile(defaults, "CORS_ORIGINS=*\nREGISTRATION=open\n");
  const file = join(dataFolder, "dev.vars");
  // Wrangler would take a dollar sign for a variable.
  const literal = databaseUrl.replaceAll("$", "%24");
  writePrivateFile(file, `DATABASE_URL="${literal}"\nDATABASE_ENDPOINT="${endpoint}"\n`);
  return [defaults, varsFile, file].flatMap((one) => ["--env-file", one]);
}

/** Writes where the database listens, for the operators' commands and for `psql "$(cat .data/database-url)"`. */
export const saveDatabaseUrl = (url: string): void => writePrivateFile(embeddedUrlFile, url);

/** Writes where the local Neon endpoint listens, as `http://127.0.0.1:<port>`. */
export const saveEndpointUrl = (url: string): void => writePrivateFile(endpointUrlFile, new URL(url).origin);

/** Writes where the API listens, as `http://localhost:<port>`. */
export const saveApiUrl = (url: string): void => writePrivateFile(apiUrlFile, url);
