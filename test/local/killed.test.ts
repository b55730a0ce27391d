import { randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as pathOf } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { openEndpoint } from "../../local/endpoint/server.ts";
import { startPostgres } from "../../local/postgres/server.ts";
import { migrate } from "../../ops/migrate.ts";
import { createRole } from "../../ops/role.ts";
import { differences } from "../faults/comparison.ts";
import { join, type Member, type Send } from "../faults/mix.ts";
import { query } from "../ops/support.ts";
import { type ServedApi, serveApi } from "../support/serve-api.ts";
import { freePort } from "../support/setup.ts";

const DEADLINE = 800;
const [ACCOUNTS, REQUESTS] = [10, 100];

const parent = mkdtempSync(pathOf(tmpdir(), "hospital-killed-"));
chmodSync(parent, 0o755); // for the account that PostgreSQL runs as
const wanted = { folder: pathOf(parent, "postgres"), port: await freePort(), durable: true };
let postgres = await startPostgres(wanted);
const { url, folder } = postgres;
const endpoint = await openEndpoint(0);
let api: ServedApi | undefined;
afterAll(async () => {
  await api?.stop();
  await endpoint.stop();
  await postgres.stop();
  for (const path of [parent, folder]) rmSync(path, { recursive: true, force: true });
});

const sendTo =
  (origin: string): Send =>
  async ({ method, path, body, headers = {} }) => {
    const isFile = typeof body === "string";
    const response = await fetch(`${origin}${path}`, {
      method,
      headers: { ...(body && { "Content-Type": "application/json" }), ...headers },
      body: isFile ? body : body ? JSON.stringify(body) : null,
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text && JSON.parse(text) };
  };

/** Kills the server, as a machine without memory does, and starts another one on what is left. */
async function killAndStart(): Promise<void> {
  process.kill(Number.parseInt(readFileSync(pathOf(folder, "postmaster.pid"), "utf8"), 10), "SIGKILL");
  await postgres.ended;
  postgres = await startPostgres(wanted);
}

/** Resolves when the members have sent so many requests together. */
async function sent(members: Member[], count: number): Promise<void> {
  while (members.reduce((sum, { exchanges }) => sum + exchanges.length, 0) < count) await setTimeout(5);
}

test("after 1,000 mixed requests, while PostgreSQL is killed and started again, it holds what was answered", async () => {
  await migrate(url);
  endpoint.front(url);
  const databaseUrl = await createRole(url, "killed");
  api = await serveApi({
    DATABASE_URL: databaseUrl,
    DATABASE_ENDPOINT: endpoint.url,
    DATABASE_TIMEOUT_MS: DEADLINE,
  });
  const send = sendTo(api.origin);
  const seed = randomBytes(4).readInt32LE();
  const members: Member[] = [];
  for (let index = 0; index < ACCOUNTS; index += 1)
    members.push(await join(send, `member-${index}`, seed + index));
  const working = Promise.all(members.map(({ work }) => work(REQUESTS)));
  await sent(members, (ACCOUNTS * REQUESTS) / 3);
  await killAndStart();
  await working;
  const found = await differences(members, (text, values) => query(url, text, values), DEADLINE);
  expect(found, [`seed ${seed}:`, ...found].join("\n")).toEqual([]);
  const statuses = members.flatMap(({ exchanges }) => exchanges.map(({ answer }) => answer.status));
  expect(statuses.filter((status) => status === 503).length).toBeGreaterThan(10);
  for (const { exchanges } of members) expect(exchanges.at(-1)?.answer.status).not.toBe(503);
}, 60_000);
