import { cloudflareTest } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";

/** `--mode postgres` runs all on a PostgreSQL server, with what one connection cannot show: races. */
export default defineConfig(({ mode }) => {
  const onServer = mode === "postgres";
  return {
    test: {
      coverage: {
        provider: "istanbul",
        include: ["src/**"],
        thresholds: { statements: 95 },
        reporter: ["text"],
      },
      silent: "passed-only",
      projects: [
        {
          plugins: [cloudflareTest({ wrangler: { configPath: "./wrangler.toml" } })],
          test: {
            name: "api",
            // The files share one workerd: starting one for each takes longer than most of their tests.
            isolate: false,
            include: ["test/**/*.test.ts"],
            exclude: ["test/local/**", ...(onServer ? [] : ["test/races/**"])],
            globalSetup: onServer ? "test/support/server.ts" : "test/support/embedded.ts",
          },
        },
        {
          test: {
            name: "local",
            include: ["test/local/**/*.test.ts"],
            // The embedded PostgreSQL alone, in every mode: once is enough.
            exclude: onServer ? ["test/local/{cloud,directory,sharing,wire}.test.ts"] : [],
            environment: "node",
          },
        },
      ],
    },
  };
});
