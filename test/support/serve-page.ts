import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inject } from "vitest";
import { startWrangler } from "../../local/wrangler.ts";
import "./provided.ts";

/** The API as it is served, with its reference, on a port of its own; for tests that run in Node. */
export interface ServedPage {
  /** `http://localhost:<port>` */
  origin: string;
  stop: () => Promise<void>;
}

/**
 * Serves the API by `wrangler dev`, on the suite's database.
 *
 * @param bindings what to set otherwise than for other tests
 * @throws what Wrangler said, when it does not start
 */
export async function servePage(bindings: Record<string, string> = {}): Promise<ServedPage> {
  const folder = mkdtempSync(join(tmpdir(), "hospital-served-"));
  const vars = join(folder, "vars");
  writeFileSync(vars, lines({ ...settings(), ...bindings }), { mode: 0o600 });
  const apart = ["--env-file", vars, "--inspector-port", "0", "--persist-to", folder];
  const wrangler = startWrangler(0, apart, "pipe");
  let words = "";
  for (const stream of [wrangler.process.stdout, wrangler.process.stderr])
    stream?.on("data", (text) => {
      words = `${words}${text}`.slice(-10_000);
    });
  const stop = async () => {
    await wrangler[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  };
  wrangler.ended.catch(() => {}); // told below while it starts; afterwards the tests tell
  try {
    const port = await Promise.race([wrangler.ready, wrangler.ended]);
    return { origin: `http://localhost:${port}`, stop };
  } catch {
    await stop();
    throw new Error(`The API did not start:\n${words}`);
  }
}

function settings(): Record<string, string> {
  const { databaseUrl, endpointOrigin } = inject("cloud");
  return {
    // Wrangler would take a dollar sign for a variable.
    DATABASE_URL: databaseUrl.replaceAll("$", "%24"),
    DATABASE_ENDPOINT: `${endpointOrigin}/sql`,
    JWT_SECRET: "a secret of at least thirty-two bytes, for tests",
    BCRYPT_COST: "4",
  };
}

const lines = (bindings: Record<string, string>): string =>
  Object.entries(bindings)
    .map(([name, value]) => `${name}="${value}"\n`)
    .join("");
