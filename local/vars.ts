import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { dataFolder, embeddedUrlFile, varsFile } from "../ops/environment.ts";

/** Readable by nobody else: each holds a secret. */
const secret = { mode: 0o600 };

/** Writes a `.dev.vars` with a secret of its own when there is none. @returns whether it did */
export function createVars(): boolean {
  if (existsSync(varsFile)) return false;
  const lines = [
    "# Local settings of the Worker; made by `npm run dev` and kept out of git.",
    `JWT_SECRET=${randomBytes(32).toString("base64url")}`,
  ];
  writeFileSync(varsFile, `${lines.join("\n")}\n`, secret);
  return true;
}

/** Settles the Worker's database, whatever `.dev.vars` says. @returns Wrangler's arguments for both */
export function overrideVars(databaseUrl: string, endpoint: string): string[] {
  const file = join(dataFolder, "dev.vars");
  // Wrangler would take a dollar sign for a variable.
  const literal = databaseUrl.replaceAll("$", "%24");
  mkdirSync(dataFolder, { recursive: true });
  writeFileSync(file, `DATABASE_URL="${literal}"\nDATABASE_ENDPOINT="${endpoint}"\n`, secret);
  return ["--env-file", varsFile, "--env-file", file];
}

/** Tells the operators' commands where the database that comes with the project is. */
export function rememberUrl(url: string): void {
  mkdirSync(dataFolder, { recursive: true });
  writeFileSync(embeddedUrlFile, url, secret);
}
