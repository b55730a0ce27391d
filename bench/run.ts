import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { hash } from "bcryptjs";
import { Presets, SingleBar } from "cli-progress";
import { runAsCommand } from "../ops/command.ts";
import { buildOwn, buildProduct } from "./bundle.ts";
import { measureCost, measureRecord } from "./cost.ts";
import { measureDistance, measureGrowth, measureLogins } from "./latency.ts";
import { report, tablesOf } from "./report.ts";
import { budgets, type Results } from "./results.ts";
import { type Bench, type Database, type Servers, startServers } from "./servers.ts";
import { measureSoak, measureStart } from "./start-and-soak.ts";

const usage = `Usage: npm run bench -- [options]

  --only cost|record|growth|distance|start|soak|logins   one part; several: repeat it
  --rounds 11   how often each kind is measured, in turns with the floor
  --seconds 0.3 how long each time, at least
  --events 3e5  how many events are on record when requests are measured with the record full
  --quick       all of it in a minute or two, to see that it works; says little
  --json        the results to standard output

Writes bench/results.json, the tables of bench/README.md and the plots, unless it is quick. Needs Linux.`;

const parts = {
  start: measureStart,
  cost: measureCost,
  record: measureRecord,
  distance: measureDistance,
  soak: measureSoak,
  logins: measureLogins,
  growth: measureGrowth,
};
type Part = keyof typeof parts;

const resultsFile = join(import.meta.dirname, "results.json");

await runAsCommand(async () => {
  if (process.platform !== "linux")
    throw new Error("The bench reads CPU and memory from /proc: it needs Linux.");
  const { only, json, ...settings } = readArguments();
  const stopped = new Promise<never>((_, reject) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
      process.once(signal, () => reject(new Error("Stopped; nothing was written.")));
  });
  stopped.catch(() => {}); // it may come before anybody listens
  const bar = new SingleBar({ format: "{bar} {percentage} %  {duration_formatted}  {what}" }, Presets.rect);
  bar.start(only.length, 0, { what: "building" });
  const measured = measureParts(only, settings, (done, what) => bar.update(done, { what }), stopped);
  const results = await measured.finally(() => bar.stop());
  const all: Results = settings.quick ? results : { ...lastResults(), ...results };
  if (!settings.quick) {
    writeFileSync(resultsFile, inLines(all));
    report(all);
  }
  if (json) console.log(JSON.stringify(results, short, 2));
  else console.log(settings.quick ? tablesOf(results) : "The tables are in bench/README.md.");
  const missed = budgets(results).filter(({ met }) => !met);
  if (missed.length === 0) return;
  const lines = missed.map(({ what, limit, value }) => `  ${what}: ${value.toFixed(2)}, budget ${limit}`);
  throw new Error(`Over budget:\n${lines.join("\n")}`);
});
// When it was stopped, autocannon would go on for ever against what is no longer there.
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
  const isPart = (name: string): name is Part => Object.hasOwn(parts, name);
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

/** Everything that is started ends with it, also when `stopped` rejects in between. */
async function measureParts(
  only: Part[],
  settings: Bench["settings"],
  progress: (done: number, what: string) => void,
  stopped: Promise<never>,
): Promise<Results> {
  await using servers = await startServers();
  const work = async (): Promise<Results> => {
    const product = await buildProduct(join(servers.folder, "product"));
    const floor = await buildOwn("baseline", join(servers.folder, "floor"));
    // The same for all: a token of one is good for the others.
    const JWT_SECRET = randomBytes(32).toString("base64url");
    const serveProduct = (database: Database, bundle = product) =>
      servers.serve(bundle, database, {
        JWT_SECRET,
        DATABASE_TIMEOUT_MS: 60_000,
      });
    const serveFloor = async (database: Database) => {
      const { password = "", id = 0 } = database.accounts[1] ?? {};
      const hashed = await hash(password, 10);
      return servers.serve(floor, database, { OWNER: id, PASSWORD: password, PASSWORD_HASH: hashed });
    };
    const measured = circumstances(servers);
    const results: Results = {};
    for (const [i, part] of only.entries()) {
      const bench: Bench = {
        servers,
        settings,
        product,
        floor,
        serveProduct,
        serveBoth: async (database) => ({
          product: await serveProduct(database),
          floor: await serveFloor(database),
        }),
        step: (what, done) => progress(i + done, what),
      };
      Object.assign(results, { [part]: { measured, ...(await parts[part](bench)) } });
    }
    return results;
  };
  return await Promise.race([work(), stopped]);
}

function circumstances({ postgresVersion }: Servers): Record<string, string> {
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

/** As JSON, each row on a line of its own. */
function inLines(results: Results): string {
  const rows: string[] = [];
  const json = JSON.stringify(
    results,
    (key, value) =>
      key === "rows"
        ? value.map((row: unknown) => `row ${rows.push(JSON.stringify(row, short)) - 1}`)
        : short(key, value),
    2,
  );
  return `${json.replaceAll(/"row (\d+)"/g, (_, place) => rows[place] ?? "")}\n`;
}

/** No more digits than mean something. */
function short(_: string, value: unknown): unknown {
  return typeof value === "number" ? Number(value.toPrecision(6)) : value;
}

function lastResults(): Partial<Results> {
  return existsSync(resultsFile) ? JSON.parse(readFileSync(resultsFile, "utf8")) : {};
}
