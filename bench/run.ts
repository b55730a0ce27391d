import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { hash } from "bcryptjs";
import { Presets, SingleBar } from "cli-progress";
import { runAsCommand } from "../ops/command.ts";
import { listBudgets } from "./budgets.ts";
import { buildBenchWorker, buildProduct } from "./bundle.ts";
import { measureAudit, measureCost } from "./cost.ts";
import { measureDistance, measureGrowth, measureLogins } from "./latency.ts";
import { renderTables, writeReport } from "./report.ts";
import type { BenchResults } from "./results.ts";
import { type BenchContext, type BenchDatabase, type BenchServers, startServers } from "./servers.ts";
import { measureSoak, measureStart } from "./start-and-soak.ts";

const usage = `Usage: npm run bench -- [options]

  --only cost|audit|growth|distance|start|soak|logins   measure one part; repeat it for several
  --rounds 11   how often each kind of request is measured, in turns with the baseline
  --seconds 0.3 the minimum time of one measurement
  --events 3e5  the number of audit events when requests are measured with a full audit log
  --quick       a short run of everything, to see that it works; writes no files
  --json        print the results as JSON

Writes bench/results.json, the tables in bench/README.md and the plots, except with --quick. Needs Linux.`;

const parts = {
  start: measureStart,
  cost: measureCost,
  audit: measureAudit,
  distance: measureDistance,
  soak: measureSoak,
  logins: measureLogins,
  growth: measureGrowth,
};
type PartName = keyof typeof parts;

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

function readArguments() {
  const { values } = parseArgs({
    options: {
      only: { type: "string", multiple: true },
      rounds: { type: "string" },
      seconds: { type: "string" },
      events: { type: "string" },
      quick: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const isPart = (name: string): name is PartName => Object.hasOwn(parts, name);
  const rounds = Number(values.rounds ?? (values.quick ? 2 : 11));
  const seconds = Number(values.seconds ?? (values.quick ? 0.2 : 0.3));
  const events = Number(values.events ?? (values.quick ? 1e4 : 3e5));
  const only = values.only ?? Object.keys(parts);
  if (values.help || !only.every(isPart) || !(rounds >= 1) || !(seconds > 0) || !(events >= 1))
    throw new Error(usage);
  return {
    only: only.filter(isPart),
    rounds: Math.round(rounds),
    seconds,
    events: Math.round(events),
    quick: values.quick,
    json: values.json,
  };
}

/** Measures the parts in `only`, one after another. Stops all servers at the end, also after an `interruption`. */
async function measureParts(
  only: PartName[],
  settings: BenchContext["settings"],
  showProgress: (done: number, task: string) => void,
  interruption: Promise<never>,
): Promise<BenchResults> {
  await using servers = await startServers();
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
      const { password = "", id = 0 } = database.accounts[1] ?? {};
      const bindings = { OWNER_ID: id, PASSWORD: password, PASSWORD_HASH: await hash(password, 10) };
      return servers.serveWorker(baselineBundle, database, bindings);
    },
  };
}

/** Date, commit, machine and software of this measurement. */
function describeEnvironment({ postgresVersion }: BenchServers): Record<string, string> {
  const git = spawnSync("git", ["describe", "--always", "--dirty"], {
    cwd: import.meta.dirname,
    encoding: "utf8",
  });
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: git.stdout?.trim() || "unknown",
    machine: `${cpus().length} × ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}`,
    software: `Node ${process.versions.node}, PostgreSQL ${postgresVersion}`,
  };
}

/** Formats the results as JSON, with each row on one line. */
function formatResults(results: BenchResults): string {
  const rows: string[] = [];
  const json = JSON.stringify(
    results,
    (key, value) =>
      key === "rows"
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
