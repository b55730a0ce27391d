import { expect, test } from "vitest";
import { describeOnDatabase, post, type Setting, value } from "./support.ts";

describeOnDatabase("A channel", (cloud) => {
  let made = 0;

  /** A channel nobody else uses. */
  function channel() {
    made += 1;
    const url = cloud.endpointUrl.replace("/sql", `/channels/${cloud.schema}-${made}`);
    const setting: Setting = { ...cloud, endpointUrl: `${url}/sql` };
    const disturb = (body: unknown) => fetch(url, { method: "PUT", body: JSON.stringify(body) });
    const requests = async () => ((await (await fetch(url)).json()) as { requests: number }).requests;
    return { url, setting, disturb, requests };
  }

  async function makeTable(): Promise<string> {
    const table = cloud.table();
    await value(cloud, `CREATE TABLE ${table} (a int)`);
    return table;
  }

  const rowsIn = (table: string) => value(cloud, `SELECT count(*)::int FROM ${table}`);

  test("counts its own requests, a batch as one", async () => {
    const { setting, requests } = channel();
    expect(await requests()).toBe(0);
    await post(setting, { query: "SELECT 1" });
    await post(setting, { queries: [{ query: "SELECT 1" }, { query: "SELECT 2" }] });
    await post(setting, { query: "SELECT nonsense" });
    await post(cloud, { query: "SELECT 1" });
    expect(await requests()).toBe(3);
  });

  test("is called default without a name", async () => {
    const url = cloud.endpointUrl.replace("/sql", "/channels/default");
    const count = async () => ((await (await fetch(url)).json()) as { requests: number }).requests;
    const before = await count();
    await post(cloud, { query: "SELECT 1" });
    expect(await count()).toBe(before + 1);
  });

  test("delays as long as it is told", async () => {
    const { setting, disturb } = channel();
    await disturb({ delay_ms: 150 });
    const start = performance.now();
    await post(setting, { query: "SELECT 1" });
    expect(performance.now() - start).toBeGreaterThan(145);
  });

  test("disturbs as many requests as it is told", async () => {
    const { setting, disturb } = channel();
    await disturb({ fault: "error-500", times: 2 });
    const statuses: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      statuses.push((await post(setting, { query: "SELECT 1" })).status);
    }
    expect(statuses).toEqual([500, 500, 200]);
  });

  test("disturbs all requests until it is deleted, which forgets the count too", async () => {
    const { url, setting, disturb, requests } = channel();
    await disturb({ fault: "error-500" });
    await post(setting, { query: "SELECT 1" });
    expect((await post(setting, { query: "SELECT 1" })).status).toBe(500);
    await fetch(url, { method: "DELETE" });
    expect(await requests()).toBe(0);
    expect((await post(setting, { query: "SELECT 1" })).status).toBe(200);
  });

  test.each([
    { fault: "refuse", rows: 0 },
    { fault: "drop-before", rows: 0 },
    { fault: "drop-after", rows: 1 },
  ])(
    "that has the fault $fault ends the connection after running $rows statements",
    async ({ fault, rows }) => {
      const { setting, disturb } = channel();
      const table = await makeTable();
      await disturb({ fault, times: 1 });
      await expect(post(setting, { query: `INSERT INTO ${table} VALUES (1)` })).rejects.toThrow(
        "fetch failed",
      );
      expect(await rowsIn(table)).toBe(rows);
    },
  );

  test("that has the fault hang neither answers nor runs the statement", async () => {
    const { setting, disturb } = channel();
    const table = await makeTable();
    await disturb({ fault: "hang" });
    const insert = post(setting, { query: `INSERT INTO ${table} VALUES (1)` }, {}, AbortSignal.timeout(200));
    await expect(insert).rejects.toThrow("timeout");
    expect(await rowsIn(table)).toBe(0);
  });

  test("that has the fault error-500 answers with text and does not run the statement", async () => {
    const { setting, disturb } = channel();
    const table = await makeTable();
    await disturb({ fault: "error-500" });
    const response = await post(setting, { query: `INSERT INTO ${table} VALUES (1)` });
    expect(response.headers.get("content-type")).toBe("text/plain");
    expect(await rowsIn(table)).toBe(0);
  });

  test("that has the fault truncate runs the statement and breaks off the answer", async () => {
    const { setting, disturb } = channel();
    const table = await makeTable();
    await disturb({ fault: "truncate" });
    const response = await post(setting, { query: `INSERT INTO ${table} VALUES (1)` });
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow("terminated");
    expect(await rowsIn(table)).toBe(1);
  });

  test.each([
    ["not json", /JSON/],
    ["[]", /must be a JSON object/],
    ['{"delay_ms": -1}', /"delay_ms" must be/],
    ['{"times": 0}', /"times" must be/],
    ['{"fault": "fire"}', /"fault" must be one of refuse, hang/],
    ['{"delay": 1}', /no "delay"/],
  ])("refuses to be told %s", async (body, sentence) => {
    const response = await fetch(channel().url, { method: "PUT", body });
    expect(response.status).toBe(400);
    expect(await response.text()).toMatch(sentence);
  });

  test("knows no other methods", async () => {
    const response = await fetch(channel().url, { method: "POST" });
    expect(response.status).toBe(400);
  });
});
