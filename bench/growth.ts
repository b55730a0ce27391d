import { withClient } from "../ops/command.ts";
import { type BenchCaller, logInCaller } from "./caller.ts";
import { measureP50InTurns, singleConnectionLoad } from "./latency.ts";
import { quartilesOf } from "./measure.ts";
import { acceptedRequestKinds } from "./other-request-kinds.ts";
import type { RequestKind } from "./request-kinds.ts";
import type { DemoDatabase, GrowthRow } from "./results.ts";
import type { BenchContext, BenchDatabase, BenchWorker } from "./servers.ts";

/** The caller owns `largest` of the patients. The other accounts own the same number each. */
const SMALL = { patients: 1000, accounts: 10, largest: 500 };
const LARGE = { patients: 1_000_000, accounts: 10_000, largest: 100_000 };
const QUICK_LARGE = { patients: 100_000, accounts: 1000, largest: 60_000 };
const [GROWTH_ROUNDS, QUICK_GROWTH_ROUNDS] = [9, 2];
const GROWTH_REQUESTS = 20;
const GROWTH_LOGINS = 2;
const PAGE_1000 = ", page 1000";

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
  const sizes = [SMALL, settings.quick ? QUICK_LARGE : LARGE];
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
    return { patients, kind, load: singleConnectionLoad(kind, worker) };
  });
  const [count, warmUpSeconds] = name === "login" ? [GROWTH_LOGINS, 0] : [GROWTH_REQUESTS, 0.1];
  const medians = await measureP50InTurns(series, { count, rounds, warmUpSeconds });
  return series.flatMap(({ kind, patients }, i) => {
    const [smallest = [], own = []] = [medians[0], medians[i]];
    const ratios = own.map((median, round) => median / (smallest[round] ?? Number.NaN));
    return kind.name === name
      ? [{ kind: name, patients, p50: quartilesOf(own), ratio: quartilesOf(ratios) }]
      : [];
  });
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
