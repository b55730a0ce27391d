import { expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { fieldProblem } from "../support/problems.ts";
import { newPatient } from "../support/resources.ts";
import { CSV, imported, NDJSON, patientRecordsOf, withoutIds } from "./files.ts";

const HEADER = "firstname,lastname,email,age,gender";

test.each<[what: string, csv: string, codes: Record<string, string>]>([
  ["an unknown column", `${HEADER},ward\n`, { "1.column_6": "unknown_column" }],
  [
    "40,000 unknown columns",
    `${Array.from({ length: 40_000 }, (_, n) => `c${n}`)}\n`,
    { "1.body": "too_many" },
  ],
  [
    "a missing column",
    "firstname,lastname,email\n",
    { "1.age": "missing_column", "1.gender": "missing_column" },
  ],
  ["the same column twice", `${HEADER},age\n`, { "1.age": "duplicate_column" }],
  ["too few cells", `${HEADER}\nA,B,a@b.org,1\n`, { "2.body": "wrong_cell_count" }],
  ["a quotation mark in the middle", `${HEADER}\nA"B,C,a@b.org,1,F\n`, { "2.body": "invalid_csv" }],
  ["an unclosed quotation mark", `${HEADER}\n"A,C,a@b.org,1,F\n`, { "2.body": "invalid_csv" }],
  ["more than 64 cells", `${HEADER}\n${"x,".repeat(64)}x\nA,B,a@b.org,1,F\n`, { "2.body": "too_many" }],
  [
    "a cell of more than 8,192 characters, even in an ignored column,",
    `${HEADER},id\nA,B,a@b.org,1,F,"${"\n".repeat(8193)}"\nA,B,c@d.org,200,F,7\n`,
    { "2.body": "too_long", "8196.age": "too_big" },
  ],
  [
    "a quotation mark that is closed in the middle",
    `${HEADER}\n"A"B,C,a@b.org,1,F\n`,
    { "2.body": "invalid_csv" },
  ],
  [
    "an age that is not an integer",
    `${HEADER}\nA,B,a@b.org,1.5,F\nA,B,c@b.org,,F\n`,
    { "2.age": "invalid_type", "3.age": "required" },
  ],
])("CSV with %s is 400 and names the line and field", async (_, csv, codes) => {
  const answer = await imported(await newAccount(), csv, CSV);
  expect(answer).toEqual(fieldProblem(...Object.keys(codes)));
  const expected = Object.entries(codes).map(([field, code]) => [field, [code]]);
  expect(answer.body.error_codes).toEqual(Object.fromEntries(expected));
});

test("NDJSON with invalid lines is 400 and names them; empty lines are skipped but counted", async () => {
  const account = await newAccount();
  const duplicateKey = '{"firstname": "Ada", "firstnam\\u0065": "Eve"}';
  const file = `\n${JSON.stringify(newPatient())}\r\n\n{"firstname": \n[]\n${duplicateKey}\n`;
  const answer = await imported(account, file);
  expect(answer).toEqual(fieldProblem("4.body", "5.body", "6.body"));
  expect(answer.body.errors["6.body"]).toEqual(["Duplicate key in an object"]);
  const codes = { "4.body": ["invalid_json"], "5.body": ["invalid_type"], "6.body": ["duplicate_key"] };
  expect(answer.body.error_codes).toEqual(codes);
});

test("a line with a field name that PostgreSQL cannot store is refused, and the other lines are imported", async () => {
  const account = await newAccount();
  const file = ['{"a\\u0000b": 1}', '{"\\ud800": 1}', JSON.stringify(newPatient())].join("\n");
  const { status, body } = await imported(account, file, NDJSON, "?partial=true");
  expect([status, body.created.length]).toEqual([200, 1]);
  expect(
    body.refused.map(({ line, errors }: { line: number; errors: object }) => [line, Object.keys(errors)]),
  ).toEqual([
    [1, expect.arrayContaining(["unknown_key"])],
    [2, expect.arrayContaining(["unknown_key"])],
  ]);
});

test("of many invalid lines and fields 20 are named, and all are counted", async () => {
  const account = await newAccount();
  const unknown = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`${"x".repeat(200)}${n}`, 1]));
  const line = JSON.stringify({ ...newPatient({ age: -1 }), ...unknown });
  const refused = await imported(account, Array(50).fill(line).join("\n"));
  expect([refused.status, refused.body.detail]).toEqual([
    400,
    "1550 fields are not valid; the first 20 are named.",
  ]);
  expect(Object.keys(refused.body.errors).length).toBe(20);
  const { body } = await imported(account, `${line}\n${line}`, NDJSON, "?partial=true");
  const errors = { age: [expect.any(String)], unknown_key: ["Unknown field"] };
  const error_codes = { age: ["too_small"], unknown_key: ["unknown_field"] };
  expect(body.refused).toEqual([1, 2].map((at) => ({ line: at, errors, error_codes })));
  const csv = await imported(account, `firstname,${"x".repeat(5000)}\nAda,1`, CSV);
  expect(Object.keys(csv.body.errors)).toContain("1.column_2");
});

test("CSV columns come in any order, lines end with CR or LF, and a cell may contain line breaks", async () => {
  const account = await newAccount();
  const csv =
    'email,gender,"lastname",firstname,age\r"a@b.org",F,"Love\nlace",Ada, 36\n\nc@d.org,M,Babbage,Charles,79';
  const { status, body } = await imported(account, csv, CSV);
  expect([status, body.created.map(({ line }: { line: number }) => line)]).toEqual([201, [2, 5]]);
  expect(withoutIds(await patientRecordsOf(account))).toMatchObject([
    { firstname: "Ada", lastname: "Love\nlace", age: 36 },
    { firstname: "Charles", lastname: "Babbage", age: 79 },
  ]);
});

test("a cell of 8,192 characters is read, also when all of them are quotation marks", async () => {
  const cell = (length: number) => `"${'""'.repeat(length)}"`;
  const csv = (length: number) => `firstname,lastname,email,age,gender,id\nA,B,a@b.org,1,F,${cell(length)}\n`;
  const account = await newAccount();
  const refused = await imported(account, csv(8193), CSV);
  expect(refused).toEqual(fieldProblem("2.body"));
  expect(refused.body.errors["2.body"]).toEqual(["A cell is longer than 8,192 characters"]);
  expect((await imported(account, csv(8192), CSV)).status).toBe(201);
});

test("with partial=true a line that is too large is refused, and the other lines are imported", async () => {
  const account = await newAccount();
  const fields = Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`field${n}`, 0]));
  const long = JSON.stringify(newPatient({ firstname: "x".repeat(64 * 1024) }));
  const ndjson = [JSON.stringify(fields), long, JSON.stringify(newPatient())].join("\n");
  const { status, body } = await imported(account, ndjson, NDJSON, "?partial=true");
  expect([status, body.created.map(({ line }: { line: number }) => line)]).toEqual([200, [3]]);
  expect(body.refused).toEqual([
    { line: 1, errors: { body: ["More than 64 fields"] }, error_codes: { body: ["too_many"] } },
    { line: 2, errors: { body: ["Longer than 65,536 characters"] }, error_codes: { body: ["too_long"] } },
  ]);
  const csv = `firstname,lastname,email,age,gender\n${"x,".repeat(70)}\n${"x".repeat(9000)},B,a@b.org,1,F\nA,B,a@b.org,1,F`;
  const { body: answer } = await imported(account, csv, CSV, "?partial=true");
  expect(answer.created.map(({ line }: { line: number }) => line)).toEqual([4]);
  expect(answer.refused).toEqual([
    { line: 2, errors: { body: ["More than 64 cells"] }, error_codes: { body: ["too_many"] } },
    {
      line: 3,
      errors: { body: ["A cell is longer than 8,192 characters"] },
      error_codes: { body: ["too_long"] },
    },
  ]);
});
