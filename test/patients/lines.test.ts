import { expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { refusal } from "../support/problems.ts";
import { newPatient } from "../support/records.ts";
import { CSV, imported, NDJSON, patientsOf, withoutIds } from "./files.ts";

test.each<[what: string, csv: string, fields: string[]]>([
  ["a column that is none", "firstname,lastname,email,age,gender,ward\n", ["1.ward"]],
  ["more columns than there are", `${Array.from({ length: 40_000 }, (_, n) => `c${n}`)}\n`, ["1.body"]],
  ["a missing column", "firstname,lastname,email\n", ["1.age", "1.gender"]],
  ["a column twice", "firstname,lastname,email,age,gender,age\n", ["1.age"]],
  ["a cell too few", "firstname,lastname,email,age,gender\nA,B,a@b.org,1\n", ["2.body"]],
  ["a quotation mark in the middle", 'firstname,lastname,email,age,gender\nA"B,C,a@b.org,1,F\n', ["2.body"]],
  ["a quotation mark left open", 'firstname,lastname,email,age,gender\n"A,C,a@b.org,1,F\n', ["2.body"]],
  [
    "an age that is no number",
    "firstname,lastname,email,age,gender\nA,B,a@b.org,1.5,F\nA,B,c@b.org,,F\n",
    ["2.age", "3.age"],
  ],
])("CSV with %s is 400 and says where", async (_, csv, fields) => {
  expect(await imported(await newAccount(), csv, CSV)).toEqual(refusal(...fields));
});

test("NDJSON with a line that is none is 400 and says where; lines with nothing on them count, and are passed over", async () => {
  const account = await newAccount();
  const twice = '{"firstname": "Ada", "firstnam\\u0065": "Eve"}';
  const file = `\n${JSON.stringify(newPatient())}\r\n\n{"firstname": \n[]\n${twice}\n`;
  const answer = await imported(account, file);
  expect(answer).toEqual(refusal("4.body", "5.body", "6.body"));
  expect(answer.body.errors["6.body"]).toEqual(["The same key twice in one object"]);
});

test("a line whose field has a name that PostgreSQL cannot store is refused like any other, and alone", async () => {
  const account = await newAccount();
  const file = ['{"a\\u0000b": 1}', '{"\\ud800": 1}', JSON.stringify(newPatient())].join("\n");
  const { status, body } = await imported(account, file, NDJSON, "?partial=true");
  expect([status, body.created.length]).toEqual([200, 1]);
  expect(
    body.refused.map(({ line, errors }: { line: number; errors: object }) => [line, Object.keys(errors)]),
  ).toEqual([
    [1, expect.arrayContaining(["a\ufffdb"])],
    [2, expect.arrayContaining(["\ufffd"])],
  ]);
});

test("of many lines and fields that are not valid 20 are named, and all are counted", async () => {
  const account = await newAccount();
  const unknown = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`${"x".repeat(200)}${n}`, 1]));
  const line = JSON.stringify({ ...newPatient({ age: -1 }), ...unknown });
  const all = await imported(account, Array(50).fill(line).join("\n"));
  expect([all.status, all.body.detail]).toEqual([400, "1550 fields are not valid; the first 20 are named."]);
  expect(Object.keys(all.body.errors).length).toBe(20);
  const { body } = await imported(account, `${line}\n${line}`, NDJSON, "?partial=true");
  const errors = { age: [expect.any(String)], [`${"x".repeat(100)}…`]: ["Unknown field"] };
  expect(body.refused).toEqual([1, 2].map((at) => ({ line: at, errors })));
  const csv = await imported(account, `firstname,${"x".repeat(5000)}\nAda,1`, CSV);
  expect(Object.keys(csv.body.errors)).toContain(`1.${"x".repeat(100)}…`);
});

test("a CSV's fields are in any order, its lines end anyhow, and a record may have several lines", async () => {
  const account = await newAccount();
  const csv =
    'email,gender,"lastname",firstname,age\r"a@b.org",F,"Love\nlace",Ada, 36\n\nc@d.org,M,Babbage,Charles,79';
  const { status, body } = await imported(account, csv, CSV);
  expect([status, body.created.map(({ line }: { line: number }) => line)]).toEqual([201, [2, 5]]);
  expect(withoutIds(await patientsOf(account))).toMatchObject([
    { firstname: "Ada", lastname: "Love\nlace", age: 36 },
    { firstname: "Charles", lastname: "Babbage", age: 79 },
  ]);
});
