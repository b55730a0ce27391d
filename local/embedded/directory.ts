import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { takeLock } from "./lock.ts";

/** The PostgreSQL inside PGlite 0.5; a directory of another major version cannot be read. */
export const postgresVersion = "18";

const lockName = "owner.json";
/** There from before the first file of a new database until its last one is written. */
const unfinishedName = "unfinished";

export interface DataDirectory {
  path: string;
  /** To be called when the database in it has started, and so is complete. */
  initialised(): void;
  /** Lets others have it. */
  release(): void;
}

/**
 * Takes a data directory for this process alone, making it if needed. One whose making was interrupted is emptied.
 *
 * @throws an error whose message says what is wrong and what to do: another process has it, it was written by
 *   another major version of PostgreSQL, or it is something else altogether
 */
export function takeDirectory(directory: string): DataDirectory {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = realpathSync(directory);
  const unfinished = join(path, unfinishedName);
  const foreign =
    contents(path).length > 0 && !existsSync(join(path, "PG_VERSION")) && !existsSync(unfinished);
  if (foreign) {
    throw new Error(
      `${path} holds files but no PostgreSQL data: choose another data directory, or empty this one`,
    );
  }
  const release = takeLock(join(path, lockName), `the data directory ${path}`);
  try {
    if (existsSync(unfinished))
      for (const name of contents(path)) rmSync(join(path, name), { recursive: true });
    if (contents(path).length === 0) writeFileSync(unfinished, "");
    else checkVersion(path);
    // As PostgreSQL itself insists: nobody else on this machine reads the records.
    chmodSync(path, 0o700);
  } catch (error) {
    release();
    throw error;
  }
  return { path, initialised: () => rmSync(unfinished, { force: true }), release };
}

const contents = (path: string): string[] => readdirSync(path).filter((name) => !name.startsWith(lockName));

function checkVersion(path: string): void {
  const version = readFileSync(join(path, "PG_VERSION"), "utf8").trim();
  if (version === postgresVersion) return;
  throw new Error(
    `${path} was written by PostgreSQL ${version}, and the embedded one is ${postgresVersion}: ` +
      "delete the directory to start anew, or move its data with the version that wrote it (pg_dump)",
  );
}
