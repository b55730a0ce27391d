import { expect, test } from "vitest";
import { describeOnDatabase, post, value } from "./support.ts";

describeOnDatabase("A value", (cloud) => {
  test.each([
    ["true", true],
    ["'-32768'::int2", -32768],
    ["2147483647", 2147483647],
    ["9007199254740993::int8", "9007199254740993"],
    ["1.10::numeric", "1.10"],
    ["1.5::float4", 1.5],
    ["1e300::float8", 1e300],
    ["'NaN'::float8", "NaN"],
    ["'-Infinity'::float4", "-Infinity"],
    ["'x'::text", "x"],
    ["'2026-01-02'::date", "2026-01-02"],
    ["NULL::int", null],
    [`'{"a": [1, null]}'::jsonb`, { a: [1, null] }],
    ["'{1,NULL,3}'::int[]", [1, null, 3]],
    [
      "'{{t,f},{f,t}}'::bool[]",
      [
        [true, false],
        [false, true],
      ],
    ],
    [`'{"a b","c\\"d","e\\\\f",NULL,"NULL",""}'::text[]`, ["a b", 'c"d', "e\\f", null, "NULL", ""]],
    ["'[2:3]={1.5,NaN}'::float8[]", [1.5, "NaN"]],
    [`ARRAY['{"a": "}"}'::json, '[1]']`, [{ a: "}" }, [1]]],
    ["'{}'::int[]", []],
    ["'1 2'::int2vector", "1 2"],
  ])("%s has its JSON type", async (expression, expected) => {
    expect(await value(cloud, `SELECT ${expression}`)).toEqual(expected);
  });

  test("of an array type that was made later is an array", async () => {
    const type = cloud.table();
    await value(cloud, `CREATE TYPE ${type} AS ENUM ('a', 'b c')`);
    expect(await value(cloud, `SELECT ARRAY['a', 'b c']::${type}[]`)).toEqual(["a", "b c"]);
  });

  test("of type json is passed on as PostgreSQL has it", async () => {
    const response = await post(cloud, {
      query: `SELECT '{"n":  1.10, "big": 9007199254740993}'::json AS j`,
    });
    expect(await response.text()).toContain('{"j":{"n":  1.10, "big": 9007199254740993}}');
  });

  test("in a column named __proto__ is kept", async () => {
    const response = await post(cloud, { query: 'SELECT 1 AS "__proto__"' });
    expect(await response.text()).toContain('"rows":[{"__proto__":1}]');
  });

  test.each([
    ["null", null],
    ["true", "true"],
    ["9007199254740993", "9007199254740993"],
    ["1.10", "1.10"],
    ['"as it is \\" \\\\"', 'as it is " \\'],
    ['{"b":1.0,"a":[9007199254740993]}', '{"b":1.0,"a":[9007199254740993]}'],
    ['[1,"a\\"b\\\\",null,"NULL",true]', '{1,"a\\"b\\\\",NULL,"NULL",true}'],
    ["[[1,2],[3,null]]", "{{1,2},{3,NULL}}"],
    ['[{"a":"x"}]', '{"{\\"a\\":\\"x\\"}"}'],
    ["[]", "{}"],
  ])("given as the parameter %s becomes PostgreSQL's text", async (json, expected) => {
    const response = await post(cloud, `{"query": "SELECT $1::text AS v", "params": [${json}]}`);
    expect(await response.json()).toMatchObject({ rows: [{ v: expected }] });
  });
});
