import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inject } from "vitest";
import { startWrangler } from "../../local/wrangler.ts";
import "./provided.ts";

/** The API and its reference page behind an HTTP port of their own; for tests that run in Node. */
export interface ServedPage {
  /** `http://localhost:<port>` */
  origin: string;
  stop: () => Promise<void>;
}

/**
 * Serves the API with `wrangler dev`, on the database of the "local" project.
 *
 * @param bindings settings of the Worker that differ from those of the other tests
 * @throws an error with the output of Wrangler, when it does not start
 */
export async function servePage(bindings: Record<string, string> = {}): Promise<ServedPage> {
  const folder = mkdtempSync(join(tmpdir(), "hospital-served-"));
  const vars = join(folder, "vars");
  writeFileSync(vars, lines({ ...settings(), ...bindings }), { mode: 0o600 });
  const separate = ["--env-file", vars, "--inspector-port", "0", "--persist-to", folder];
  const wrangler = startWrangler(0, separate, "pipe");
  let output = "";
  for (const stream of [wrangler.process.stdout, wrangler.process.stderr])
    stream?.on("data", (text) => {
      output = `${output}${text}`.slice(-10_000);
    });
  const stop = async () => {
    await wrangler[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  };
  wrangler.ended.catch(() => {}); // handled below while it starts; afterwards the tests fail
  try {
    const port = await Promise.race([wrangler.ready, wrangler.ended]);
    return { origin: `http://localhost:${port}`, stop };
  } catch {
    await stop();
    throw new Error(`The API did not start:\n${output}`);
  }
}

function settings(): Record<string, string> {
  const { databaseUrl, endpointOrigin } = inject("database");
  return {
    // Wrangler expands a dollar sign as a variable.
    DATABASE_URL: databaseUrl.replaceAll("$", "%24"),
    DATABASE_ENDPOINT: `${endpointOrigin}/sql`,
    JWT_SECRET: "a secret of at least thirty-two bytes, for tests",
    BCRYPT_COST: "4",
    REGISTRATION: "open",
  };
}

const lines = (bindings: Record<string, string>): string =>
  Object.entries(bindings)
    .map(([name, value]) => `${name}="${value}"\n`)
    .join("");
