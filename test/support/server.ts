import { randomBytes } from "node:crypto";
import type { TestProject } from "vitest/node";
import { startCloud } from "../../local/cloud.ts";
import { withClient } from "../../local/command.ts";
import { migrate } from "../../local/migrate.ts";
import { createRole } from "../../local/role.ts";
import "./provided.ts";

const serverUrl = process.env["POSTGRES_URL"] || "postgres://postgres@127.0.0.1:5432";

/** The suite's database: a new one on a PostgreSQL server, where the Worker has no more rights than in production. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const name = `hospital_test_${randomBytes(4).toString("hex")}`;
  const administrate = (statement: string) =>
    withClient(new URL("/postgres", serverUrl).href, (client) => client.query(statement));
  await administrate(`CREATE DATABASE ${name}`);
  const ownerUrl = new URL(`/${name}`, serverUrl).href;
  await migrate(ownerUrl);
  const databaseUrl = await createRole(ownerUrl, name);
  const cloud = await startCloud({ databaseUrl: ownerUrl });
  project.provide("cloud", { databaseUrl, ownerUrl, endpointOrigin: new URL(cloud.endpointUrl).origin });
  return async () => {
    await cloud.stop();
    await administrate(`DROP DATABASE ${name} WITH (FORCE)`);
    await administrate(`DROP ROLE ${name}`);
  };
}
