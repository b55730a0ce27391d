import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { dataFolder } from "../ops/environment.ts";
import { writePrivateFile } from "./vars.ts";

const SQLITE_BUSY = 5;

/**
 * Keeps a second `npm run dev` or `npm run db` of this checkout from starting, until it is disposed of or this
 * process ends, however it ends. Node has no file locks; SQLite, which comes with it, has them on every platform.
 * Nothing is written to that file.
 *
 * @throws an error whose message says that this checkout is running already
 */
export function lockCheckout(): Disposable {
  const file = join(dataFolder, "lock");
  if (!existsSync(file)) writePrivateFile(file, "");
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    // The journal in memory: it would be a second file.
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (Object(error).errcode !== SQLITE_BUSY) throw error;
    throw new Error(
      "This checkout is running already, by `npm run dev` or `npm run db`: stop that first. (Another checkout can run at the same time.)",
    );
  }
  return { [Symbol.dispose]: () => database.close() };
}
