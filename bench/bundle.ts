import { execFile } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const project = join(import.meta.dirname, "..");
const projectConfig = join(project, "wrangler.toml");
const configText = readFileSync(projectConfig, "utf8");

const readSetting = (name: string): string => new RegExp(`^${name} = (.+)`, "m").exec(configText)?.[1] ?? "";

/** A string in quotes, as in wrangler.toml. */
export const compatibilityDate = readSetting("compatibility_date");
/** A list of strings in brackets, as in wrangler.toml. */
export const compatibilityFlags = readSetting("compatibility_flags");

/** The names of the rate limiters' bindings. */
export const rateLimiterNames = [...configText.matchAll(/^\[\[ratelimits\]\]\s+name = "(.+)"/gm)].map(
  ([, name]) => name ?? "",
);

export interface Bundle {
  /** The file with all of the Worker's code. */
  code: string;
  /** esbuild's metafile. */
  meta: { outputs: Record<string, { inputs: Record<string, { bytesInOutput: number }> }> };
}

/** Runs Wrangler, without telemetry and colours. @returns its standard output */
export async function runWrangler(...args: string[]): Promise<string> {
  const cli = createRequire(import.meta.url).resolve("wrangler");
  const env = { ...process.env, WRANGLER_SEND_METRICS: "false", NO_COLOR: "1" };
  const { stdout } = await promisify(execFile)(process.execPath, [cli, ...args], { cwd: project, env });
  return stdout;
}

/** Builds what would be deployed, into `folder`. */
export const buildProduct = (folder: string): Promise<Bundle> => build("index", projectConfig, folder);

/** Builds the API without audit events, into `folder`: `without-audit.ts` replaces src/db/query/steps/audit.ts. */
export function buildWithoutAudit(folder: string): Promise<Bundle> {
  const replacement = join(import.meta.dirname, "without-audit.ts");
  const specifiers = importSpecifiersOf(join(project, "src", "db", "query", "audit.ts"));
  // Wrangler's aliases compare the text of an import. without-audit.ts imports the module by another text.
  const aliases = specifiers.flatMap((specifier) => ["--alias", `${specifier}:${replacement}`]);
  return build("index", projectConfig, folder, aliases);
}

/** Every text by which the modules of src/ import `module`. @throws when none does */
function importSpecifiersOf(module: string): string[] {
  const src = join(project, "src");
  const specifiers = readdirSync(src, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .flatMap((file) => {
      const imports = readFileSync(join(src, file), "utf8").matchAll(/ from "(\..+)";/g);
      const folder = join(src, dirname(file));
      return [...imports].flatMap(([, path = ""]) => (join(folder, path) === module ? [path] : []));
    });
  if (specifiers.length === 0) throw new Error(`No module imports ${module}. Has it moved?`);
  return [...new Set(specifiers)];
}

/** Builds the Worker bench/`name`.ts with the project's build settings, into `folder`. */
export function buildBenchWorker(name: string, folder: string): Promise<Bundle> {
  const config = `${folder}.toml`;
  const sharedSettings = ["compatibility_date", "compatibility_flags", "minify", "keep_names"];
  const lines = [
    `name = "bench"`,
    `main = "${join(import.meta.dirname, name)}.ts"`,
    ...sharedSettings.map((key) => `${key} = ${readSetting(key)}`),
  ];
  writeFileSync(config, lines.join("\n"));
  return build(name, config, folder);
}

async function build(name: string, config: string, folder: string, options: string[] = []): Promise<Bundle> {
  const meta = join(folder, "meta.json");
  const outputs = ["--outdir", folder, "--metafile", meta];
  await runWrangler("deploy", "--dry-run", "--config", config, ...outputs, ...options);
  return { code: join(folder, `${name}.js`), meta: JSON.parse(readFileSync(meta, "utf8")) };
}
