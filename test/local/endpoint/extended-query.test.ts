import { expect, onTestFinished, test } from "vitest";
import { describeStatement } from "../../../local/endpoint/extended-query.ts";
import { openEndpoint } from "../../../local/endpoint/server.ts";
import { openRelay } from "./relay.ts";
import { direct, newName, newTable, post, rowsIn, sql, statement } from "./support.ts";

// P Parse, D Describe or a row, H Flush, B Bind, E Execute or an error, S Sync, Q simple query. Answers: 1 parsed,
// t parameters, T columns, n no columns, 2 bound, C complete, N notice (ROLLBACK without a transaction), Z ready.
test.each([
  ["with rows", statement("SELECT $1::int", "1"), "PDH1tTBES2DCZ"],
  ["without rows", statement("SET work_mem = '7MB'"), "PDH1tnBES2CZ"],
  ["that cannot be parsed", statement("SELECT nowhere"), "PDHESZ"],
  ["that fails", statement("SELECT $1::int", "x"), "PDH1tTBESEZ"],
])(
  "a statement %s goes to PostgreSQL as Neon's proxy sends it, followed by a reset",
  async (_, body, types) => {
    const { url: databaseUrl, messages } = await openRelay();
    const { url, front, stop } = await openEndpoint(0);
    onTestFinished(stop);
    front(databaseUrl);
    for (const _request of [1, 2]) await post(body, { "Neon-Connection-String": databaseUrl }, { url });
    expect(messages.join("")).toMatch(new RegExp(`Z${types}QN[^Z]*Z${types}`));
  },
);

test("COPY FROM STDIN returns 400 and copies nothing, and the connection can be used again", async () => {
  const table = await newTable();
  const answer = await post(statement(`COPY ${table} FROM STDIN`));
  const message = expect.stringContaining("there is no COPY FROM STDIN over HTTP");
  expect(answer).toMatchObject({ status: 400, body: { message, code: "57014" } });
  expect(await rowsIn(table)).toBe(0);
  expect(await sql`SELECT 1 AS n`).toEqual([{ n: 1 }]);
});

test("a constraint that fails at the end of its statement's transaction is the statement's error", async () => {
  const table = await newTable("a int CONSTRAINT once UNIQUE DEFERRABLE INITIALLY DEFERRED");
  const insert = sql.query(`INSERT INTO ${table} VALUES (1), (1)`);
  await expect(insert).rejects.toMatchObject({ code: "23505", constraint: "once" });
});

test("describeStatement returns the types of parameters and columns, and executes nothing", async () => {
  const client = await direct.connect();
  onTestFinished(() => client.release());
  const table = await newTable("a int, b text");
  const insert = `INSERT INTO ${table} VALUES ($1, $2) RETURNING b, a AS "${newName()}"`;
  expect(await describeStatement(client, insert)).toMatchObject({
    parameterTypes: [23, 25],
    columns: [{ name: "b", dataTypeID: 25 }, { dataTypeID: 23 }],
  });
  expect(await describeStatement(client, `DELETE FROM ${table}`)).toMatchObject({
    parameterTypes: [],
    columns: [],
  });
  await expect(describeStatement(client, "SELECT nowhere")).rejects.toMatchObject({ code: "42703" });
  expect(await rowsIn(table)).toBe(0);
  expect((await client.query("SELECT 1 AS n")).rows).toEqual([{ n: 1 }]);
});
