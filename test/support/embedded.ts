import type { TestProject } from "vitest/node";
import { startCloud } from "../../local/cloud.ts";
import { migrate } from "../../local/migrate.ts";
import "./provided.ts";

/** The suite's database: the embedded PostgreSQL, new and in memory. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const cloud = await startCloud();
  await migrate(cloud.databaseUrl);
  project.provide("cloud", {
    databaseUrl: cloud.databaseUrl,
    ownerUrl: cloud.databaseUrl,
    endpointOrigin: new URL(cloud.endpointUrl).origin,
  });
  return cloud.stop;
}
