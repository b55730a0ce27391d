import { expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { fieldProblem } from "../support/problems.ts";
import { newPatient } from "../support/resources.ts";
import { CSV, imported, NDJSON, patientRecordsOf, withoutIds } from "./files.ts";

test.each<[what: string, csv: string, fields: string[]]>([
  ["an unknown column", "firstname,lastname,email,age,gender,ward\n", ["1.column_6"]],
  ["40,000 unknown columns", `${Array.from({ length: 40_000 }, (_, n) => `c${n}`)}\n`, ["1.body"]],
  ["a missing column", "firstname,lastname,email\n", ["1.age", "1.gender"]],
  ["the same column twice", "firstname,lastname,email,age,gender,age\n", ["1.age"]],
  ["too few cells", "firstname,lastname,email,age,gender\nA,B,a@b.org,1\n", ["2.body"]],
  ["a quotation mark in the middle", 'firstname,lastname,email,age,gender\nA"B,C,a@b.org,1,F\n', ["2.body"]],
  ["an unclosed quotation mark", 'firstname,lastname,email,age,gender\n"A,C,a@b.org,1,F\n', ["2.body"]],
  [
    "more than 64 cells",
    `firstname,lastname,email,age,gender\n${"x,".repeat(64)}x\nA,B,a@b.org,1,F\n`,
    ["2.body"],
  ],
  [
    "a cell of more than 8,192 characters, even in an ignored column,",
    `firstname,lastname,email,age,gender,id\nA,B,a@b.org,1,F,"${"\n".repeat(8193)}"\nA,B,c@d.org,200,F,7\n`,
    ["2.body", "8196.age"],
  ],
  [
    "a quotation mark that is closed in the middle",
    'firstname,lastname,email,age,gender\n"A"B,C,a@b.org,1,F\n',
    ["2.body"],
  ],
  [
    "an age that is not an integer",
    "firstname,lastname,email,age,gender\nA,B,a@b.org,1.5,F\nA,B,c@b.org,,F\n",
    ["2.age", "3.age"],
  ],
])("CSV with %s is 400 and names the line and field", async (_, csv, fields) => {
  expect(await imported(await newAccount(), csv, CSV)).toEqual(fieldProblem(...fields));
});

test("NDJSON with invalid lines is 400 and names them; empty lines are skipped but counted", async () => {
  const account = await newAccount();
  const duplicateKey = '{"firstname": "Ada", "firstnam\\u0065": "Eve"}';
  const file = `\n${JSON.stringify(newPatient())}\r\n\n{"firstname": \n[]\n${duplicateKey}\n`;
  const answer = await imported(account, file);
  expect(answer).toEqual(fieldProblem("4.body", "5.body", "6.body"));
  expect(answer.body.errors["6.body"]).toEqual(["Duplicate key in an object"]);
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
  expect(body.refused).toEqual([1, 2].map((at) => ({ line: at, errors })));
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
    { line: 1, errors: { body: ["More than 64 fields"] } },
    { line: 2, errors: { body: ["Longer than 65,536 characters"] } },
  ]);
  const csv = `firstname,lastname,email,age,gender\n${"x,".repeat(70)}\n${"x".repeat(9000)},B,a@b.org,1,F\nA,B,a@b.org,1,F`;
  const { body: answer } = await imported(account, csv, CSV, "?partial=true");
  expect(answer.created.map(({ line }: { line: number }) => line)).toEqual([4]);
  expect(answer.refused).toEqual([
    { line: 2, errors: { body: ["More than 64 cells"] } },
    { line: 3, errors: { body: ["A cell is longer than 8,192 characters"] } },
  ]);
});
