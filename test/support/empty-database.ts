import { uniqueName } from "./accounts.ts";
import { owner } from "./owner.ts";
import { workerDatabase } from "./worker-database.ts";

/** Calls `work` with the URL of a new, empty database, as its owner, and drops the database afterwards. */
export async function inEmptyDatabase<Done>(work: (url: string) => Promise<Done>): Promise<Done> {
  const { fillableUrl, serverUrl } = workerDatabase;
  const url = new URL(fillableUrl);
  const [template, copy] = [url.pathname.slice(1), uniqueName(`${url.pathname.slice(1)}_`)];
  await owner(serverUrl).query(`CREATE DATABASE ${copy} TEMPLATE ${template}`);
  url.pathname = copy;
  try {
    return await work(url.href);
  } finally {
    await owner(serverUrl).query(`DROP DATABASE ${copy} WITH (FORCE)`);
  }
}
