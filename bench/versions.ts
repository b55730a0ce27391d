import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { buildProduct } from "./bundle.ts";
import { logInCaller } from "./caller.ts";
import { COST_PATIENTS } from "./cost.ts";
import { disableAutovacuum, runMaintenance } from "./maintenance.ts";
import { dataRequestKinds } from "./request-kinds.ts";
import { BUDGET_CONNECTIONS, type VersionsRow } from "./results.ts";
import { type BenchContext, type DatabaseTools, describeCommit } from "./servers.ts";
import { apiLoad, measureInTurns, metricQuartiles, ratioQuartiles } from "./turns.ts";

const VERSIONS_KINDS = ["get a patient", "list 50 patients", "update a patient"];
/** More than for the costs, because the ratios of few rounds have no quartiles worth showing. */
const VERSIONS_ROUNDS = 7;

/**
 * Measures this version and an earlier one in turns. Each has its own bundle and its own database, which its own
 * migrations made, on the same server. Both send their statements to the endpoint of this version: it stands for
 * Neon's proxy, which does not change with the API.
 */
export async function measureVersions(context: BenchContext): Promise<{ base: string; rows: VersionsRow[] }> {
  const { servers, settings, showProgress } = context;
  const base = resolve(settings.base ?? "");
  requireCheckout(base);
  showProgress("building the earlier version", 0);
  const earlierBundle = await buildProduct(
    join(servers.folder, `earlier-${randomBytes(4).toString("hex")}`),
    base,
  );
  const versions = [];
  for (const { tools, bundle } of [
    { tools: await importTools(base), bundle: earlierBundle },
    { tools: undefined, bundle: context.apiBundle },
  ]) {
    const database = await servers.createDatabase({ patients: COST_PATIENTS }, undefined, tools);
    await disableAutovacuum(database);
    const worker = await context.serveApi(database, bundle);
    const kinds = dataRequestKinds(await logInCaller(database, worker));
    versions.push({ database, worker, kinds });
  }
  const rows: VersionsRow[] = [];
  for (const [i, name] of VERSIONS_KINDS.entries()) {
    showProgress(`${name}, earlier and current version`, i / VERSIONS_KINDS.length);
    for (const { database } of versions) await runMaintenance(database);
    const loads = versions.flatMap(({ worker, kinds }) =>
      kinds.filter((kind) => kind.name === name).map((kind) => apiLoad(kind, worker, BUDGET_CONNECTIONS)),
    );
    const rounds = settings.quick ? settings.rounds : Math.max(settings.rounds, VERSIONS_ROUNDS);
    const [earlier = [], current = []] = await measureInTurns(servers, loads, {
      rounds,
      seconds: settings.seconds,
    });
    rows.push({
      kind: name,
      earlier: metricQuartiles(earlier),
      current: metricQuartiles(current),
      ratios: {
        requestsPerSecond: ratioQuartiles(current, earlier, "requestsPerSecond"),
        postgresCpu: ratioQuartiles(current, earlier, "postgresCpu"),
        workerCpu: ratioQuartiles(current, earlier, "workerCpu"),
      },
    });
  }
  return { base: describeCommit(base), rows };
}

/** @throws an error that says what to do */
function requireCheckout(base: string): void {
  if (!existsSync(join(base, "wrangler.toml")))
    throw new Error(`--base ${base} is no checkout of this project: it has no wrangler.toml.`);
  if (!existsSync(join(base, "node_modules")))
    throw new Error(`--base ${base} has no node_modules: run npm ci there first.`);
}

/** The functions of another checkout that make a database of its version. */
async function importTools(base: string): Promise<DatabaseTools> {
  const { migrate } = await import(join(base, "ops", "migrate.ts"));
  const { createRole } = await import(join(base, "ops", "role.ts"));
  const { fillDemo } = await import(join(base, "local", "demo.ts"));
  return { migrate, createRole, fillDemo };
}
