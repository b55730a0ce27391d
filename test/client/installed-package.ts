import { execFile } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const root = join(import.meta.dirname, "..", "..");
const typescript = join(root, "node_modules", "typescript");
/** TypeScript 5, which is installed by `npm ci --prefix test/local/openapi/consumers`. */
export const typescript5 = join(root, "test/local/openapi/consumers/node_modules/typescript");
export const run = promisify(execFile);

/** Packs the client and installs it in a new project, without a network. @returns the project's folder */
export async function installPackage(): Promise<string> {
  const project = mkdtempSync(join(tmpdir(), "hospital-consumer-"));
  const pack = ["pack", "./client", "--json", "--pack-destination", project];
  const packed = await run("npm", pack, { cwd: root });
  const [{ filename }] = JSON.parse(packed.stdout);
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
  const install = ["install", "--offline", "--no-audit", "--no-fund", `./${filename}`];
  await run("npm", install, { cwd: project });
  return project;
}

/**
 * Compiles files of a project under `strict`, and checks the declarations of the package too.
 *
 * @param compiler the folder of a TypeScript
 * @throws an error with the compiler's messages
 */
export async function compileFiles(
  project: string,
  names: string[],
  options: string[],
  compiler = typescript,
): Promise<void> {
  const typeRoots = ["--typeRoots", join(root, "node_modules", "@types")];
  const strict = ["--strict", "--skipLibCheck", "false", "--target", "es2022", "--pretty", "false"];
  const settings = [...strict, ...typeRoots, ...options];
  await run(process.execPath, [join(compiler, "bin", "tsc"), ...settings, ...names], { cwd: project }).catch(
    ({ stdout }) => Promise.reject(new Error(stdout)),
  );
}
