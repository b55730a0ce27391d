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
