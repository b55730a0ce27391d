import { execFileSync } from "node:child_process";
import { copyFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

// Builds the package before it is packed: dist/ for `import`, dist/cjs/ for `require`, each with its types.

const folder = import.meta.dirname;
const dist = join(folder, "dist");
const tsc = join(createRequire(import.meta.url).resolve("typescript/package.json"), "..", "bin", "tsc");

const compile = (...options: string[]) =>
  execFileSync(process.execPath, [tsc, "-p", folder, ...options], { stdio: "inherit" });

rmSync(dist, { recursive: true, force: true });
compile();
// Node before 20.19 cannot `require` ES modules, and TypeScript refuses it before 5.8.
const commonJs = ["--module", "commonjs", "--moduleResolution", "bundler", "--verbatimModuleSyntax", "false"];
compile(...commonJs, "--outDir", join(dist, "cjs"));
writeFileSync(join(dist, "cjs", "package.json"), '{ "type": "commonjs" }\n');
copyFileSync(join(folder, "..", "LICENSE"), join(folder, "LICENSE"));
