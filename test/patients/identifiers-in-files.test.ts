import { expect, test } from "vitest";
import { newAccount, uniqueName } from "../support/accounts.ts";
import { connectApi } from "../support/api.ts";
import { newPatient, postIdentifierSystem, postPatient } from "../support/resources.ts";
import { CSV, exported, imported, patientRecordsOf } from "./files.ts";

const api = connectApi();
const [admin, nurse] = [await newAccount(api, "admin"), await newAccount(api)];
const { name: mrn } = await postIdentifierSystem(admin);
const { name: nhs } = await postIdentifierSystem(admin, { pattern: "\\d{10}", check_digit: "mod11" });
const newValue = () => uniqueName("v");
const HEADER = "firstname,lastname,email,age,gender,identifiers\r\n";
const row = (cell: string) => `Ada,King,${newPatient().email},36,F,"${cell}"\r\n`;
const ndjson = (...records: Record<string, unknown>[]) =>
  records.map((record) => JSON.stringify(newPatient(record))).join("\n");

test.each(["text/csv", "application/x-ndjson"])(
  "an export as %s is imported with the same identifiers",
  async (type) => {
    const [from, to] = [await newAccount(api), await newAccount(api)];
    const identifiers = [
      { system: nhs, value: "943 476 5919" },
      { system: mrn, value: `=1+1,"${newValue()}":é` },
    ];
    await postPatient(from, { identifiers });
    await postPatient(from);
    const file = (await exported(from, type)).body;
    if (type === CSV) expect(file).toContain(`${nhs}:943 476 5919; ${mrn}:=1+1`);
    expect((await imported(to, file, type)).status).toBe(201);
    expect((await patientRecordsOf(to)).map((one: { identifiers: unknown }) => one.identifiers)).toEqual([
      identifiers,
      [],
    ]);
  },
);

test("a cell of CSV may have spaces, line breaks and a system in capitals", async () => {
  const [account, value] = [await newAccount(api), newValue()];
  await imported(account, HEADER + row(`; ${mrn.toUpperCase()} : ${value} ;\n${nhs}:9434765919`), CSV);
  const [{ identifiers }] = await patientRecordsOf(account);
  expect(identifiers).toEqual([
    { system: mrn, value },
    { system: nhs, value: "9434765919" },
  ]);
});

test("a cell without a colon is 400 on its system, and repeats nothing of the cell", async () => {
  const { status, body } = await imported(nurse, HEADER + row("00217"), CSV);
  expect([status, body.error_codes]).toEqual([400, { "2.identifiers.0.system": ["invalid_format"] }]);
  expect(JSON.stringify(body)).not.toContain("00217");
});

test("lines with identifiers that are not valid, taken or repeated are refused with each error; partial imports the rest", async () => {
  const [account, value, other] = [await newAccount(api), newValue(), newValue()];
  const taken = await postPatient(account, { identifiers: [{ system: mrn, value }] });
  const file = ndjson(
    {
      identifiers: [
        { system: "no-such", value: "1" },
        { system: nhs, value: "123" },
        { system: nhs, value: "9434765918" },
      ],
    },
    { identifiers: [{ system: mrn, value: value.toUpperCase() }], email: taken.email },
    { identifiers: [{ system: mrn, value: other }] },
    {
      identifiers: [
        { system: nhs, value: "9434765919" },
        { system: mrn, value: `${other} ` },
      ],
    },
    {},
  );
  const errors = {
    "1.identifiers.0.system": ["no_such_record"],
    "1.identifiers.1.value": ["invalid_format"],
    "1.identifiers.2.value": ["invalid_check_digit"],
    "2.email": ["email_taken"],
    "2.identifiers.0.value": ["identifier_taken"],
    "4.identifiers.1.value": ["identifier_repeated"],
  };
  const whole = await imported(account, file);
  expect([whole.status, whole.body.error_codes]).toEqual([400, errors]);
  expect(await patientRecordsOf(account)).toHaveLength(1);
  const { status, body } = await imported(account, file, undefined, "?partial=true");
  expect(status).toBe(200);
  expect(body.created.map(({ line }: { line: number }) => line)).toEqual([3, 5]);
  expect(body.refused.map(({ line }: { line: number }) => line)).toEqual([1, 2, 4]);
});
