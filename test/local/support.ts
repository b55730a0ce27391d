/// <reference types="vite/client" />
import { randomUUID } from "node:crypto";
import { neon, neonConfig } from "@neondatabase/serverless";
import pg from "pg";
import { afterAll, beforeAll, describe } from "vitest";
import { type Cloud, type CloudOptions, startCloud } from "../../local/cloud.ts";

/** The server to test against, with `--mode postgres`; its database `postgres` when the URL names none. */
export const postgresUrl = new URL(
  "/postgres",
  process.env["POSTGRES_URL"] || "postgres://postgres@127.0.0.1:5432",
).href;

interface Database {
  kind: "embedded" | "PostgreSQL server";
  options: CloudOptions;
}

const embedded: Database = { kind: "embedded", options: {} };
const server: Database = { kind: "PostgreSQL server", options: { databaseUrl: postgresUrl } };

const hasServer = import.meta.env.MODE === "postgres";

/** The database to test against: the embedded one, or a server with `--mode postgres`. */
const { kind, options } = hasServer ? server : embedded;

/** Declares tests of `postgresUrl`, for which the embedded PostgreSQL will not do. */
export const describeOnServer = describe.skipIf(!hasServer);

/** How long an embedded PostgreSQL may take to start where many do at once, in milliseconds. */
export const startTime = 60_000;

export interface Setting extends Cloud {
  kind: Database["kind"];
  /** A schema of these tests' own, dropped afterwards. */
  schema: string;
  /** A fresh name for a table, in that schema. */
  table(): string;
}

/** Declares tests of either database, and gives them a running cloud. */
export function describeOnDatabase(name: string, declare: (setting: Setting) => void): void {
  describe(`${name} (${kind})`, () => {
    const schema = `test_${randomUUID().replaceAll("-", "")}`;
    const table = () => `${schema}.t_${randomUUID().replaceAll("-", "")}`;
    const setting = { kind, schema, table } as Setting;
    beforeAll(async () => {
      Object.assign(setting, await startCloud(options));
      neonConfig.fetchEndpoint = setting.endpointUrl;
      await neon(setting.databaseUrl).query(`CREATE SCHEMA ${schema}`);
    }, startTime);
    afterAll(async () => {
      await neon(setting.databaseUrl).query(`DROP SCHEMA ${schema} CASCADE`);
      await setting.stop();
    });
    declare(setting);
  });
}

/** Sends what the driver cannot send: any body, any headers. */
export function post(
  setting: { databaseUrl: string; endpointUrl: string },
  body: unknown,
  headers: Record<string, string> = {},
  signal: AbortSignal | null = null,
): Promise<Response> {
  return fetch(setting.endpointUrl, {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
    headers: { "Neon-Connection-String": setting.databaseUrl, ...headers },
    signal,
  });
}

/** The first value of the first row of a JSON typed answer. */
export async function value(setting: Setting, query: string, params: unknown[] = []): Promise<unknown> {
  const response = await post(setting, { query, params, arrayMode: true });
  const json = (await response.json()) as { rows?: unknown[][]; message?: string };
  if (!json.rows) throw new Error(json.message);
  return json.rows[0]?.[0];
}

/** Runs `work` with a connection of its own to the database, past the endpoint. */
export async function withClient<T>(
  databaseUrl: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client(databaseUrl);
  client.on("error", () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** The URL with some of its parts changed. */
export function changed(databaseUrl: string, parts: Partial<URL>): string {
  return Object.assign(new URL(databaseUrl), parts).href;
}
