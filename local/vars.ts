import { randomBytes } from "node:crypto";
import { chownSync, existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { dataFolder, embeddedUrlFile, varsFile } from "../ops/environment.ts";

/** Writes what nobody but the project's owner is to read. */
function writeSecret(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text, { mode: 0o600 });
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(dirname(varsFile));
  for (const path of [dirname(file), file]) chownSync(path, uid, gid);
}

/** Writes a `.dev.vars` with a secret of its own when there is none. @returns whether it did */
export function createVars(): boolean {
  if (existsSync(varsFile)) return false;
  const lines = [
    "# Local settings of the Worker; made by `npm run dev` and kept out of git.",
    `JWT_SECRET=${randomBytes(32).toString("base64url")}`,
  ];
  writeSecret(varsFile, `${lines.join("\n")}\n`);
  return true;
}

/**
 * Settles the Worker's database, whatever `.dev.vars` says, and what is to hold here unless that says otherwise: pages of
 * any origin may call what somebody develops on.
 *
 * @returns Wrangler's arguments for all of it; of the files that they name, a later one wins
 */
export function settleVars(databaseUrl: string, endpoint: string): string[] {
  const defaults = join(dataFolder, "default.vars");
  writeSecret(defaults, "CORS_ORIGINS=*\n");
  const file = join(dataFolder, "dev.vars");
  // Wrangler would take a dollar sign for a variable.
  const literal = databaseUrl.replaceAll("$", "%24");
  writeSecret(file, `DATABASE_URL="${literal}"\nDATABASE_ENDPOINT="${endpoint}"\n`);
  return [defaults, varsFile, file].flatMap((one) => ["--env-file", one]);
}

/** Tells the operators' commands where the database that comes with the project is. */
export const rememberUrl = (url: string): void => writeSecret(embeddedUrlFile, url);
