import { randomBytes, randomUUID } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { hash } from "bcryptjs";
import { Presets, SingleBar } from "cli-progress";
import { runAsCommand } from "../ops/command.ts";
import { type PartName, readArguments } from "./arguments.ts";
import { measureAudit } from "./audit-log.ts";
import { measureBooking } from "./booking.ts";
import { listBudgets } from "./budgets.ts";
import { buildBenchWorker, buildProduct } from "./bundle.ts";
import { measureCost } from "./cost.ts";
import { measureDistance } from "./distance.ts";
import { measureGrowth } from "./growth.ts";
import { measureLogins } from "./logins.ts";
import { renderTables, writeReport } from "./report.ts";
import type { BenchResults } from "./results.ts";
import { measureSearch } from "./search.ts";
import {
  type BenchContext,
  type BenchDatabase,
  type BenchServers,
  describeCommit,
  startServers,
} from "./servers.ts";
import { measureSoak, measureStart } from "./start-and-soak.ts";
import { measureVersions } from "./versions.ts";

const parts = {
  start: measureStart,
  cost: measureCost,
  audit: measureAudit,
  distance: measureDistance,
  soak: measureSoak,
  logins: measureLogins,
  growth: measureGrowth,
  search: measureSearch,
  booking: measureBooking,
  versions: measureVersions,
} satisfies Record<PartName, unknown>;

const resultsFile = join(import.meta.dirname, "results.json");

await runAsCommand(async () => {
  if (process.platform !== "linux")
    throw new Error("The benchmark needs Linux: it reads CPU and memory from /proc.");
  const { only, json, ...settings } = readArguments();
  const interruption = new Promise<never>((_, reject) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
      process.once(signal, () => reject(new Error("Stopped. No files were written.")));
  });
  interruption.catch(() => {}); // the signal may come before anything awaits this promise
  const bar = new SingleBar({ format: "{bar} {percentage} %  {duration_formatted}  {task}" }, Presets.rect);
  bar.start(only.length, 0, { task: "building" });
  const showProgress = (done: number, task: string) => bar.update(done, { task });
  const results = await measureParts(only, settings, showProgress, interruption).finally(() => bar.stop());
  if (!settings.quick) {
    const allResults: BenchResults = { ...readLastResults(), ...results };
    writeFileSync(resultsFile, formatResults(allResults));
    writeReport(allResults);
  }
  if (json) console.log(JSON.stringify(results, roundNumber, 2));
  else console.log(settings.quick ? renderTables(results) : "The tables are in bench/README.md.");
  const overBudget = listBudgets(results).filter(({ isMet }) => !isMet);
  if (overBudget.length === 0) return;
  const lines = overBudget.map(({ name, limit, value }) => `  ${name}: ${value.toFixed(2)}, limit ${limit}`);
  throw new Error(`Over budget:\n${lines.join("\n")}`);
});
// After an interruption, autocannon would go on sending requests to a server that has stopped.
process.exit();

/** Measures the parts in `only`, one after another. Stops all servers at the end, also after an `interruption`. */
async function measureParts(
  only: PartName[],
  settings: BenchContext["settings"],
  showProgress: (done: number, task: string) => void,
  interruption: Promise<never>,
): Promise<BenchResults> {
  // The table of a million patients has 350 MB. With the default of 128 MB, half of a common search is reading it again.
  await using servers = await startServers(only.includes("search") ? "1GB" : undefined);
  const measureAll = async (): Promise<BenchResults> => {
    const workers = await buildWorkers(servers);
    const environment = describeEnvironment(servers);
    const results: BenchResults = {};
    for (const [i, part] of only.entries()) {
      const context: BenchContext = {
        servers,
        settings,
        ...workers,
        showProgress: (task, done) => showProgress(i + done, task),
      };
      Object.assign(results, { [part]: { environment, ...(await parts[part](context)) } });
    }
    return results;
  };
  return await Promise.race([measureAll(), interruption]);
}

/** Builds the API and the baseline. @returns the bundles, and functions that serve them with their bindings */
async function buildWorkers(servers: BenchServers) {
  const apiBundle = await buildProduct(join(servers.folder, "api"));
  const baselineBundle = await buildBenchWorker("baseline", join(servers.folder, "baseline"));
  // The same secret for all Workers, so that each accepts the tokens of the others.
  const JWT_SECRET = randomBytes(32).toString("base64url");
  return {
    apiBundle,
    baselineBundle,
    serveApi: (database: BenchDatabase, bundle = apiBundle) =>
      servers.serveWorker(bundle, database, { JWT_SECRET, DATABASE_TIMEOUT_MS: 60_000 }),
    async serveBaseline(database: BenchDatabase) {
      const { id = 0, username = "", password = "" } = database.accounts[1] ?? {};
      const bindings = {
        OWNER_ID: id,
        USERNAME: username,
        SESSION_ID: randomUUID(),
        PASSWORD: password,
        PASSWORD_HASH: await hash(password, 10),
      };
      return servers.serveWorker(baselineBundle, database, bindings);
    },
  };
}

/** Date, commit, machine and software of this measurement. */
function describeEnvironment({ postgresVersion }: BenchServers): Record<string, string> {
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: describeCommit(import.meta.dirname),
    machine: `${cpus().length} × ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}`,
    software: `Node ${process.versions.node}, PostgreSQL ${postgresVersion}`,
  };
}

/** Formats the results as JSON, with each row of `rows` and `patientRows` on one line. */
function formatResults(results: BenchResults): string {
  const rows: string[] = [];
  const json = JSON.stringify(
    results,
    (key, value) =>
      /^(rows|patientRows)$/.test(key)
        ? value.map((row: unknown) => `row ${rows.push(JSON.stringify(row, roundNumber)) - 1}`)
        : roundNumber(key, value),
    2,
  );
  return `${json.replaceAll(/"row (\d+)"/g, (_, index) => rows[index] ?? "")}\n`;
}

/** A replacer for JSON.stringify that keeps six significant digits. */
function roundNumber(_: string, value: unknown): unknown {
  return typeof value === "number" ? Number(value.toPrecision(6)) : value;
}

function readLastResults(): BenchResults {
  return existsSync(resultsFile) ? JSON.parse(readFileSync(resultsFile, "utf8")) : {};
}
