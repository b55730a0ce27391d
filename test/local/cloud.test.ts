import { createServer, type Server } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startCloud } from "../../local/cloud.ts";
import { postgresVersion } from "../../local/embedded/directory.ts";
import { listen } from "../../local/listen.ts";
import { post, startTime, withClient } from "./support.ts";

const databaseUrl = "postgres://postgres:postgres@127.0.0.1:1/postgres";

describe("The cloud", { timeout: startTime }, () => {
  let occupied: number;
  const occupier: Server = createServer();
  beforeAll(async () => {
    occupied = await listen(occupier, 0, "a test");
  });
  afterAll(() => void occupier.close());

  test("gives the URLs of an endpoint and a PostgreSQL on this machine", async () => {
    const cloud = await startCloud();
    expect(cloud.endpointUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/sql$/);
    expect(cloud.databaseUrl).toMatch(/^postgres:\/\/postgres:postgres@127\.0\.0\.1:\d+\/postgres$/);
    const { rows } = await withClient(cloud.databaseUrl, (client) => client.query("SHOW server_version"));
    expect(rows[0].server_version).toMatch(new RegExp(`^${postgresVersion}\\.`));
    await cloud.stop();
  });

  test("gives back the URL of the PostgreSQL it is put in front of", async () => {
    const cloud = await startCloud({ databaseUrl });
    expect(cloud.databaseUrl).toBe(databaseUrl);
    await cloud.stop();
  });

  test("says that the endpoint's port is in use", async () => {
    await expect(startCloud({ databaseUrl, port: occupied })).rejects.toMatchObject({
      code: "EADDRINUSE",
      message: `Port ${occupied} of 127.0.0.1, wanted for the SQL endpoint, is in use by another program`,
    });
  });

  test("says that the PostgreSQL's port is in use", async () => {
    await expect(startCloud({ postgresPort: occupied })).rejects.toMatchObject({
      code: "EADDRINUSE",
      message: `Port ${occupied} of 127.0.0.1, wanted for the embedded PostgreSQL, is in use by another program`,
    });
  });

  test("delays every request by delayMs", async () => {
    const cloud = await startCloud({ databaseUrl, delayMs: 150 });
    const start = performance.now();
    await post(cloud, "{");
    expect(performance.now() - start).toBeGreaterThan(145);
    await cloud.stop();
  });

  test("stops at once, whatever is still going on", async () => {
    const cloud = await startCloud();
    const channel = cloud.endpointUrl.replace("/sql", "/channels/hanging");
    await fetch(channel, { method: "PUT", body: '{"fault": "hang"}' });
    const hanging = post({ ...cloud, endpointUrl: `${channel}/sql` }, { query: "SELECT 1" });
    const endless = post(cloud, { query: "SELECT count(*) FROM generate_series(1, 1e12)" });
    const failures = Promise.allSettled([hanging, endless]);
    await fetch(channel);
    const start = performance.now();
    await cloud.stop();
    expect(performance.now() - start).toBeLessThan(8_000);
    expect((await failures).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  });
});
