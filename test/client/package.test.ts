import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { serve } from "../../bench/workerd.ts";
import { serveApi } from "../support/serve-api.ts";
import { newPatient, signUp, unique } from "./support.ts";

const MAX_BYTES = 8 * 1024;
const root = join(import.meta.dirname, "..", "..");
const run = promisify(execFile);

const served = await serveApi();
/** The project of somebody who has installed the packed client. */
const project = mkdtempSync(join(tmpdir(), "hospital-consumer-"));

beforeAll(async () => {
  const packed = await run("npm", ["pack", "./client", "--json", "--pack-destination", project], {
    cwd: root,
  });
  const [{ filename }] = JSON.parse(packed.stdout);
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
  await run("npm", ["install", "--offline", "--no-audit", "--no-fund", `./${filename}`], { cwd: project });
}, 60_000);

afterAll(async () => {
  await served.stop();
  rmSync(project, { recursive: true, force: true });
});

const installed = () => join(project, "node_modules", "hospital-api");

const own = (program: string) => readFileSync(join(import.meta.dirname, "consumer", program), "utf8");

/** Compiles a program of the consumer's; @throws what the compiler says against it. */
async function compile(program: string, options: string[], text = own(program)): Promise<void> {
  writeFileSync(join(project, program), text);
  const typeRoots = ["--typeRoots", join(root, "node_modules", "@types")];
  const strict = ["--strict", "--skipLibCheck", "false", "--target", "es2022", "--pretty", "false"];
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  await run(process.execPath, [tsc, ...strict, ...typeRoots, ...options, program], { cwd: project }).catch(
    ({ stdout }) => Promise.reject(new Error(stdout)),
  );
}

test("The package holds the client with its types, nothing else, and needs nothing", () => {
  const files = readdirSync(installed(), { recursive: true, withFileTypes: true });
  const names = files.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name));
  const modules = readdirSync(join(root, "client"))
    .filter((name) => name.endsWith(".ts") && name !== "generate-types.ts")
    .map((name) => name.replace(/\.ts$/, ""));
  expect(names.map((name) => name.slice(installed().length + 1)).sort()).toEqual(
    [
      "LICENSE",
      "README.md",
      "package.json",
      ...modules.flatMap((name) => [`dist/${name}.d.ts`, `dist/${name}.js`]),
    ].sort(),
  );
  expect(readdirSync(join(project, "node_modules")).filter((name) => !name.startsWith("."))).toEqual([
    "hospital-api",
  ]);
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  expect(JSON.parse(readFileSync(join(installed(), "package.json"), "utf8")).version).toBe(version);
});

test(`It is no larger than ${MAX_BYTES} bytes, bundled, minified and compressed`, async () => {
  const options = { bundle: true, minify: true, format: "esm", write: false } as const;
  const entry = join(installed(), "dist", "index.js");
  const { outputFiles, warnings } = await build({ ...options, entryPoints: [entry], platform: "neutral" });
  const bytes = gzipSync(outputFiles[0]?.contents ?? "", { level: 9 }).length;
  console.log(`The client is ${bytes} bytes, gzip.`);
  expect(warnings).toEqual([]);
  expect(bytes).toBeGreaterThan(1000);
  expect(bytes).toBeLessThanOrEqual(MAX_BYTES);
});

test("A program against it compiles under `strict`, and does on the API what it says", async () => {
  await compile("session.ts", ["--module", "nodenext", "--types", "node"]);
  const username = unique("user-");
  const { stdout } = await run(process.execPath, ["session.js", served.origin, username], { cwd: project });
  const created = newPatient({ email: "ada@example.org" });
  expect(JSON.parse(stdout)).toMatchObject({
    created,
    listed: [created],
    changed: { ...created, age: 37 },
    duplicate: { status: 409, errors: {} },
    conflict: { status: 412, errors: {} },
    invalid: { status: 400, errors: { age: [expect.stringContaining("120")] } },
  });
});

test("The README's session compiles, and says what there is, what has changed and what is wrong", async () => {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const [, session = ""] = /^```ts\n(.+?)^```$/ms.exec(readme) ?? [];
  const text = session.replace("http://localhost:8787", served.origin);
  await compile("readme.ts", ["--module", "nodenext", "--types", "node"], text);
  const { stdout } = await run(process.execPath, ["readme.js"], { cwd: project });
  expect(stdout).toMatch(/firstname: 'Grace'.+patient: 'Grace Hopper'.+lastname: 'House'.+age: 86,/s);
  expect(stdout).toMatch(/^400 \{ age: \[ '.*120.*' \] \}$/m);
});

test("What its own README says compiles", async () => {
  const readme = readFileSync(join(installed(), "README.md"), "utf8");
  const blocks = [...readme.matchAll(/^```ts\n(.+?)^```$/gms)].map(([, block]) => block);
  expect(blocks.length).toBeGreaterThan(4);
  await compile("manual.ts", ["--module", "nodenext", "--types", "node", "--noEmit"], blocks.join("\n"));
});

test.each([
  ["a browser's", ["--lib", "es2022,dom"]],
  ["Node's", ["--lib", "es2022", "--types", "node"]],
  ["a Worker's", ["--lib", "es2022", "--types", join(root, "node_modules", "@cloudflare", "workers-types")]],
])("Its types stand on %s own", async (_, options) => {
  await compile("worker.ts", ["--module", "esnext", "--moduleResolution", "bundler", "--noEmit", ...options]);
});

test("A Worker calls the API by it", async () => {
  const { tokens } = await signUp(served.origin);
  const folder = join(project, "workerd");
  mkdirSync(folder);
  writeFileSync(join(project, "worker.ts"), own("worker.ts"));
  const code = join(project, "worker.js");
  await build({ entryPoints: [join(project, "worker.ts")], outfile: code, bundle: true, format: "esm" });
  const bindings = { API: served.origin, TOKENS: JSON.stringify(tokens) };
  const worker = await serve({ code }, bindings, folder);
  onTestFinished(() => worker.stop());
  const answer = (await (await fetch(worker.origin)).json()) as { username: string; again: string };
  expect(answer.username).toMatch(/^user-/);
  expect(answer.again).toBe(answer.username);
});
