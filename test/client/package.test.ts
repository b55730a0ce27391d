import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { serve } from "../../bench/workerd.ts";
import { serveApi } from "../support/serve-api.ts";
import { compileFiles, installPackage, run, typescript5 } from "./installed-package.ts";
import { newPatient, signUp, slowDatabase, unique } from "./support.ts";

const MAX_BYTES = 8 * 1024;
const root = join(import.meta.dirname, "..", "..");

const served = await serveApi(slowDatabase);
/** A project in which the packed client is installed. */
let project: string;
beforeAll(async () => {
  project = await installPackage();
});

afterAll(async () => {
  await served.stop();
  rmSync(project, { recursive: true, force: true });
});

const installed = () => join(project, "node_modules", "hospital-api");

const consumerProgram = (name: string) => readFileSync(join(import.meta.dirname, "consumer", name), "utf8");

/** Compiles programs in the consumer's project. @throws an error with the compiler's messages */
async function compile(programs: Record<string, string>, ...options: string[]): Promise<void> {
  const names = Object.keys(programs);
  for (const name of names) writeFileSync(join(project, name), programs[name] ?? "");
  await compileFiles(project, names, options);
}

/** The TypeScript of a Markdown text, block by block. */
const typeScriptOf = (markdown: string) =>
  [...markdown.matchAll(/^```ts\n(.+?)^```$/gms)].map(([, block = ""]) => block);
const exampleOfReadme = () => typeScriptOf(readFileSync(join(root, "README.md"), "utf8"))[0] ?? "";
const examplesOfClientReadme = () => typeScriptOf(readFileSync(join(installed(), "README.md"), "utf8"));

let compilation: Promise<void> | undefined;
/** Compiles every Node program of these tests, at the first call: one run of the compiler takes as long as three. */
function compileAll(): Promise<void> {
  compilation ??= compile(
    {
      "session.ts": consumerProgram("session.ts"),
      "readme.ts": exampleOfReadme().replace("http://localhost:8787", served.origin),
      "client-readme.ts": examplesOfClientReadme().join("\n"),
    },
    ...["--module", "nodenext", "--types", "node"],
  );
  return compilation;
}

test("the package contains the client and its types, nothing else, and has no dependencies", () => {
  const files = readdirSync(installed(), { recursive: true, withFileTypes: true });
  const names = files.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name));
  const modules = readdirSync(join(root, "client"))
    .filter((name) => name.endsWith(".ts") && !["generate-types.ts", "build.ts"].includes(name))
    .map((name) => name.replace(/\.ts$/, ""));
  expect(names.map((name) => name.slice(installed().length + 1)).sort()).toEqual(
    [
      "LICENSE",
      "README.md",
      "package.json",
      "dist/cjs/package.json",
      ...modules.flatMap((name) => [`dist/${name}.d.ts`, `dist/${name}.js`]),
      ...modules.flatMap((name) => [`dist/cjs/${name}.d.ts`, `dist/cjs/${name}.js`]),
    ].sort(),
  );
  expect(readdirSync(join(project, "node_modules")).filter((name) => !name.startsWith("."))).toEqual([
    "hospital-api",
  ]);
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  expect(JSON.parse(readFileSync(join(installed(), "package.json"), "utf8")).version).toBe(version);
});

test(`the client has at most ${MAX_BYTES} bytes when bundled, minified and compressed with gzip`, async () => {
  const options = { bundle: true, minify: true, format: "esm", write: false } as const;
  const entry = join(installed(), "dist", "index.js");
  const { outputFiles, warnings } = await build({ ...options, entryPoints: [entry], platform: "neutral" });
  const bytes = gzipSync(outputFiles[0]?.contents ?? "", { level: 9 }).length;
  console.log(`The client is ${bytes} bytes, gzip.`);
  expect(warnings).toEqual([]);
  expect(bytes).toBeGreaterThan(1000);
  expect(bytes).toBeLessThanOrEqual(MAX_BYTES);
});

test("a program that uses the package compiles under `strict`, and its calls return what the API sent", async () => {
  await compileAll();
  const username = unique("user-");
  const { stdout } = await run(process.execPath, ["session.js", served.origin, username], { cwd: project });
  const created = newPatient({ email: "ada@example.org" });
  expect(JSON.parse(stdout)).toMatchObject({
    created,
    listed: [created],
    changed: { ...created, age: 37 },
    duplicate: { code: "email_taken", errors: {} },
    conflict: { code: "precondition_failed", errors: {} },
    invalid: { code: "validation_failed", errors: { age: [expect.stringContaining("120")] } },
  });
});

test("the example of the project's README compiles, and prints the patient and the errors", async () => {
  expect(exampleOfReadme()).toContain("createClient");
  await compileAll();
  const { stdout } = await run(process.execPath, ["readme.js"], { cwd: project });
  expect(stdout).toMatch(/firstname: 'Grace'.+age: 85,.+firstname: 'Grace'.+age: 86,/s);
  expect(stdout).toMatch(/^400 \{ age: \[ '.*120.*' \] \}$/m);
});

test("the examples of the client's README compile", async () => {
  expect(examplesOfClientReadme().length).toBeGreaterThan(4);
  await compileAll();
});

test.each([
  ["a browser", ["--lib", "es2022,dom"]],
  ["Node", ["--lib", "es2022", "--types", "node"]],
  ["a Worker", ["--lib", "es2022", "--types", join(root, "node_modules", "@cloudflare", "workers-types")]],
])("the types compile with the globals of %s alone", async (_, options) => {
  const bundler = ["--module", "esnext", "--moduleResolution", "bundler", "--noEmit"];
  await compile({ "worker.ts": consumerProgram("worker.ts") }, ...bundler, ...options);
});

test("a Worker calls the API through the package", async () => {
  const { tokens } = await signUp(served.origin);
  const folder = join(project, "workerd");
  mkdirSync(folder);
  writeFileSync(join(project, "worker.ts"), consumerProgram("worker.ts"));
  const code = join(project, "worker.js");
  await build({ entryPoints: [join(project, "worker.ts")], outfile: code, bundle: true, format: "esm" });
  const bindings = { API: served.origin, TOKENS: JSON.stringify(tokens) };
  const worker = await serve({ code }, bindings, folder);
  onTestFinished(() => worker.stop());
  const answer = (await (await fetch(worker.origin)).json()) as { username: string; again: string };
  expect(answer.username).toMatch(/^user-/);
  expect(answer.again).toBe(answer.username);
});

// `import "hospital-api"` in the projects of others: each kind of module and of resolution.

/** What the program `resolution.ts` prints. */
const result = { status: "ok", isProblem: true, isSame: true, etag: "function" };

/** Compiles the program as `folder/name`. */
async function compileProgram(folder: string, name: string, options: string[], compiler?: string) {
  mkdirSync(join(project, folder), { recursive: true });
  writeFileSync(join(project, folder, name), consumerProgram("resolution.ts"));
  await compileFiles(project, [join(folder, name)], ["--types", "node", ...options], compiler);
}

/** Runs a compiled file on this Node. */
async function outputOf(...file: string[]): Promise<unknown> {
  const { stdout } = await run(process.execPath, [join(project, ...file), served.origin]);
  return JSON.parse(stdout);
}

// TypeScript 7 has no node10 resolution (`"moduleResolution": "node"`): many projects still compile with 5 for that.
test.skipIf(!existsSync(typescript5))(
  "node10 resolution with CommonJS compiles with TypeScript 5 and runs",
  async () => {
    const options = ["--module", "commonjs", "--moduleResolution", "node10"];
    await compileProgram("node10", "main.ts", options, typescript5);
    writeFileSync(join(project, "node10", "package.json"), JSON.stringify({ type: "commonjs" }));
    const compiled = readFileSync(join(project, "node10", "main.js"), "utf8");
    expect(compiled).toContain('require("hospital-api/client")');
    expect(await outputOf("node10", "main.js")).toEqual(result);
  },
);

const nodeModules = [
  ["an ES module", "main.mts", "main.mjs"],
  ["CommonJS", "main.cts", "main.cjs"],
] as const;

test.skipIf(!existsSync(typescript5)).each(nodeModules)(
  "node16 resolution in %s compiles with TypeScript 5 and runs",
  async (_, source, compiled) => {
    await compileProgram("node16", source, ["--module", "node16"], typescript5);
    expect(await outputOf("node16", compiled)).toEqual(result);
  },
);

test.each(nodeModules)("nodenext resolution in %s compiles and runs", async (_, source, compiled) => {
  await compileProgram("nodenext", source, ["--module", "nodenext"]);
  expect(await outputOf("nodenext", compiled)).toEqual(result);
});

test("bundler resolution compiles, and the bundle runs", async () => {
  const bundler = ["--module", "esnext", "--moduleResolution", "bundler", "--noEmit"];
  await compileProgram("bundler", "main.ts", bundler);
  const entry = join(project, "bundler", "main.ts");
  const outfile = join(project, "bundler", "bundle.mjs");
  await build({ entryPoints: [entry], outfile, bundle: true, format: "esm" });
  expect(readFileSync(outfile, "utf8")).not.toContain("__commonJS");
  expect(await outputOf("bundler", "bundle.mjs")).toEqual(result);
});
