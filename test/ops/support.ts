import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inject, onTestFinished } from "vitest";
import { withClient } from "../../ops/command.ts";

const { serverUrl } = inject("database");

export const random = (prefix: string): string => `${prefix}_${randomBytes(6).toString("hex")}`;

/** The URL with some of its parts replaced. */
export const changeUrl = (url: string, parts: Partial<URL>): string =>
  Object.assign(new URL(url), parts).href;

/** Runs a statement as the user of the URL. @returns its rows */
// biome-ignore lint/suspicious/noExplicitAny: a test asserts what the rows hold
export const query = (url: string, statement: string, values?: unknown[]): Promise<any[]> =>
  withClient(url, async (client) => (await client.query(statement, values)).rows);

/** Node keeps compiled code here, also between runs of the suite: a command then starts in half the time. */
export const compileCache = { NODE_COMPILE_CACHE: join(tmpdir(), "hospital-api-compile-cache") };

/** Runs an operator's command in a process of its own, with no setting of the environment but `DATABASE_URL`. */
export function run(command: string, url: string, ...args: string[]) {
  const file = join(import.meta.dirname, "..", "..", "ops", `${command}.ts`);
  return new Promise<{ status: unknown; stdout: string; stderr: string }>((resolve) => {
    const env = { ...compileCache, DATABASE_URL: url };
    execFile(process.execPath, [file, ...args], { env }, (error, stdout, stderr) => {
      resolve({ status: error ? error.code : 0, stdout, stderr });
    });
  });
}

/** Creates an empty database on the server, with the options of CREATE DATABASE. The caller drops it. */
export async function newDatabase(options = ""): Promise<{ url: string; drop: () => Promise<unknown> }> {
  const name = random("test");
  await query(serverUrl, `CREATE DATABASE ${name} ${options}`);
  return {
    url: changeUrl(serverUrl, { pathname: `/${name}` }),
    drop: () => query(serverUrl, `DROP DATABASE ${name} WITH (FORCE)`),
  };
}

/**
 * Copies a database, which is faster than migrating another one. The copy is dropped after the running test. @returns
 * its URL
 */
export async function copyDatabase(url: string): Promise<string> {
  const name = random("test");
  await query(serverUrl, `CREATE DATABASE ${name} TEMPLATE ${new URL(url).pathname.slice(1)}`);
  onTestFinished(async () => {
    await query(serverUrl, `DROP DATABASE ${name} WITH (FORCE)`);
  });
  return changeUrl(serverUrl, { pathname: `/${name}` });
}

/** Creates an empty database, which is dropped after the running test. @returns its URL */
export async function emptyDatabase(options?: string): Promise<string> {
  const { url, drop } = await newDatabase(options);
  onTestFinished(async () => {
    await drop();
  });
  return url;
}
