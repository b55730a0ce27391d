import { kindsOfWork, login, openScene, refusals } from "./kinds.ts";
import { calibrate, drive } from "./measure.ts";
import type { Distance } from "./results.ts";
import type { Bench } from "./servers.ts";

/** What is put before each request to the database, in milliseconds. */
const DELAYS = [0, 25, 75, 150];
const ROUNDS = 3;
const REQUESTS = 3;

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
    for (let round = 0; round < (settings.quick ? 1 : ROUNDS); round += 1)
      for (const delay of DELAYS) {
        await side.delay(delay);
        await kind.prepare?.(REQUESTS);
        const { times } = await drive(load, REQUESTS);
        fastest.set(delay, Math.min(...times, fastest.get(delay) ?? Number.POSITIVE_INFINITY));
      }
    for (const [delay, ms] of fastest) rows.push({ kind: kind.name, asks: kind.asks, delay, ms });
  }
  return { rows };
}
