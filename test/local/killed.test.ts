import { randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as pathOf } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openEndpoint } from "../../local/endpoint/server.ts";
import { startPostgres } from "../../local/postgres/server.ts";
import { migrate } from "../../ops/migrate.ts";
import { createRole } from "../../ops/role.ts";
import { differences } from "../fault-injection/comparison.ts";
import { join, type Member, type Send } from "../fault-injection/mix.ts";
import { query } from "../ops/support.ts";
import { type ServedApi, serveApi } from "../support/serve-api.ts";
import { freePort } from "../support/setup.ts";

/** DATABASE_TIMEOUT_MS: longer than any statement takes on a busy machine. */
const DEADLINE = 10_000;
const ACCOUNTS = 10;
/** Requests of each account while PostgreSQL is killed and started again, and after that. */
const [DURING, AFTER] = [80, 20];
/** After how many of these requests PostgreSQL is killed, and how many must fail before it is started again. */
const [BEFORE_KILL, FAILED] = [300, 20];

const parent = mkdtempSync(pathOf(tmpdir(), "hospital-killed-"));
chmodSync(parent, 0o755); // for the account that PostgreSQL runs as
const settings = { folder: pathOf(parent, "postgres"), port: await freePort(), durable: true };
let postgres = await startPostgres(settings);
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

/** Kills the server as the system does when memory runs out. */
const killPostgres = () =>
  process.kill(Number.parseInt(readFileSync(pathOf(folder, "postmaster.pid"), "utf8"), 10), "SIGKILL");

/** Calls `send`, and `onAnswer` after each answer. */
const observe =
  (send: Send, onAnswer: (status: number) => void): Send =>
  async (planned) => {
    const answer = await send(planned);
    onAnswer(answer.status);
    return answer;
  };

test("after 1,000 mixed requests during which PostgreSQL is killed, the database agrees with the answers", async () => {
  await migrate(url);
  endpoint.front(url);
  const databaseUrl = await createRole(url, "killed");
  api = await serveApi({
    DATABASE_URL: databaseUrl,
    DATABASE_ENDPOINT: endpoint.url,
    DATABASE_TIMEOUT_MS: DEADLINE,
  });
  let [answers, failures] = [0, 0];
  const enoughFailed = Promise.withResolvers<void>();
  const send = observe(sendTo(api.origin), (status) => {
    answers += 1;
    if (answers === 2 * ACCOUNTS + BEFORE_KILL) killPostgres(); // an account has sent two to register and log in
    if (status === 503) failures += 1;
    if (failures === FAILED) enoughFailed.resolve();
  });
  const seed = randomBytes(4).readInt32LE();
  const members: Member[] = [];
  for (let index = 0; index < ACCOUNTS; index += 1)
    members.push(await join(send, `member-${index}`, seed + index));
  const working = Promise.all(members.map(({ work }) => work(DURING)));
  await enoughFailed.promise;
  await postgres.ended;
  postgres = await startPostgres(settings);
  await working;
  const failuresDuring = failures;
  await Promise.all(members.map(({ work }) => work(AFTER)));
  expect(failures).toBe(failuresDuring);
  const found = await differences(members, (text, values) => query(url, text, values));
  expect(found, [`seed ${seed}:`, ...found].join("\n")).toEqual([]);
}, 300_000);
