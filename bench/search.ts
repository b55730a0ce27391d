import { withClient } from "../ops/command.ts";
import { logInCaller } from "./caller.ts";
import { measureLoad, quartilesOf, sendRequests } from "./measure.ts";
import type { SearchResult, SearchRow } from "./results.ts";
import { insertNamedPatients } from "./search-names.ts";
import type { BenchContext, BenchDatabase, BenchWorker } from "./servers.ts";

/** How many patients the account has. */
const [PATIENTS, QUICK_PATIENTS] = [1_000_000, 50_000];
/** The processor time of a process is counted in steps of 10 ms: 5 requests tell 2 ms apart. */
const [REQUESTS, ROUNDS] = [5, 3];
const [RARE_LIMIT, COMMON_LIMIT] = [30, 150];

/** What is searched for. At most one in a thousand patients has a rare name. */
const searches: [search: string, limit: number][] = [
  ["nosuchname", RARE_LIMIT],
  ["papadop", RARE_LIMIT],
  ["kaiulani papa", RARE_LIMIT],
  ["karanzalo", RARE_LIMIT],
  ["maria", COMMON_LIMIT],
  ["smith", COMMON_LIMIT],
  ["maria smi", COMMON_LIMIT],
  ["obrien", COMMON_LIMIT],
  ["m", COMMON_LIMIT],
  ["z", COMMON_LIMIT],
  ["王", COMMON_LIMIT],
  ["田中", COMMON_LIMIT],
];
const orders = ["sort=id", "sort=lastname", "sort=-created_at"];

/** Measures PostgreSQL's CPU for a search: in every order, the first and a later page, and with filters. */
export async function measureSearch(context: BenchContext): Promise<SearchResult> {
  const { servers, settings, showProgress } = context;
  const database = await servers.createDatabase({ patients: 1000 });
  const worker = await context.serveApi(database);
  const patients = settings.quick ? QUICK_PATIENTS : PATIENTS;
  showProgress(`adding ${patients} patients`, 0.02);
  await insertNamedPatients(database, database.accounts[1]?.id ?? 0, patients);
  const rows = await measureSearches(context, database, worker);
  return { patients, rows, indexMebibytes: await readIndexSize(database.ownerUrl) };
}

/** Measures each page of each search. */
async function measureSearches(
  context: BenchContext,
  database: BenchDatabase,
  worker: BenchWorker,
): Promise<SearchRow[]> {
  const { token } = await logInCaller(database, worker);
  const rows: SearchRow[] = [];
  for (const [i, [search, limit]] of searches.entries()) {
    context.showProgress(`searching ${search}`, 0.6 + (0.4 * i) / searches.length);
    const path = `/api/patients/?limit=50&search=${encodeURIComponent(search)}`;
    const later = await pageAfter(worker, token, `${path}&sort=id`, 10);
    const paths = {
      ...Object.fromEntries(orders.map((order) => [order, `${path}&${order}`])),
      "a page after 10 others": later,
      "gender=F": `${path}&gender=F&sort=lastname`,
      "min_age=99": `${path}&min_age=99&sort=lastname`,
    };
    for (const [name, path] of Object.entries(paths)) {
      if (path === undefined) continue;
      const cpu = await measurePostgresCpu(context, worker, token, path);
      rows.push({ search, page: name, limit, postgresCpu: quartilesOf(cpu) });
    }
  }
  return rows;
}

/** PostgreSQL's CPU per request in milliseconds, of several rounds. */
async function measurePostgresCpu(
  { servers, settings }: BenchContext,
  worker: BenchWorker,
  token: string,
  path: string,
): Promise<number[]> {
  const nextRequest = () => ({ path, headers: { Authorization: `Bearer ${token}` } });
  const load = { worker, nextRequest, status: 200, connections: 1 };
  await sendRequests(load, 2);
  const values: number[] = [];
  for (let round = 0; round < (settings.quick ? 1 : ROUNDS); round++)
    values.push((await measureLoad(servers, load, REQUESTS)).postgresCpu);
  return values;
}

/** The path of the page after `count` others; undefined when there are fewer. */
async function pageAfter(worker: BenchWorker, token: string, path: string, count: number) {
  let next: string | undefined = path;
  for (let page = 0; page < count && next !== undefined; page++) {
    const response: Response = await fetch(worker.origin + next, {
      headers: { Authorization: `Bearer ${token}` },
    });
    if (!response.ok) throw new Error(`A search returned ${response.status}.`);
    await response.arrayBuffer();
    next = /<([^>]+)>/.exec(response.headers.get("Link") ?? "")?.[1];
  }
  return next;
}

/** The size of the index of names, in MiB. */
const readIndexSize = (ownerUrl: string): Promise<number> =>
  withClient(ownerUrl, async (client) => {
    const { rows } = await client.query(
      "SELECT pg_relation_size('patients_name_tokens_idx') / 1048576.0 AS mebibytes",
    );
    return Number(rows[0].mebibytes);
  });
