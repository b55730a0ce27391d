import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { withClient } from "../../ops/command.ts";
import { migrate } from "../../ops/migrate.ts";
import { createRole } from "../../ops/role.ts";
import { readStatementText } from "../../ops/statement-files.ts";
import { statementFunctions } from "../../src/db/sql/functions.ts";
import { newDatabase, query, random } from "./support.ts";

// Whether the role of the Worker may do what each statement does, and whether the function of a statement is callable.

const name = random("test_role");
let drop: () => Promise<unknown>;
let worker: string;
beforeAll(async () => {
  const database = await newDatabase();
  drop = database.drop;
  await migrate(database.url);
  worker = await createRole(database.url, name);
});
afterAll(async () => {
  await drop();
  await query(inject("database").serverUrl, `DROP ROLE IF EXISTS ${name}`);
});

/**
 * Explains a statement as the Worker's role, with NULL for each parameter. PostgreSQL plans it as for a function and
 * checks the privileges on every table and column.
 */
const explain = (text: string, paramCount: number) =>
  withClient(worker, async (client) => {
    const nulls = Array(paramCount).fill("NULL").join(", ");
    await client.query("SET plan_cache_mode = force_generic_plan");
    await client.query(`PREPARE statement AS ${text}`);
    const { rows } = await client.query(`EXPLAIN EXECUTE statement${nulls && `(${nulls})`}`);
    return rows;
  });

const generatedStatements = Object.entries(statementFunctions);

test.each(generatedStatements)(
  "the role may execute the text of %s, and call its function",
  async (statement, own) => {
    const types = Object.values(own.params);
    expect(await explain(readStatementText(statement), types.length)).not.toEqual([]);
    const nulls = types.map((type) => `NULL::${type}`).join(", ");
    expect(await query(worker, `EXPLAIN SELECT * FROM statements.${own.function}(${nulls})`)).not.toEqual([]);
  },
);

test.each([
  ["a column that the role may not write", "UPDATE users SET username = $1::text WHERE id = $2::int"],
  [
    "a table that it may not delete from",
    "WITH d AS (DELETE FROM users WHERE id = $2::int RETURNING $1::text) SELECT FROM d",
  ],
  ["a table that it may not read", "SELECT $1::text, $2::int FROM drizzle.__drizzle_migrations"],
])("this check finds %s", async (_, text) => {
  await expect(explain(text, 2)).rejects.toMatchObject({ code: "42501" });
});
