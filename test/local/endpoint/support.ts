import { randomUUID } from "node:crypto";
import { neon, neonConfig } from "@neondatabase/serverless";
import pg from "pg";
import { afterAll, inject, onTestFinished } from "vitest";
import { openEndpoint } from "../../../local/endpoint/server.ts";
import type {} from "../../support/provided.ts";

export const { ownerUrl } = inject("database");

/** An endpoint for this test file, the driver that sends to it, and direct connections to its database. */
export const endpoint = await openEndpoint(0);
endpoint.front(ownerUrl);
neonConfig.fetchEndpoint = endpoint.url;
export const sql = neon(ownerUrl);
export const direct = new pg.Pool({ connectionString: ownerUrl });

/** A unique name. */
export const newName = () => `endpoint_${randomUUID().replaceAll("-", "")}`;

export const schema = newName();
await direct.query(`CREATE SCHEMA ${schema}`);

afterAll(async () => {
  await endpoint.stop();
  await direct.query(`DROP SCHEMA ${schema} CASCADE`);
  await direct.end();
});

/** Creates a table and returns its name. */
export async function newTable(columns = "a int"): Promise<string> {
  const table = `${schema}.${newName()}`;
  await direct.query(`CREATE TABLE ${table} (${columns})`);
  return table;
}

export async function rowsIn(table: string): Promise<number> {
  const { rows } = await direct.query(`SELECT count(*)::int AS count FROM ${table}`);
  return rows[0].count;
}

/** The owner's URL with some of its parts changed. */
export const changeOwnerUrl = (parts: Partial<URL>): string => Object.assign(new URL(ownerUrl), parts).href;

export const statement = (query: string, ...params: (string | null)[]) => ({ query, params });

/** Sends any body and any headers, also those that the driver would not send. */
export async function post(
  body: unknown,
  headers = {},
  { url = endpoint.url, ...init }: RequestInit & { url?: string } = {},
) {
  const response = await fetch(url, {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
    headers: {
      "Neon-Connection-String": ownerUrl,
      "Neon-Raw-Text-Output": "true",
      "Neon-Array-Mode": "true",
      ...headers,
    },
    ...init,
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type") === "application/json";
  const answerHeaders = Object.fromEntries(response.headers);
  return { status: response.status, headers: answerHeaders, body: isJson ? JSON.parse(text) : text };
}

/** Takes advisory locks for `names` until the test is finished. @returns a function that releases one of them */
export async function holdAdvisoryLocks(...names: string[]) {
  const client = await direct.connect();
  onTestFinished(() => client.release(true));
  for (const name of names) await client.query("SELECT pg_advisory_lock(hashtext($1))", [name]);
  return (name: string) => client.query("SELECT pg_advisory_unlock(hashtext($1))", [name]);
}

/** Resolves when `condition` is true; how long that takes is limited by the test's timeout only. */
export async function waitUntil(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition()));
}

/** Resolves when `count` statements that contain `marker` run. */
export async function running(count: number, marker: string): Promise<void> {
  const query =
    "SELECT count(*)::int AS count FROM pg_stat_activity WHERE query LIKE $1 AND state = 'active' AND pid <> pg_backend_pid()";
  await waitUntil(async () => (await direct.query(query, [`%${marker}%`])).rows[0].count === count);
}

/** Sends `body`, hangs up when its statement with `marker` in it runs, and waits until that statement has ended. */
export async function hangUpDuring(marker: string, body: unknown): Promise<void> {
  const hangUp = new AbortController();
  const request = post(body, {}, { signal: hangUp.signal }).catch((error: unknown) => error);
  await running(1, marker);
  hangUp.abort();
  await request;
  await running(0, marker);
}
