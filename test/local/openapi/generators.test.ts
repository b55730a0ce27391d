import { execFile } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { type ServedApi, serveApi } from "../../support/serve-api.ts";

// Generates clients from the OpenAPI document, compiles them under `strict`, and runs a session with each. The
// generators are a package of their own, because they need TypeScript 5: install it by
// `npm ci --prefix test/local/openapi/consumers`. Without it these tests are skipped.

const run = promisify(execFile);
const folder = join(import.meta.dirname, "consumers");
const root = join(import.meta.dirname, "../../..");
const generated = join(folder, "generated");
const isInstalled = existsSync(join(folder, "node_modules", "orval"));

/** Runs a program of the generators' package. */
const runInstalled = (name: string, ...args: string[]) =>
  run(process.execPath, [join(folder, "node_modules", ".bin", name), ...args], { cwd: folder });

describe.skipIf(!isInstalled)("clients that are generated from the document", () => {
  let api: ServedApi;

  beforeAll(async () => {
    rmSync(generated, { recursive: true, force: true });
    mkdirSync(generated);
    writeFileSync(join(generated, "openapi.json"), JSON.stringify(inject("openApiDocument")));
    [api] = await Promise.all([
      serveApi({ DATABASE_TIMEOUT_MS: 60_000 }),
      runInstalled(
        "openapi-typescript",
        "generated/openapi.json",
        "--output",
        "generated/openapi-typescript.d.ts",
      ),
      runInstalled("openapi-ts", "--file", "hey-api.config.mjs"),
      runInstalled("orval", "--config", "orval.config.mjs"),
    ]);
  });
  afterAll(() => api?.stop());

  test("compile under `strict`, with programs that use them", async () => {
    const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
    const output = await run(process.execPath, [tsc, "--project", folder]).catch(({ stdout }) => ({
      stdout,
    }));
    expect(output.stdout).toBe("");
  });

  test.each(["openapi-fetch", "hey-api", "orval"])(
    "%s registers, logs in, creates, lists, changes, imports and exports patients",
    async (name) => {
      const outfile = join(generated, `${name}.mjs`);
      const entryPoints = [join(folder, "sessions", `${name}.ts`)];
      await build({ entryPoints, outfile, bundle: true, format: "esm", platform: "node" });
      const { stdout } = await run(process.execPath, [outfile], { env: { ...process.env, API: api.origin } });
      expect(JSON.parse(stdout)).toEqual({
        gender: "F",
        listed: [true],
        changed: 86,
        stale: 412,
        invalid: ["age"],
        imported: [2],
        // A header, two patients, and what follows the last line break.
        exported: 4,
      });
    },
  );
});
