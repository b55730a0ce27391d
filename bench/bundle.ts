import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { promisify } from "node:util";

/** This checkout. */
const ownProject = join(import.meta.dirname, "..");

/** What workerd has to know of a Worker besides its code, from wrangler.toml. */
export interface WorkerConfig {
  /** A string in quotes. */
  compatibilityDate: string;
  /** A list of strings in brackets. */
  compatibilityFlags: string;
  /** The names of the rate limiters' bindings. */
  rateLimiterNames: string[];
}

const readConfigText = (project: string): string => readFileSync(join(project, "wrangler.toml"), "utf8");

const readSetting = (configText: string, name: string): string =>
  new RegExp(`^${name} = (.+)`, "m").exec(configText)?.[1] ?? "";

/** Reads the wrangler.toml of a checkout; by default that of this one. */
export function readWorkerConfig(project = ownProject): WorkerConfig {
  const text = readConfigText(project);
  const rateLimiters = text.matchAll(/^\[\[ratelimits\]\]\s+name = "(.+)"/gm);
  return {
    compatibilityDate: readSetting(text, "compatibility_date"),
    compatibilityFlags: readSetting(text, "compatibility_flags"),
    rateLimiterNames: [...rateLimiters].map(([, name = ""]) => name),
  };
}

export interface Bundle {
  /** The file with all of the Worker's code. */
  code: string;
  /** esbuild's metafile. */
  meta: { outputs: Record<string, { inputs: Record<string, { bytesInOutput: number }> }> };
  config: WorkerConfig;
}

/** Runs Wrangler in a checkout, without telemetry and colours. @returns its standard output */
export async function runWrangler(args: string[], project = ownProject): Promise<string> {
  const cli = createRequire(import.meta.url).resolve("wrangler");
  const env = { ...process.env, WRANGLER_SEND_METRICS: "false", NO_COLOR: "1" };
  const { stdout } = await promisify(execFile)(process.execPath, [cli, ...args], {
    cwd: project,
    env,
  });
  return stdout;
}

/** Builds what would be deployed of a checkout, into `folder`. */
export const buildProduct = (folder: string, project = ownProject): Promise<Bundle> =>
  build("index", { configFile: join(project, "wrangler.toml"), folder, project });

/** Builds the Worker bench/`name`.ts with the project's build settings, into `folder`. */
export function buildBenchWorker(name: string, folder: string): Promise<Bundle> {
  const configFile = `${folder}.toml`;
  const configText = readConfigText(ownProject);
  const sharedSettings = ["compatibility_date", "compatibility_flags", "minify", "keep_names"];
  const lines = [
    `name = "bench"`,
    `main = "${join(import.meta.dirname, name)}.ts"`,
    ...sharedSettings.map((key) => `${key} = ${readSetting(configText, key)}`),
  ];
  writeFileSync(configFile, lines.join("\n"));
  return build(name, { configFile, folder, project: ownProject });
}

async function build(
  name: string,
  { configFile, folder, project }: { configFile: string; folder: string; project: string },
): Promise<Bundle> {
  const meta = join(folder, "meta.json");
  const options = ["--config", configFile, "--outdir", folder, "--metafile", meta];
  await runWrangler(["deploy", "--dry-run", ...options], project);
  return {
    code: join(folder, `${name}.js`),
    meta: JSON.parse(readFileSync(meta, "utf8")),
    config: readWorkerConfig(project),
  };
}
