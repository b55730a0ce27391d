import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { inject, onTestFinished } from "vitest";
import { withClient } from "../../ops/command.ts";

const { serverUrl } = inject("cloud");

export const random = (prefix: string): string => `${prefix}_${randomBytes(6).toString("hex")}`;

/** The URL with some of its parts changed. */
export const changed = (url: string, parts: Partial<URL>): string => Object.assign(new URL(url), parts).href;

/** The rows that a statement gives, sent by the user of the URL. */
// biome-ignore lint/suspicious/noExplicitAny: a test asserts what is in them
export const query = (url: string, statement: string, values?: unknown[]): Promise<any[]> =>
  withClient(url, async (client) => (await client.query(statement, values)).rows);

/** Runs an operator's command in a process of its own, whose environment is `DATABASE_URL` alone. */
export function run(command: string, url: string, ...args: string[]) {
  const file = join(import.meta.dirname, "..", "..", "ops", `${command}.ts`);
  return new Promise<{ status: unknown; stdout: string; stderr: string }>((resolve) => {
    execFile(process.execPath, [file, ...args], { env: { DATABASE_URL: url } }, (error, stdout, stderr) => {
      resolve({ status: error ? error.code : 0, stdout, stderr });
    });
  });
}

/** An empty database on the server. */
export async function newDatabase(): Promise<{ url: string; drop: () => Promise<unknown> }> {
  const name = random("test");
  await query(serverUrl, `CREATE DATABASE ${name}`);
  return {
    url: changed(serverUrl, { pathname: `/${name}` }),
    drop: () => query(serverUrl, `DROP DATABASE ${name} WITH (FORCE)`),
  };
}

/** An empty database for the running test. */
export async function emptyDatabase(): Promise<string> {
  const { url, drop } = await newDatabase();
  onTestFinished(() => void drop());
  return url;
}
