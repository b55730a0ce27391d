import { once } from "node:events";
import { get } from "node:http";
import { expect, test } from "vitest";
import { endpoint, newTable, post, schema, sql, statement } from "./support.ts";

test("a result has all its fields described, and its values are text or null", async () => {
  const table = await newTable("a int, b boolean DEFAULT true");
  const [row] = await sql.query(`SELECT '${table}'::regclass::oid::int AS oid`);
  const types = { dataTypeID: 16, dataTypeSize: 1, dataTypeModifier: -1, format: "text" };
  expect(await post(statement(`INSERT INTO ${table} VALUES (NULL) RETURNING b, a`))).toMatchObject({
    status: 200,
    body: {
      command: "INSERT",
      rowCount: 1,
      rowAsArray: true,
      fields: [{ name: "b", tableID: row?.["oid"], columnID: 2, ...types }, { name: "a" }],
      rows: [["t", null]],
    },
  });
});

test.each([
  ["SELECT 1 FROM generate_series(1, 3)", "SELECT", 3],
  ["INSERT INTO % SELECT generate_series(1, 4)", "INSERT", 4],
  ["DELETE FROM %", "DELETE", 0],
  ["CREATE INDEX ON % (a)", "CREATE", null],
  ["", "", null],
])("%j returns the command %j and the row count %j", async (query, command, rowCount) => {
  const { body } = await post(statement(query.replace("%", await newTable())));
  expect(body).toMatchObject({ command, rowCount });
});

test.each([
  ["boolean", true],
  ["integer", 2147483647],
  ["bigint", "9007199254740993"],
  ["numeric", "1.10"],
  ["real", 1.5],
  ["double precision", Number.NEGATIVE_INFINITY],
  ["text", "quotes ' \" and \\ and \n lines, 患者 and 🩺"],
  ["text", null],
  ["uuid", "6f1c0a52-6a3f-4c55-9d0e-0e2f6f0a8f10"],
  ["timestamptz", new Date("2026-03-29T01:30:00.123Z")],
  ["date", new Date(2026, 1, 28)],
  ["time", "23:59:59.5"],
  ["bytea", Buffer.from([0, 1, 254, 255])],
  ["jsonb", { a: [1, null, "ü"], "b c": { d: true } }],
  ["int[]", []],
  ["int[]", [1, null, 3]],
  ["text[]", ["a b", 'c"d', "e\\f", null, "NULL", "", "{}", "ß,"]],
  ["text[][]", [["a"], ["b"]]],
])("a %s is returned as it was sent: %j", async (type, value) => {
  expect(await sql.query(`SELECT $1::${type} AS value`, [value])).toEqual([{ value }]);
});

test.each([
  ["SELECT nowhere", [], { name: "NeonDbError", code: "42703", position: "8" }],
  ["SELECT 1; SELECT 2", [], { code: "42601", message: expect.stringContaining("multiple commands") }],
  ["SELECT 1", ["one too many"], { code: "08P01" }],
])("the driver throws PostgreSQL's error for %j with %j", async (query, params, error) => {
  await expect(sql.query(query, params)).rejects.toMatchObject(error);
});

test("an error has every field, and those without a value are null", async () => {
  const table = await newTable("a int CONSTRAINT positive CHECK (a > 0)");
  const [, name] = table.split(".");
  const absent = ["hint", "position", "internalPosition", "internalQuery", "where", "column", "dataType"];
  const { status, body } = await post(statement(`INSERT INTO ${table} VALUES ($1)`, "0"));
  expect(status).toBe(400);
  expect(body).toEqual({
    ...Object.fromEntries(absent.map((field) => [field, null])),
    message: `new row for relation "${name}" violates check constraint "positive"`,
    code: "23514",
    detail: "Failing row contains (0).",
    severity: "ERROR",
    table: name,
    schema,
    constraint: "positive",
    file: "execMain.c",
    line: expect.stringMatching(/^\d+$/),
    routine: "ExecConstraints",
  });
});

test.each([
  ["is not JSON", "{"],
  ["has neither query nor queries", {}],
  ["has a query that is not text", { query: 1, params: [] }],
  ["has a parameter that is neither text nor null", { query: "SELECT $1", params: [1] }],
])("a body that %s returns 400", async (_, body) => {
  const message = expect.any(String);
  expect(await post(body)).toMatchObject({ status: 400, body: { message, code: null } });
});

test.each(["Neon-Raw-Text-Output", "Neon-Array-Mode"])("%s: false returns 400", async (name) => {
  const message = "Neon-Raw-Text-Output and Neon-Array-Mode must both be true";
  const headers = { [name]: "false" };
  expect(await post(statement("SELECT 1"), headers)).toMatchObject({ status: 400, body: { message } });
});

test("a request of more than 10 MiB returns 413", async () => {
  const message = "request is too large (max is 10485760 bytes)";
  const large = statement("SELECT $1", "x".repeat(10 * 1024 * 1024));
  expect(await post(large)).toMatchObject({ status: 413, body: { message } });
});

test("a result of more than 10 MiB returns 507, without waiting for the rest of it", async () => {
  const message = "response is too large (max is 10485760 bytes)";
  const large = statement("SELECT repeat('x', 10000), generate_series(1, 100000000)");
  expect(await post(large)).toMatchObject({ status: 507, body: { message } });
});

test("a Host that is not this machine's returns 403, so a web page cannot use a DNS name that leads here", async () => {
  const request = get(endpoint.url.replace("/sql", "/channels/default"), { headers: { Host: "evil.test" } });
  const [response] = await once(request, "response");
  response.resume();
  expect(response.statusCode).toBe(403);
});

test.each([
  ["OPTIONS", "/sql"],
  ["POST", "/"],
  ["POST", "/sql/more"],
])("%s %s returns 400, and no CORS headers", async (method, path) => {
  const url = new URL(path, endpoint.url).href;
  const answer = await post({}, { Origin: "http://evil.test" }, { url, method });
  expect(answer).toMatchObject({ status: 400, body: { message: "query is not supported" } });
  expect(answer.headers).not.toHaveProperty("access-control-allow-origin");
});
