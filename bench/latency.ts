import { withClient } from "../ops/command.ts";
import { calibrate, type Load, quantile, quartilesOf, sendRequests } from "./measure.ts";
import {
  acceptedRequestKinds,
  type BenchCaller,
  logInCaller,
  type RequestKind,
  refusedRequestKinds,
} from "./request-kinds.ts";
import type { DemoDatabase, DistanceRow, GrowthRow, RefusedLoginRow } from "./results.ts";
import type { BenchContext, BenchDatabase, BenchWorker } from "./servers.ts";

/** The caller owns `largest` of the patients. The other accounts own the same number each. */
const SIZES = [
  { patients: 1000, accounts: 10, largest: 500 },
  { patients: 100_000, accounts: 1000, largest: 60_000 },
  { patients: 1_000_000, accounts: 10_000, largest: 100_000 },
];
const [GROWTH_ROUNDS, QUICK_GROWTH_ROUNDS] = [9, 2];
const GROWTH_REQUESTS = 20;
const GROWTH_LOGINS = 2;
const PAGE_1000 = ", page 1000";

/** What the endpoint adds to each request to the database, in milliseconds. */
const DELAYS = [0, 25, 75, 150];
const [DISTANCE_ROUNDS, QUICK_DISTANCE_ROUNDS] = [3, 1];
const DISTANCE_REQUESTS = 3;

const [LOGIN_ROUNDS, QUICK_LOGIN_ROUNDS] = [30, 3];
/** Rounds that are not counted: the first requests are slower, because nothing is prepared yet. */
const LOGIN_WARM_UP_ROUNDS = 3;
const UNKNOWN_USERNAME = "nobody.of.that.name";

/** A database with `patients` patients, a Worker in front of it, and the kinds of requests to measure. */
interface SizedDatabase {
  patients: number;
  worker: BenchWorker;
  kinds: RequestKind[];
}

/** Measures how long requests take on one connection, in turns in databases of different sizes. */
export async function measureGrowth(
  context: BenchContext,
): Promise<{ rows: GrowthRow[]; databases: DemoDatabase[] }> {
  const { servers, settings, showProgress } = context;
  const sizes = settings.quick ? SIZES.slice(0, 2) : SIZES;
  const totalPatients = sizes.reduce((sum, { patients }) => sum + patients, 0);
  const databases: DemoDatabase[] = [];
  const sizedDatabases: SizedDatabase[] = [];
  for (const size of sizes) {
    const before = databases.reduce((sum, { patients }) => sum + patients, 0);
    const showFilling = (count: number) =>
      showProgress(`adding ${size.patients} patients`, (0.5 * (before + count)) / totalPatients);
    const start = performance.now();
    const database = await servers.createDatabase(size, showFilling);
    const seconds = (performance.now() - start) / 1000;
    databases.push({ patients: size.patients, seconds, mebibytes: await readDatabaseSize(database) });
    const worker = await context.serveApi(database);
    const caller = await logInCaller(database, worker);
    const kinds = acceptedRequestKinds(caller);
    if (size.largest > 50_000) kinds.push(...(await page1000Kinds(caller, worker)));
    sizedDatabases.push({ patients: size.patients, worker, kinds });
  }
  const names = sizedDatabases.at(-1)?.kinds.map(({ name }) => name) ?? [];
  const rounds = settings.quick ? QUICK_GROWTH_ROUNDS : GROWTH_ROUNDS;
  const rows: GrowthRow[] = [];
  for (const [i, name] of names.entries()) {
    showProgress(`${name}, growing database`, 0.5 + (0.5 * i) / names.length);
    rows.push(...(await measureKindInAllSizes(sizedDatabases, name, rounds)));
  }
  return { rows, databases };
}

async function measureKindInAllSizes(
  sizedDatabases: SizedDatabase[],
  name: string,
  rounds: number,
): Promise<GrowthRow[]> {
  // The smallest database has no page 1000: its page 1 is measured instead.
  const series = sizedDatabases.flatMap(({ patients, worker, kinds }) => {
    const kind =
      kinds.find((kind) => kind.name === name) ??
      kinds.find((kind) => kind.name === name.replace(PAGE_1000, ""));
    if (!kind) return [];
    return { patients, kind, load: singleConnectionLoad(kind, worker), medians: [] as number[] };
  });
  const [count, warmUpSeconds] = name === "login" ? [GROWTH_LOGINS, 0] : [GROWTH_REQUESTS, 0.1];
  for (const { kind, load } of series) await calibrate(kind, load, warmUpSeconds);
  for (let round = 0; round < rounds; round += 1)
    for (const { kind, load, medians } of series) {
      await kind.prepare?.(count);
      medians.push(quantile((await sendRequests(load, count)).times, 0.5));
    }
  const smallest = series[0]?.medians ?? [];
  return series
    .filter(({ kind }) => kind.name === name)
    .map(({ patients, medians }) => ({
      kind: name,
      patients,
      p50: quartilesOf(medians),
      ratio: quartilesOf(medians.map((median, round) => median / (smallest[round] ?? Number.NaN))),
    }));
}

/** @returns MiB */
const readDatabaseSize = (database: BenchDatabase): Promise<number> =>
  withClient(database.ownerUrl, async (client) => {
    const { rows } = await client.query("SELECT pg_database_size(current_database()) / 1048576 AS mebibytes");
    return Number(rows[0].mebibytes);
  });

/** Page 1000 of the patients and of the assignments, with 50 on a page. */
async function page1000Kinds(caller: BenchCaller, worker: BenchWorker): Promise<RequestKind[]> {
  const headers = { Authorization: `Bearer ${caller.token}` };
  const lists = [
    { name: `list 50 patients${PAGE_1000}`, path: "/api/patients/" },
    { name: `list 50 assignments${PAGE_1000}`, path: "/api/mappings/" },
  ];
  const kinds = lists.map(async ({ name, path }): Promise<RequestKind> => {
    const cursor = await findCursor(999 * 50, `${worker.origin}${path}`, headers);
    const request = () => ({ path: `${path}?limit=50&cursor=${cursor}`, headers });
    return { name, status: 200, databaseRequests: 1, apiRequest: request, baselineRequest: request };
  });
  return Promise.all(kinds);
}

/**
 * Follows the list's `Link` headers over `count` rows, because cursors are opaque. @returns the cursor after these
 */
async function findCursor(count: number, url: string, headers: Record<string, string>): Promise<string> {
  let cursor = "";
  for (let left = count; left > 0; left -= 200) {
    const query = `limit=${Math.min(200, left)}${cursor && `&cursor=${cursor}`}`;
    const response = await fetch(`${url}?${query}`, { headers });
    await response.arrayBuffer();
    const next = /<(.+)>; rel="next"/.exec(response.headers.get("Link") ?? "")?.[1] ?? "";
    cursor = encodeURIComponent(URL.parse(next, url)?.searchParams.get("cursor") ?? "");
    if (!cursor) throw new Error(`${url} has no page 1000 (${response.status})`);
  }
  return cursor;
}

/** Measures how long requests take, one after another, with different delays before the database. */
export async function measureDistance({ servers, serveApi, settings, showProgress }: BenchContext) {
  const database = await servers.createDatabase({ patients: 1000 });
  const worker = await serveApi(database);
  const caller = await logInCaller(database, worker);
  const kinds = [...acceptedRequestKinds(caller), ...refusedRequestKinds(caller)];
  const rounds = settings.quick ? QUICK_DISTANCE_ROUNDS : DISTANCE_ROUNDS;
  const rows: DistanceRow[] = [];
  for (const [i, kind] of kinds.entries()) {
    showProgress(`${kind.name}, distant database`, i / kinds.length);
    const load = singleConnectionLoad(kind, worker);
    await worker.delayDatabaseRequests(0);
    await calibrate(kind, load, 0.1);
    const fastest = new Map<number, number>();
    for (let round = 0; round < rounds; round += 1)
      for (const delay of DELAYS) {
        await worker.delayDatabaseRequests(delay);
        await kind.prepare?.(DISTANCE_REQUESTS);
        const { times } = await sendRequests(load, DISTANCE_REQUESTS);
        fastest.set(delay, Math.min(...times, fastest.get(delay) ?? Number.POSITIVE_INFINITY));
      }
    const { name, databaseRequests } = kind;
    for (const [delay, ms] of fastest) rows.push({ kind: name, databaseRequests, delay, ms });
  }
  return { rows };
}

const singleConnectionLoad = (kind: RequestKind, worker: BenchWorker): Load => ({
  worker,
  nextRequest: kind.apiRequest,
  status: kind.status,
  connections: 1,
});

/** Measures how long a refused login takes, for each reason to refuse it: one after another, the reasons in turns. */
export async function measureLogins({ servers, serveApi, settings, showProgress }: BenchContext) {
  const database = await servers.createDatabase({ patients: 10, accounts: 3 });
  const worker = await serveApi(database);
  const [, account] = database.accounts;
  if (!account) throw new Error("There is no account to log in to.");
  return withClient(database.ownerUrl, async (client) => {
    const { rows: disabledAccounts } = await client.query(
      "UPDATE users SET active = false WHERE id <> ALL ($1) RETURNING username",
      [database.accounts.map(({ id }) => id)],
    );
    const reasons = [
      { reason: "wrong password", username: account.username, isBlocked: false },
      { reason: "unknown username", username: UNKNOWN_USERNAME, isBlocked: false },
      { reason: "disabled account", username: String(disabledAccounts[0]?.username), isBlocked: false },
      { reason: "lockout", username: account.username, isBlocked: true },
      { reason: "lockout, unknown username", username: UNKNOWN_USERNAME, isBlocked: true },
    ];
    const times = new Map<string, number[]>(reasons.map(({ reason }) => [reason, []]));
    const rounds = LOGIN_WARM_UP_ROUNDS + (settings.quick ? QUICK_LOGIN_ROUNDS : LOGIN_ROUNDS);
    for (let round = 0; round < rounds; round += 1) {
      showProgress("refused logins", round / rounds);
      for (const { reason, username, isBlocked } of reasons) {
        await client.query("DELETE FROM login_attempts");
        if (isBlocked)
          await client.query(
            `INSERT INTO login_attempts (username, network, failures, failed_at, blocked_until)
             VALUES (lower($1), '', 15, now(), now() + interval '1 hour')`,
            [username],
          );
        const body = JSON.stringify({ username, password: "not the password" });
        const headers = { "Content-Type": "application/json" };
        const nextRequest = () => ({ method: "POST", path: "/api/auth/login/", headers, body }) as const;
        const load = { worker, nextRequest, status: isBlocked ? 429 : 401, connections: 1 };
        const result = await sendRequests(load, 1);
        if (round >= LOGIN_WARM_UP_ROUNDS) times.get(reason)?.push(...result.times);
      }
    }
    const rows: RefusedLoginRow[] = [...times].map(([reason, all]) => ({ reason, ms: quartilesOf(all) }));
    return { rows };
  });
}
