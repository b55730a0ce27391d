import { once } from "node:events";
import { get } from "node:http";
import { neon } from "@neondatabase/serverless";
import { expect, test } from "vitest";
import { describeOnDatabase, post, value } from "./support.ts";

const raw = { "Neon-Raw-Text-Output": "true" };
const arrays = { "Neon-Array-Mode": "true" };

describeOnDatabase("POST /sql", (cloud) => {
  test("answers a query of the driver with rows as objects", async () => {
    const rows = await neon(cloud.databaseUrl)`SELECT ${1}::int AS one, ${"two"} AS two`;
    expect(rows).toEqual([{ one: 1, two: "two" }]);
  });

  test("describes the result completely", async () => {
    const response = await post(cloud, { query: "SELECT 1::int4 AS n" }, { ...raw, ...arrays });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.json()).toEqual({
      command: "SELECT",
      rowCount: 1,
      rowAsArray: true,
      fields: [
        {
          name: "n",
          dataTypeID: 23,
          tableID: 0,
          columnID: 0,
          dataTypeSize: 4,
          dataTypeModifier: -1,
          format: "text",
        },
      ],
      rows: [["1"]],
    });
  });

  test("names the table and the column a field comes from", async () => {
    const table = cloud.table();
    await value(cloud, `CREATE TABLE ${table} (a int, b int)`);
    const oid = Number(await value(cloud, `SELECT '${table}'::regclass::oid`));
    const response = await post(cloud, { query: `SELECT b FROM ${table}` });
    expect(await response.json()).toMatchObject({ fields: [{ tableID: oid, columnID: 2 }] });
  });

  test.each([
    { query: "SELECT 1 FROM generate_series(1, 3)", command: "SELECT", rowCount: 3 },
    { query: "INSERT INTO % SELECT generate_series(1, 4)", command: "INSERT", rowCount: 4 },
    { query: "DELETE FROM %", command: "DELETE", rowCount: 0 },
    { query: "CREATE INDEX ON % (a)", command: "CREATE", rowCount: null },
    { query: "", command: "", rowCount: null },
  ])("answers $query with command $command and rowCount $rowCount", async ({ query, ...expected }) => {
    const table = cloud.table();
    await value(cloud, `CREATE TABLE ${table} (a int)`);
    const response = await post(cloud, { query: query.replace("%", table) });
    expect(await response.json()).toMatchObject(expected);
  });

  test("gives every value as PostgreSQL's text with Neon-Raw-Text-Output", async () => {
    const query = `SELECT true AS b, 1::int4 AS i, '{"a": 1}'::json AS j, '{1,2}'::int[] AS a, NULL AS n`;
    const response = await post(cloud, { query }, raw);
    expect(await response.json()).toMatchObject({
      rowAsArray: false,
      rows: [{ b: "t", i: "1", j: '{"a": 1}', a: "{1,2}", n: null }],
    });
  });

  test("takes only the word true for true in its headers", async () => {
    const headers = { "Neon-Raw-Text-Output": "1", "Neon-Array-Mode": "TRUE" };
    const response = await post(cloud, { query: "SELECT 1 AS n" }, headers);
    expect(await response.json()).toMatchObject({ rowAsArray: false, rows: [{ n: 1 }] });
  });

  test("lets arrayMode in the body override the header", async () => {
    const response = await post(cloud, { query: "SELECT 1 AS n", arrayMode: false }, arrays);
    expect(await response.json()).toMatchObject({ rowAsArray: false, rows: [{ n: 1 }] });
  });

  test("runs one statement only", async () => {
    const response = await post(cloud, { query: "SELECT 1; SELECT 2" });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: "42601",
      message: "cannot insert multiple commands into a prepared statement",
    });
  });

  test("refuses parameters that the statement does not have", async () => {
    const response = await post(cloud, { query: "SELECT 1", params: ["1"] });
    expect(await response.json()).toMatchObject({ code: "08P01" });
  });

  test("answers an error with every field, absent ones null", async () => {
    const table = cloud.table();
    await value(cloud, `CREATE TABLE ${table} (a int CONSTRAINT positive CHECK (a > 0))`);
    const response = await post(cloud, { query: `INSERT INTO ${table} VALUES (0)` });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({
      message: `new row for relation "${table.split(".")[1]}" violates check constraint "positive"`,
      code: "23514",
      detail: "Failing row contains (0).",
      hint: null,
      position: null,
      internalPosition: null,
      internalQuery: null,
      severity: "ERROR",
      where: null,
      table: table.split(".")[1],
      column: null,
      schema: cloud.schema,
      dataType: null,
      constraint: "positive",
      file: "execMain.c",
      line: expect.stringMatching(/^\d+$/),
      routine: "ExecConstraints",
    });
  });

  test("gives the driver code and position of a syntax error", async () => {
    const failure = neon(cloud.databaseUrl).query("SELECT nowhere");
    await expect(failure).rejects.toMatchObject({ name: "NeonDbError", code: "42703", position: "8" });
  });

  test.each([
    ["is not JSON", "{", 400],
    ["has neither query nor queries", "{}", 400],
    ["has a query that is no string", '{"query": 1}', 400],
    ["has params that are no array", '{"query": "SELECT 1", "params": {}}', 400],
    ["is not an object", "1", 400],
  ])("refuses a body that %s", async (_, body, status) => {
    const response = await post(cloud, body);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({
      message: expect.stringMatching(/^could not parse the HTTP request body: /),
      code: null,
    });
  });

  test("refuses a request of more than 10 MiB with 413", async () => {
    const response = await post(cloud, { query: "SELECT $1", params: ["x".repeat(10 * 1024 * 1024)] });
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({
      message: "request is too large (max is 10485760 bytes)",
    });
  });

  test("refuses an answer of more than 10 MiB with 507", async () => {
    const query = "SELECT repeat('x', 1024 * 1024) FROM generate_series(1, 11)";
    const response = await post(cloud, { query }, raw);
    expect(response.status).toBe(507);
    expect(await response.json()).toMatchObject({
      message: "response is too large (max is 10485760 bytes)",
    });
  });

  test("gives web pages nothing: no CORS headers, and no answer to a name that merely leads here", async () => {
    const preflight = await fetch(cloud.endpointUrl, {
      method: "OPTIONS",
      headers: { Origin: "https://evil.test" },
    });
    expect(preflight.status).toBe(400);
    expect(preflight.headers.get("access-control-allow-origin")).toBeNull();
    const { hostname, port } = new URL(cloud.endpointUrl);
    const [rebound] = await once(
      get({ hostname, port, path: "/channels/default", headers: { Host: "evil.test" } }),
      "response",
    );
    expect(rebound.statusCode).toBe(403);
    rebound.resume();
  });

  test("supports nothing but POST there", async () => {
    const response = await fetch(cloud.endpointUrl);
    expect(response.status).toBe(400);
    expect(await response.json()).toBe("query is not supported");
  });
});
