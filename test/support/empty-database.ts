import { inject } from "vitest";
import { unique } from "./accounts.ts";
import { owner } from "./owner.ts";

/** Gives `work` a database that nobody else uses, with nothing in its tables: its URL, as its owner. */
export async function inEmptyDatabase<Done>(work: (url: string) => Promise<Done>): Promise<Done> {
  const { fillableUrl, serverUrl } = inject("cloud");
  const url = new URL(fillableUrl);
  const [template, copy] = [url.pathname.slice(1), unique(`${url.pathname.slice(1)}_`)];
  await owner(serverUrl).query(`CREATE DATABASE ${copy} TEMPLATE ${template}`);
  url.pathname = copy;
  try {
    return await work(url.href);
  } finally {
    await owner(serverUrl).query(`DROP DATABASE ${copy} WITH (FORCE)`);
  }
}
