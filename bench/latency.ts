import { withClient } from "../ops/command.ts";
import { calibrate, drive, type Load, quantile, spread } from "./measure.ts";
import { type Kind, kindsOfWork, login, openScene, refusals, type Scene } from "./request-kinds.ts";
import type { Distance, Fill, Growth, Login } from "./results.ts";
import type { Bench, Database, Side } from "./servers.ts";

/** The sizes; the caller owns `largest` of the patients, the other accounts the same number each. */
const SIZES = [
  { patients: 1000, accounts: 10, largest: 500 },
  { patients: 100_000, accounts: 1000, largest: 60_000 },
  { patients: 1_000_000, accounts: 10_000, largest: 100_000 },
];
const GROWTH_ROUNDS = 9;
const GROWTH_REQUESTS = 20;
const LOGINS = 2;

/** One of the databases, with every kind of request to it, by its name. */
interface Scale {
  patients: number;
  loads: Map<string, { kind: Kind; load: Load }>;
}

/** How long requests take on one connection as the database grows, in turns between databases of all sizes. */
export async function measureGrowth(bench: Bench): Promise<{ rows: Growth[]; fill: Fill[] }> {
  const { servers, settings, step } = bench;
  const sizes = settings.quick ? SIZES.slice(0, 2) : SIZES;
  const people = sizes.reduce((sum, { patients }) => sum + patients, 0);
  const fill: Fill[] = [];
  const scales: Scale[] = [];
  for (const size of sizes) {
    const before = fill.reduce((sum, { patients }) => sum + patients, 0);
    const filling = (done: number) => step(`filling ${size.patients}`, (0.5 * (before + done)) / people);
    const start = performance.now();
    const database = await servers.fill(size, filling);
    const seconds = (performance.now() - start) / 1000;
    fill.push({ patients: size.patients, seconds, mebibytes: await sizeOf(database) });
    const side = await bench.serveProduct(database);
    const scene = await openScene(database, side);
    const kinds = [...kindsOfWork(scene), login(scene)];
    if (size.largest > 50_000) kinds.push(...(await thousandths(scene, side)));
    const loads = kinds.map((kind) => ({
      kind,
      load: { side, next: kind.product, status: kind.status, connections: 1 },
    }));
    scales.push({ patients: size.patients, loads: new Map(loads.map((load) => [load.kind.name, load])) });
  }
  const names = [...(scales.at(-1)?.loads.keys() ?? [])];
  const rows: Growth[] = [];
  for (const [place, name] of names.entries()) {
    step(`${name}, of many`, 0.5 + (0.5 * place) / names.length);
    rows.push(...(await takeTurns(scales, name, settings.quick ? 2 : GROWTH_ROUNDS)));
  }
  return { rows, fill };
}

async function takeTurns(scales: Scale[], name: string, rounds: number): Promise<Growth[]> {
  const turns = scales.flatMap(({ patients, loads }) => {
    const found = loads.get(name) ?? loads.get(name.replace(", thousandth", ""));
    return found ? [{ patients, medians: [] as number[], ...found }] : [];
  });
  const [amount, warmUp] = name === "login" ? [LOGINS, 0] : [GROWTH_REQUESTS, 0.1];
  for (const { kind, load } of turns) await calibrate(kind, load, warmUp);
  for (let round = 0; round < rounds; round += 1)
    for (const { kind, load, medians } of turns) {
      await kind.prepare?.(amount);
      medians.push(quantile((await drive(load, amount)).times, 0.5));
    }
  const smallest = turns[0]?.medians ?? [];
  return turns
    .filter(({ kind }) => kind.name === name)
    .map(({ patients, medians }) => ({
      kind: name,
      patients,
      p50: spread(medians),
      ratio: spread(medians.map((median, round) => median / (smallest[round] ?? Number.NaN))),
    }));
}

/** In MiB. */
const sizeOf = (database: Database): Promise<number> =>
  withClient(database.ownerUrl, async (client) => {
    const { rows } = await client.query("SELECT pg_database_size(current_database()) / 1048576 AS mebibytes");
    return Number(rows[0].mebibytes);
  });

/** The thousandth pages of 50, of patients and of assignments. */
async function thousandths(scene: Scene, side: Side): Promise<Kind[]> {
  const headers = { Authorization: `Bearer ${scene.token}` };
  const kinds = [
    { name: "page of 50, thousandth", path: "/api/patients/" },
    { name: "50 assignments, thousandth", path: "/api/mappings/" },
  ].map(async ({ name, path }): Promise<Kind> => {
    const cursor = await cursorAfter(999 * 50, `${side.origin}${path}`, headers);
    const request = { path: `${path}?limit=50&cursor=${cursor}`, headers };
    return { name, status: 200, asks: 1, product: () => request, floor: () => request };
  });
  return Promise.all(kinds);
}

/** The cursor after so many records of a list, by following the API's own links: it alone knows what is in one. */
async function cursorAfter(records: number, url: string, headers: Record<string, string>): Promise<string> {
  let cursor = "";
  for (let left = records; left > 0; left -= 200) {
    const response = await fetch(`${url}?limit=${Math.min(200, left)}${cursor && `&cursor=${cursor}`}`, {
      headers,
    });
    await response.arrayBuffer();
    const next = /<(.+)>; rel="next"/.exec(response.headers.get("Link") ?? "")?.[1] ?? "";
    cursor = encodeURIComponent(URL.parse(next, url)?.searchParams.get("cursor") ?? "");
    if (!cursor) throw new Error(`${url} has no thousandth page (${response.status})`);
  }
  return cursor;
}

/** What is put before each request to the database, in milliseconds. */
const DELAYS = [0, 25, 75, 150];
const DISTANCE_ROUNDS = 3;
const DISTANCE_REQUESTS = 3;

/** How long requests take, one after another, with the database farther and farther away. */
export async function measureDistance({ servers, serveProduct, settings, step }: Bench) {
  const database = await servers.fill({ patients: 1000 });
  const side = await serveProduct(database);
  const scene = await openScene(database, side);
  const kinds = [...kindsOfWork(scene), login(scene), ...refusals(scene)];
  const rows: Distance[] = [];
  for (const [place, kind] of kinds.entries()) {
    step(`${kind.name}, from afar`, place / kinds.length);
    const load = { side, next: kind.product, status: kind.status, connections: 1 };
    await side.delay(0);
    await calibrate(kind, load, 0.1);
    const fastest = new Map<number, number>();
    for (let round = 0; round < (settings.quick ? 1 : DISTANCE_ROUNDS); round += 1)
      for (const delay of DELAYS) {
        await side.delay(delay);
        await kind.prepare?.(DISTANCE_REQUESTS);
        const { times } = await drive(load, DISTANCE_REQUESTS);
        fastest.set(delay, Math.min(...times, fastest.get(delay) ?? Number.POSITIVE_INFINITY));
      }
    for (const [delay, ms] of fastest) rows.push({ kind: kind.name, asks: kind.asks, delay, ms });
  }
  return { rows };
}

const [LOGIN_ROUNDS, QUICK_LOGIN_ROUNDS] = [30, 3];
/** How many requests of each are sent before: the first ones find nothing prepared. */
const WARM_UP = 3;
const NOBODY = "nobody.of.that.name";

/** How long a login takes that is refused, for whatever reason: one after another, the reasons in turns. */
export async function measureLogins({ servers, serveProduct, settings, step }: Bench) {
  const database = await servers.fill({ patients: 10, accounts: 3 });
  const side = await serveProduct(database);
  const [, known] = database.accounts;
  if (!known) throw new Error("There is no account to log in to.");
  return withClient(database.ownerUrl, async (client) => {
    const { rows: others } = await client.query(
      "UPDATE users SET active = false WHERE id <> ALL ($1) RETURNING username",
      [database.accounts.map(({ id }) => id)],
    );
    const reasons = [
      { reason: "a wrong password", username: known.username, isBlocked: false },
      { reason: "no such account", username: NOBODY, isBlocked: false },
      { reason: "disabled", username: String(others[0]?.username), isBlocked: false },
      { reason: "too many failures", username: known.username, isBlocked: true },
      { reason: "too many failures, no such account", username: NOBODY, isBlocked: true },
    ];
    const times = new Map<string, number[]>(reasons.map(({ reason }) => [reason, []]));
    const rounds = WARM_UP + (settings.quick ? QUICK_LOGIN_ROUNDS : LOGIN_ROUNDS);
    for (let round = 0; round < rounds; round += 1) {
      step("refused logins", round / rounds);
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
        const next = () => ({ method: "POST", path: "/api/auth/login/", headers, body }) as const;
        const taken = await drive({ side, next, status: isBlocked ? 429 : 401, connections: 1 }, 1);
        if (round >= WARM_UP) times.get(reason)?.push(...taken.times);
      }
    }
    const rows: Login[] = [...times].map(([reason, all]) => ({ reason, ms: spread(all) }));
    return { rows };
  });
}
