import { join } from "node:path";
import { withClient } from "../ops/command.ts";
import { buildUnrecorded } from "./bundle.ts";
import { type Pair, spreads, takeTurns } from "./cost.ts";
import { type Kind, kindsOfWork, openScene } from "./kinds.ts";
import type { Load } from "./measure.ts";
import { BUDGET_CONNECTIONS, type Recorded } from "./results.ts";
import type { Bench, Database, Side } from "./servers.ts";

/** The kinds that are looked at: they put one patient, fifty and two hundred of them on record, and what has changed. */
const KINDS = ["one patient", "page of 50", "page of 200", "create", "change"];
const PATIENTS = 1000;

/**
 * What it costs to put a request on record: the Worker beside one that does all but that, on the same database, in turns;
 * while there is little on record, and when there are `events`.
 */
export async function measureRecord(bench: Bench): Promise<{ rows: Recorded[] }> {
  const { servers, settings, step } = bench;
  const database = await servers.fill({ patients: PATIENTS });
  const product = await bench.serveProduct(database);
  const bundle = await buildUnrecorded(join(servers.folder, "unrecorded"));
  const unrecorded = await bench.serveProduct(database, bundle);
  const rows: Recorded[] = [];
  for (const events of [0, settings.events]) {
    step(`putting ${events} events on record`, events > 0 ? 0.3 : 0);
    await fill(database, events);
    const kinds = kindsOfWork(await openScene(database, product)).filter(({ name }) => KINDS.includes(name));
    for (const kind of kinds) {
      step(
        `${kind.name}, beside ${events} events`,
        (events > 0 ? 0.7 : 0) + (0.3 * kinds.indexOf(kind)) / kinds.length,
      );
      const loads = [loadOf(kind, product), loadOf(kind, unrecorded)] as const;
      const pairs = await takeTurns(servers, kind, loads, Math.ceil(settings.rounds / 2), settings.seconds);
      rows.push({ kind: kind.name, events, ...sides(pairs) });
    }
  }
  return { rows };
}

const loadOf = (kind: Kind, side: Side): Load => ({
  side,
  next: kind.product,
  status: kind.status,
  connections: BUDGET_CONNECTIONS,
});

const sides = (pairs: Pair[]) => ({
  recorded: spreads(pairs.map(({ product }) => product)),
  unrecorded: spreads(pairs.map(({ floor }) => floor)),
});

/** Events of ten thousand accounts about a million patients, a tenth of them about fifty at once. */
const fill = ({ ownerUrl }: Database, events: number): Promise<unknown> =>
  withClient(ownerUrl, async (client) => {
    await client.query(
      `INSERT INTO audit_events (account_id, username, role, session_id, action, outcome, patients, address, request_id)
       SELECT n % 10000, 'somebody', 'clinician', gen_random_uuid(), CASE WHEN n % 10 = 0 THEN 'list' ELSE 'read' END, 'done',
         ARRAY(SELECT (n * 7919::bigint + one * 37) % 1000000 FROM generate_series(1, CASE WHEN n % 10 = 0 THEN 50 ELSE 1 END) one),
         '203.0.113.7', gen_random_uuid()
       FROM generate_series(1, $1::int) n`,
      [events],
    );
    await client.query("ANALYZE audit_events");
    await client.query("CHECKPOINT");
  });
