import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { buildDocument } from "./document.ts";

// Writes the static files that are served with the API to dist/public/: the OpenAPI document and the reference page. Wrangler runs this
// before each build of the Worker (`[build]` in wrangler.toml), for deployments and in development.

const project = join(import.meta.dirname, "..");
const target = join(project, "dist", "public");
const page = join(import.meta.dirname, "page");
const swagger = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));

const { version } = JSON.parse(readFileSync(join(project, "package.json"), "utf8"));
const introduction = readFileSync(join(import.meta.dirname, "introduction.md"), "utf8");
const document = `${JSON.stringify(buildDocument(version, introduction), null, 2)}\n`;

const files = new Map<string, Buffer>([["openapi.json", Buffer.from(document)]]);
// Cloudflare reads `_headers` and `_redirects` in the top directory.
for (const name of readdirSync(page))
  files.set(name.startsWith("_") ? name : join("docs", name), readFileSync(join(page, name)));
for (const name of [
  "swagger-ui.css",
  "swagger-ui-bundle.js",
  "swagger-ui-bundle.js.LICENSE.txt",
  "LICENSE",
  "NOTICE",
])
  files.set(join("docs", name), readFileSync(join(swagger, name)));

for (const [name, content] of files) writeIfChanged(join(target, name), content);
for (const name of readdirSync(target, { recursive: true, encoding: "utf8" }))
  if (name.includes(".") && !files.has(name)) rmSync(join(target, name));

/** Writes a file only if its content changes: a process may be reading it, or watching for changes. */
function writeIfChanged(file: string, content: Buffer): void {
  if (existsSync(file) && readFileSync(file).equals(content)) return;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}
