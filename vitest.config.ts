import { availableParallelism } from "node:os";
import { cloudflareTest } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";

// Tests often wait for PostgreSQL or for a process that they start, so one worker more than there are cores is faster. Another server
// may allow only 100 connections, PostgreSQL's default: one worker stays below that.
const maxWorkers = process.env["POSTGRES_URL"] ? 1 : Math.min(4, availableParallelism() + 1);

export default defineConfig({
  test: {
    coverage: {
      provider: "istanbul",
      include: ["src/**/*.ts"],
      // Texts of the OpenAPI document, which is built before the tests in another process.
      exclude: ["src/**/*openapi.ts"],
      thresholds: { statements: 95 },
      reporter: ["text-summary"],
    },
    silent: "passed-only",
    globalSetup: "test/support/setup.ts",
    maxWorkers,
    projects: [
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: { compatibilityFlags: ["enable_nodejs_inspector_module"] },
            // Otherwise workerd logs each connection that a test makes the database endpoint drop, 700 lines in all.
            verbose: false,
          }),
        ],
        test: {
          name: "api",
          // The files of a worker share one workerd: starting one for each takes longer than most of their tests.
          isolate: false,
          include: ["test/**/*.test.ts"],
          exclude: ["test/{local,ops,client,docs}/**"],
          // For a test that hangs: a slow machine under load needs more than the default of 5 s for some of them.
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "local",
          include: ["test/{local,ops,client,docs}/**/*.test.ts"],
          environment: "node",
          globalSetup: "test/support/setup-bundle.ts",
          // They start servers, processes and compilers: no test or hook fails because the machine is slow.
          testTimeout: 240_000,
          hookTimeout: 240_000,
        },
      },
    ],
  },
});
