import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inject } from "vitest";
import { serve } from "../../bench/workerd.ts";

/** The API behind an HTTP port, as its clients call it. */
export interface ServedApi {
  /** `http://127.0.0.1:<port>` */
  origin: string;
  /** The port of V8's inspector on 127.0.0.1. */
  inspectorPort: number;
  stop(): Promise<void>;
  /** Makes its database endpoint fail in one of the ways of `local/endpoint/faults.ts`, or answer late. */
  disturbDatabase(disturbance: Record<string, unknown>): Promise<void>;
}

/**
 * Serves the bundle that would be deployed, with workerd on a free port and on the database of the "local" project.
 */
export async function serveApi(bindings: Record<string, string | number> = {}): Promise<ServedApi> {
  const database = inject("database");
  const channel = `${database.endpointOrigin}/channels/${randomUUID()}`;
  const folder = mkdtempSync(join(tmpdir(), "hospital-served-"));
  const settings = {
    DATABASE_URL: database.databaseUrl,
    DATABASE_ENDPOINT: `${channel}/sql`,
    JWT_SECRET: randomUUID() + randomUUID(),
    BCRYPT_COST: 4,
    REGISTRATION: "open",
    ...bindings,
  };
  const own = join(folder, "workerd");
  mkdirSync(own);
  const served = await serve({ code: inject("bundle") }, settings, own, {
    isInspected: true,
  });
  return {
    origin: served.origin,
    inspectorPort: served.inspectorPort,
    async stop() {
      await served.stop();
      rmSync(folder, { recursive: true, force: true });
    },
    async disturbDatabase(disturbance) {
      const response = await fetch(channel, { method: "PUT", body: JSON.stringify(disturbance) });
      if (!response.ok) throw new Error(await response.text());
    },
  };
}
