import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { TestProject } from "vitest/node";
import { openEndpoint } from "../../local/endpoint/server.ts";
import { startPostgres } from "../../local/postgres/server.ts";
import { withClient } from "../../ops/command.ts";
import { migrate } from "../../ops/migrate.ts";
import { createRole } from "../../ops/role.ts";
import type { OpenApi } from "./openapi.ts";
import "./provided.ts";

const repository = join(import.meta.dirname, "..", "..");

/**
 * Starts the PostgreSQL server (or uses the one of `POSTGRES_URL`), migrates one database and copies it: one copy for
 * each worker of the "api" project, because its tests change tables and count rows, and one for the whole "local"
 * project.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [server, openApiDocument] = await Promise.all([startServer(), buildOpenApiDocument()]);
  const serverUrl = new URL("/postgres", server.url).href;
  const administrate = (statement: string) => withClient(serverUrl, (client) => client.query(statement));
  const urlOf = (database: string) => new URL(`/${database}`, serverUrl).href;

  const template = `hospital_test_${randomBytes(4).toString("hex")}`;
  await administrate(`CREATE DATABASE ${template}`);
  await migrate(urlOf(template));

  const endpoint = await openEndpoint(0);
  endpoint.front(urlOf(template));
  const shared = { fillableUrl: urlOf(template), serverUrl, endpointOrigin: new URL(endpoint.url).origin };

  const workers = Array.from({ length: project.config.maxWorkers }, (_, index) => `${template}_${index + 1}`);
  const names = [`${template}_local`, ...workers];
  const [local, ...ofWorkers] = await Promise.all(
    names.map(async (name) => {
      await administrate(`CREATE DATABASE ${name} TEMPLATE ${template}`);
      const ownerUrl = urlOf(name);
      // The role has the name of its database.
      const databaseUrl = await createRole(ownerUrl, name);
      const textRole = `${name}_text`;
      const urlWithoutFunctions = await createRole(ownerUrl, textRole);
      await withClient(ownerUrl, (client) =>
        client.query(`REVOKE USAGE ON SCHEMA statements FROM ${textRole}`),
      );
      return { ...shared, ownerUrl, databaseUrl, urlWithoutFunctions };
    }),
  );
  if (local) project.provide("database", local);
  project.provide("workerDatabases", ofWorkers);
  project.provide("openApiDocument", openApiDocument);

  return async () => {
    await endpoint.stop();
    if (server.stop) return server.stop();
    for (const name of [template, ...names]) await administrate(`DROP DATABASE ${name} WITH (FORCE)`);
    for (const name of names) await administrate(`DROP ROLE ${name}, ${name}_text`);
  };
}

/** Writes the OpenAPI document as a deployment does, and reads it. */
async function buildOpenApiDocument(): Promise<OpenApi> {
  await promisify(execFile)(process.execPath, [join(repository, "openapi", "build.ts")]);
  return JSON.parse(readFileSync(join(repository, "dist", "public", "openapi.json"), "utf8"));
}

/** The PostgreSQL server of `POSTGRES_URL`, or else the embedded one, whose data are deleted when it stops. */
async function startServer(): Promise<{ url: string; stop?: () => Promise<void> }> {
  if (process.env["POSTGRES_URL"]) return { url: process.env["POSTGRES_URL"] };
  const temporary = mkdtempSync(join(tmpdir(), "hospital-test-"));
  chmodSync(temporary, 0o755); // PostgreSQL runs as another account where this one is root
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

/** A port that no program uses now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  await once(server.close(), "close");
  return port;
}
