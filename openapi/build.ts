import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { buildDocument } from "./document.ts";

// Writes the static files that are served with the API to dist/public/: the OpenAPI document and the reference page.
// Wrangler runs this before each build of the Worker (`[build]` in wrangler.toml), for deployments and in development.

const project = join(import.meta.dirname, "..");
const target = join(project, "dist", "public");
const page = join(import.meta.dirname, "page");
const scalar = join(project, "node_modules", "@scalar", "api-reference", "dist", "browser");

const { version } = JSON.parse(readFileSync(join(project, "package.json"), "utf8"));
const introduction = readFileSync(join(import.meta.dirname, "introduction.md"), "utf8");
const document = `${JSON.stringify(buildDocument(version, introduction), null, 2)}\n`;

const files = new Map<string, Buffer>([["openapi.json", Buffer.from(document)]]);
// Cloudflare reads `_headers` and `_redirects` in the top directory.
for (const name of readdirSync(page))
  files.set(name.startsWith("_") ? name : join("docs", name), readFileSync(join(page, name)));
// Scalar as one module and its chunks, each of which is loaded when it is needed. Not the source maps: they are 41 MB.
for (const name of readdirSync(scalar, { recursive: true, encoding: "utf8" }))
  if (name === "standalone.esm.js" || /^chunks.+\.js$/.test(name))
    files.set(join("docs", "scalar", name), readFileSync(join(scalar, name)));
// The package has no copy of its license itself; this is that of the same repository.
const license = join(project, "node_modules", "@scalar", "components", "LICENSE");
files.set(join("docs", "scalar", "LICENSE"), readFileSync(license));

for (const [name, content] of files) writeIfChanged(join(target, name), content);
for (const entry of readdirSync(target, { recursive: true, withFileTypes: true })) {
  const file = join(entry.parentPath, entry.name);
  if (entry.isFile() && !files.has(relative(target, file))) rmSync(file);
}

/** Writes a file only if its content changes: a process may be reading it, or watching for changes. */
function writeIfChanged(file: string, content: Buffer): void {
  if (existsSync(file) && readFileSync(file).equals(content)) return;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}
