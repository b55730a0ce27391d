import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { buildProduct } from "../../bench/bundle.ts";
import { openEndpoint } from "../../local/endpoint/server.ts";
import { startPostgres } from "../../local/postgres/server.ts";
import { withClient } from "../../ops/command.ts";
import { migrate } from "../../ops/migrate.ts";
import { createRole } from "../../ops/role.ts";
import type { OpenApi } from "./openapi.ts";
import "./provided.ts";

/** The suite's database, new and behind the local endpoint: on the PostgreSQL of `POSTGRES_URL`, or on one of its own. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = process.env["POSTGRES_URL"] ? { url: process.env["POSTGRES_URL"] } : await startOwnServer();
  const serverUrl = new URL("/postgres", server.url).href;
  const administrate = (statement: string) => withClient(serverUrl, (client) => client.query(statement));
  const name = `hospital_test_${randomBytes(4).toString("hex")}`;
  const [ownerUrl = "", fillableUrl = ""] = await Promise.all(
    [name, `${name}_fillable`].map(async (database) => {
      await administrate(`CREATE DATABASE ${database}`);
      const url = new URL(`/${database}`, serverUrl).href;
      await migrate(url);
      return url;
    }),
  );
  const databaseUrl = await createRole(ownerUrl, name);
  const endpoint = await openEndpoint(0);
  endpoint.front(ownerUrl);
  const endpointOrigin = new URL(endpoint.url).origin;
  const folder = mkdtempSync(join(tmpdir(), "hospital-bundle-"));
  // Once: what is served beside the Worker is written with it, and a Worker that is served meanwhile would begin anew.
  const { code } = await buildProduct(folder);
  project.provide("bundle", code);
  project.provide("reference", readReference());
  project.provide("cloud", { databaseUrl, ownerUrl, fillableUrl, serverUrl, endpointOrigin });
  return async () => {
    rmSync(folder, { recursive: true, force: true });
    await endpoint.stop();
    if ("stop" in server) return server.stop();
    for (const database of [name, `${name}_fillable`])
      await administrate(`DROP DATABASE ${database} WITH (FORCE)`);
    await administrate(`DROP ROLE ${name}`);
  };
}

/** The document that was built with the Worker. */
function readReference(): OpenApi {
  const file = join(import.meta.dirname, "..", "..", "dist", "public", "openapi.json");
  return JSON.parse(readFileSync(file, "utf8"));
}

/** The PostgreSQL that comes with the project, with data that are gone when it stops. */
async function startOwnServer() {
  const temporary = mkdtempSync(join(tmpdir(), "hospital-test-"));
  chmodSync(temporary, 0o755); // for the account that PostgreSQL runs as, where this one is root
  const postgres = await startPostgres({
    folder: join(temporary, "postgres"),
    port: await freePort(),
    durable: false,
  });
  return {
    url: postgres.url,
    async stop() {
      await postgres.stop();
      for (const folder of [temporary, postgres.folder]) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A port that nobody uses at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  await once(server.close(), "close");
  return port;
}
