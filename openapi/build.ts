import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { documentOf } from "./document.ts";

// Writes what is served beside the API, into dist/public/: the OpenAPI document and the page that shows it. Wrangler runs
// it before it builds the Worker, whether to deploy or to develop.

const project = join(import.meta.dirname, "..");
const target = join(project, "dist", "public");
const page = join(import.meta.dirname, "page");
const swagger = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));

const { version } = JSON.parse(readFileSync(join(project, "package.json"), "utf8"));
const introduction = readFileSync(join(import.meta.dirname, "introduction.md"), "utf8");
const document = `${JSON.stringify(documentOf(version, introduction), null, 2)}\n`;

const files = new Map<string, Buffer>([["openapi.json", Buffer.from(document)]]);
// Cloudflare looks for its own files, `_headers` and `_redirects`, at the top.
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

for (const [name, content] of files) writeChanged(join(target, name), content);
for (const name of readdirSync(target, { recursive: true, encoding: "utf8" }))
  if (name.includes(".") && !files.has(name)) rmSync(join(target, name));

/** Leaves alone what is as it should be: somebody may be reading it, or watching for changes. */
function writeChanged(file: string, content: Buffer): void {
  if (existsSync(file) && readFileSync(file).equals(content)) return;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}
