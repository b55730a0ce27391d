import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { promisify } from "node:util";

const project = join(import.meta.dirname, "..");
const config = readFileSync(join(project, "wrangler.toml"), "utf8");

const setting = (name: string): string => new RegExp(`^${name} = (.+)`, "m").exec(config)?.[1] ?? "";

/** What the runtime is to behave like, as wrangler.toml writes it: a text, and a list of texts. */
export const compatibilityDate = setting("compatibility_date");
export const compatibilityFlags = setting("compatibility_flags");

/** The names of the rate limiters' bindings. */
export const limiters = [...config.matchAll(/^\[\[ratelimits\]\]\s+name = "(.+)"/gm)].map(
  ([, name]) => name ?? "",
);

export interface Bundle {
  /** The file with all of the Worker's code. */
  code: string;
  /** What esbuild tells of it. */
  meta: { outputs: Record<string, { inputs: Record<string, { bytesInOutput: number }> }> };
}

/** Runs Wrangler, without its curiosity and its advice. @returns what it says */
export async function wrangler(...args: string[]): Promise<string> {
  const cli = createRequire(import.meta.url).resolve("wrangler");
  const env = { ...process.env, WRANGLER_SEND_METRICS: "false", NO_COLOR: "1" };
  const { stdout } = await promisify(execFile)(process.execPath, [cli, ...args], { cwd: project, env });
  return stdout;
}

/** Builds what would be deployed, into `folder`. */
export const buildProduct = (folder: string): Promise<Bundle> =>
  build("index", join(project, "wrangler.toml"), folder);

/** Builds the same but for the record: `without-audit.ts` stands in for what puts a request there. */
export function buildUnrecorded(folder: string): Promise<Bundle> {
  const own = join(import.meta.dirname, "without-audit.ts");
  // As the modules of src/ name it, which is not how without-audit.ts does.
  const aliases = ["./audit.ts", "../db/audit.ts"].flatMap((name) => ["--alias", `${name}:${own}`]);
  return build("index", join(project, "wrangler.toml"), folder, aliases);
}

/** Builds the bench's own Worker `name`.ts into `folder` as it would be deployed. */
export function buildOwn(name: string, folder: string): Promise<Bundle> {
  const own = `${folder}.toml`;
  const same = ["compatibility_date", "compatibility_flags", "minify", "keep_names"];
  const lines = [`name = "bench"`, `main = "${join(import.meta.dirname, name)}.ts"`];
  writeFileSync(own, [...lines, ...same.map((key) => `${key} = ${setting(key)}`)].join("\n"));
  return build(name, own, folder);
}

async function build(name: string, config: string, folder: string, more: string[] = []): Promise<Bundle> {
  const meta = join(folder, "meta.json");
  await wrangler("deploy", "--dry-run", "--config", config, "--outdir", folder, "--metafile", meta, ...more);
  return { code: join(folder, `${name}.js`), meta: JSON.parse(readFileSync(meta, "utf8")) };
}
