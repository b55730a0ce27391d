import { describe, expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { watchConsole } from "../support/console.ts";
import { fieldProblem, problem } from "../support/problems.ts";
import { postPatient } from "../support/resources.ts";
import { CSV, exported, imported, NDJSON, patientRecordsOf, withoutIds } from "./files.ts";

const ada = { firstname: "Ada", lastname: "Lovelace", email: "ada@example.org", age: 47, gender: "F" };
const jose = { firstname: "José", lastname: "Núñez", email: "jose@example.org", age: 33, gender: "M" };

/** Imports a file into a new account. @returns the answer and the patients */
async function importInto(file: BodyInit, query = "") {
  const account = await newAccount();
  const { status, body } = await imported(account, file, CSV, query);
  return { status, body, patients: withoutIds(await patientRecordsOf(account)) };
}

const header = "firstname,lastname,email,age,gender";
const adaLine = "Ada,Lovelace,ada@example.org,47,F";
const joseLine = "José,Núñez,jose@example.org,33,M";
const withSemicolons = (text: string) => text.replaceAll(",", ";");
const withTabs = (text: string) => text.replaceAll(",", "\t");
const file = `${header}\r\n${adaLine}\r\n${joseLine}\r\n`;

describe("CSV is imported as", () => {
  test.each<[what: string, file: string]>([
    ["UTF-8 with a byte order mark, semicolons and quotes", `\ufeff${withSemicolons(file)}`],
    ["UTF-8 with two byte order marks and a quoted header", `\ufeff\ufeff"firstname"${file.slice(9)}`],
    ["tabs", withTabs(file)],
    ["semicolons after sep=;", `sep=;\r\n${withSemicolons(file)}`],
    ['commas after "sep=,", which another program has saved', `"sep=,",,,,\r\n${file}`],
    ["commas after sep=;, which another program has saved", `SEP=;,,,,\n${file}`],
    ["tabs after sep=", `\ufeffsep=\t\n${withTabs(file)}`],
    ["lines that end with LF", file.replaceAll("\r\n", "\n")],
    ["lines that end with CR", file.replaceAll("\r\n", "\r")],
    ["lines that end with CR, LF and both", `${header}\r${adaLine}\n${joseLine}\r\n`],
    ["a last line without an end", file.trimEnd()],
    [
      "blank rows before, between and after",
      `\r\n;;\n , \t,\n${header}\n,,,,\n${adaLine}\n" ","",\n,\n${joseLine}\n\n`,
    ],
    [
      "a row of quoted line breaks, and invisible characters",
      `${file}"\n","\n",,,\n\u200b,\u00a0,\u3000,\ufeff,\n`,
    ],
    ["a last line of spaces", `${file}     `],
    ["a last line of Ctrl-Z", `${file}\x1a`],
    ["Ctrl-Z after the last cell", `${file.trimEnd()}\x1a`],
    ["columns without header and content at the end", file.replaceAll("\r\n", ",,\r\n")],
    ["300 columns without header and content", file.replaceAll("\r\n", `${",".repeat(300)}\r\n`)],
    ["columns without header in some rows only", `${header},,\n${adaLine}\n${joseLine}, \n`],
    [
      "rows without the blank cells at the end, which Excel leaves out",
      `${header},id,updated_at,,\n${adaLine}\n${joseLine},7\n`,
    ],
    ["a column without header and content in the middle", file.replaceAll(/^([^,]+),/gm, "$1, ,")],
    [
      "cells with spaces around",
      `${header}\n Ada ,\u00a0Lovelace\u00a0,\u3000ada@example.org\u3000,\ufeff 47 , F\t\n "José" , Núñez,"jose@example.org"\u00a0,33 ,"M "\n`,
    ],
    [
      "cells with invisible characters around, which Windows adds to copied text",
      `${header}\n\u202aAda\u202c,\u200eLovelace,\u200bada@example.org\u2060,\u200e47\u200f,F\u200b\n${joseLine}\n`,
    ],
    ["headers in capitals", file.replace(header, header.toUpperCase())],
    [
      "headers in capitals and small letters of Turkish",
      file.replace(header, "FİRSTNAME,LASTNAME,emaıl,AGE,GENDER"),
    ],
    ["headers with dots, which R writes", file.replace(header, "First.Name,Last.Name,E.mail,Age,Gender")],
    ["headers with marks of a form", file.replace(header, "First name:,Last name *,(E-mail),Age?,'gender")],
    [
      "headers as people write them",
      file.replace(header, " First name ,LAST-NAME, E-mail,Age\u00a0,\u200bGender"),
    ],
    [
      "headers in camel case and with underscores",
      file.replace(header, 'FirstName,last_name,"Email",AGE,gender'),
    ],
    [
      "headers with a separator in quotes",
      file.replace(header, '"first\nname","last name",email,age,gender'),
    ],
  ])("%s", async (_, text) => {
    expect(await importInto(text)).toMatchObject({ status: 201, patients: [ada, jose] });
  });

  test.each([["LE"], ["BE"]])("UTF-16%s with tabs, which Excel calls Unicode Text", async (order) => {
    const text = `\ufeff${withTabs(file)}`;
    const bytes = new DataView(new ArrayBuffer(2 * text.length));
    for (let at = 0; at < text.length; at += 1) bytes.setUint16(2 * at, text.charCodeAt(at), order === "LE");
    expect(await importInto(bytes.buffer as ArrayBuffer)).toMatchObject({
      status: 201,
      patients: [ada, jose],
    });
  });
});

test.each([
  ["M", ["m", "M", "male", "Male", "MALE", " male "]],
  ["F", ["f", "female", "Female"]],
  ["O", ["o", "other", "Other"]],
  ["U", ["u", "unknown", "UNKNOWN"]],
])("a gender %s in CSV is also written as %j, and in NDJSON it is not", async (gender, words) => {
  const lines = words.map((word, n) => `Ada,Lovelace,${n}@example.org,47,${word}`);
  const { status, patients } = await importInto([header, ...lines].join("\n"));
  expect([status, patients.map((patient) => patient.gender)]).toEqual([201, words.map(() => gender)]);
  const json = words
    .filter((word) => word !== gender)
    .map((word) => JSON.stringify({ ...ada, gender: word }));
  const refused = await imported(await newAccount(), json.join("\n"), NDJSON);
  expect(refused).toEqual(fieldProblem(...json.map((_, n) => `${n + 1}.gender`)));
});

test("an age in CSV is also written as a decimal without a fraction; 47.5, 47.000, 1e1 and a blank cell are refused", async () => {
  const rows = (ages: string[]) =>
    [withSemicolons(header), ...ages.map((age, n) => `Ada;Lovelace;${n}@example.org;${age};F`)].join("\n");
  const valid = ["47", "47.0", "47.00", "47,0", "47,00", "047", " 47 ", '"47"'];
  const { status, patients } = await importInto(rows(valid));
  expect([status, patients.map(({ age }) => age)]).toEqual([201, valid.map(() => 47)]);
  const invalid = ["47.5", "47,5", "47.000", "1e1", "-1", "-1,0", "121.0", "forty", "", " "];
  const answer = await imported(await newAccount(), rows(invalid), CSV);
  expect(answer).toEqual(fieldProblem(...invalid.map((_, n) => `${n + 2}.age`)));
  expect(Object.values(answer.body.error_codes).flat()).toEqual([
    ...Array(4).fill("invalid_type"),
    ...["too_small", "too_small", "too_big", "invalid_type", "required", "required"],
  ]);
});

test.each<[what: string, text: string, fields: string[]]>([
  ["without a header", `${adaLine}\n${joseLine}\n`, ["body", 1, 2, 3, 4, 5].map(fieldOfLine1)],
  ["without a header, with semicolons", withSemicolons(adaLine), ["body", 1, 2, 3, 4, 5].map(fieldOfLine1)],
  ["with an unknown column", `${header},Grace\n`, ["1.column_6"]],
  [
    "with two unknown columns",
    `${header},grace@example.org,${"x".repeat(9)}\n`,
    ["1.column_6", "1.column_7"],
  ],
  [
    "with an unknown, a missing and a duplicate column",
    "First name,firstname,Grace,email,age,gender\n",
    ["1.firstname", "1.column_3", "1.lastname"],
  ],
  ["with a cell right of the header", `${header}\n${adaLine},Grace\n`, ["2.column_6"]],
  ["with a cell under an empty header at the end", `${header},,\n${adaLine},,Grace\n`, ["2.column_7"]],
  [
    "with a cell under an empty header in the middle",
    `firstname,,lastname,email,age,gender\nAda,Grace,B,a@b.org,1,F\n`,
    ["2.column_2"],
  ],
  ["with a header of bars", header.replaceAll(",", "|"), ["1.body", "1.column_1"]],
])("CSV %s is 400, names the columns by number and repeats no cell", async (_, text, fields) => {
  const answer = await imported(await newAccount(), text, CSV);
  expect(answer).toEqual(fieldProblem(...fields));
  expect(JSON.stringify(answer.body)).not.toMatch(/Ada|Lovelace|Grace|example\.org|xxx/);
});

function fieldOfLine1(field: string | number): string {
  return typeof field === "string" ? `1.${field}` : `1.column_${field}`;
}

test("a file without a header with partial=true is 400 too, and no log has its content", async () => {
  const printed = watchConsole();
  const account = await newAccount(connectApi());
  const answer = await imported(
    account,
    `Grace,Hopper,grace@example.org,85,F\n${adaLine}`,
    CSV,
    "?partial=true",
  );
  expect([answer.status, Object.keys(answer.body.errors)[0]]).toEqual([400, "1.body"]);
  expect(answer.body.error_codes["1.body"]).toEqual(["missing_header"]);
  expect(answer.body.errors["1.body"]).toEqual([
    "There is no header: the first line must name the columns firstname, lastname, email, age or birth_date, gender",
  ]);
  const json = JSON.stringify({ ...ada, "grace@example.org": 1 });
  expect((await imported(account, json)).body.errors).toEqual({ "1.unknown_key": ["Unknown field"] });
  const { body } = await imported(account, json, NDJSON, "?partial=true");
  expect(body.refused).toEqual([
    { line: 1, errors: { unknown_key: ["Unknown field"] }, error_codes: { unknown_key: ["unknown_field"] } },
  ]);
  expect(printed().join("\n")).not.toMatch(/Grace|grace@/);
});

describe("a line of CSV with a broken quotation mark", () => {
  test.each<[what: string, line: string]>([
    ["that is not closed", '"Grace,Hopper,g@example.org,85,F'],
    ["that is not closed, in a later cell", 'Grace,Hopper,g@example.org,"85,F'],
    ["in a cell that is not quoted", 'Gra"ce,Hopper,g@example.org,85,F'],
    ["and text after it", '"Grace" M.,Hopper,g@example.org,85,F'],
    ["that is not doubled", '"Grace "Amazing"",Hopper,g@example.org,85,F'],
  ])("%s is refused, and the others are imported", async (_, line) => {
    for (const next of [adaLine, adaLine.replace("Ada", '"Ada"'), adaLine.replace("F", '"F"')]) {
      const text = `${header}\n${joseLine}\n${line}\n${next}\n`;
      const { status, body, patients } = await importInto(text, "?partial=true");
      expect([status, patients]).toEqual([200, [jose, ada]]);
      expect(body.refused).toEqual([
        {
          line: 3,
          errors: { body: [expect.stringMatching("quotation mark")] },
          error_codes: { body: ["invalid_csv"] },
        },
      ]);
      expect(await imported(await newAccount(), text, CSV)).toEqual(fieldProblem("3.body"));
    }
  });

  test.each(["\n", ""])(
    "whose record has too few cells is refused, and the next line is read, if the file ends with %j",
    async (end) => {
      const text = `${header}\n"Grace,Hopper,g@example.org,85,F\nAda,",L${end}`;
      const { body } = await importInto(text, "?partial=true");
      expect(body.refused.map(({ line }: { line: number }) => line)).toEqual([2, 3]);
    },
  );

  test("that a mark many lines later closes is refused alone", async () => {
    const between = Array.from({ length: 50 }, (_, n) => `Ada,Lovelace,${n}@example.org,47,F`);
    const lines = [header, '"Grace,Hopper,g@example.org,85,F', ...between, 'Bo",B'];
    const { body } = await importInto(lines.join("\n"), "?partial=true");
    expect(body.created.map(({ line }: { line: number }) => line)).toEqual(between.map((_, n) => n + 3));
    expect(body.refused.map(({ line }: { line: number }) => line)).toEqual([2, 53]);
  });
});

test.each<[what: string, bytes: number[]]>([
  ["Windows-1252", [...new TextEncoder().encode(`${header}\nJos`), 0xe9, 0x2c]],
  ["UTF-16 without a byte order mark", [0x66, 0, 0x69, 0, 0x72, 0]],
  ["an incomplete UTF-16", [0xff, 0xfe, 0x66]],
  ["an Excel workbook", [0x50, 0x4b, 3, 4, 0x14, 0, 6, 0]],
])("an import of %s is 400 and says how to save the file", async (_, bytes) => {
  expect(await imported(await newAccount(), new Uint8Array(bytes), CSV)).toEqual(
    problem(400, 'The file is not UTF-8. In a spreadsheet program, save it as "CSV UTF-8".'),
  );
});

test("an export that Excel opens and saves with semicolons is imported with the same values", async () => {
  const [from, to] = [await newAccount(), await newAccount()];
  for (const firstname of [
    "=1+1",
    "'t Hooft",
    "José",
    '"a", b',
    "A;=1+1",
    "a,b;c",
    "Love\nlace",
    "＝1",
    "-Oh",
  ])
    await postPatient(from, { firstname, lastname: `${firstname} x`, age: 47 });
  const { body } = await exported(from, CSV);
  // Excel quotes a cell only if it has to, and separates cells as the language of the computer does.
  const cells = /"((?:[^"]|"")*)"(,|\r\n)|([^,\r\n]*)(,|\r\n)/g;
  const saved = body.replace(
    cells,
    (_: string, quoted = "", end1 = "", plain = "", end2 = "") =>
      (/[";\n]/.test(quoted) ? `"${quoted}"` : quoted) + plain + (end1 || end2).replace(",", ";"),
  );
  expect(saved).toContain("\ufeffid;firstname;");
  expect((await imported(to, `${saved};;;;;;;;\r\n`, CSV)).status).toBe(201);
  expect(withoutIds(await patientRecordsOf(to))).toEqual(withoutIds(await patientRecordsOf(from)));
});
