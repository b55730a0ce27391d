import { describe, expect, test } from "vitest";
import { newAccount } from "../support/accounts.ts";
import { owner } from "../support/owner.ts";
import { postIdentifierSystem } from "../support/resources.ts";

// The functions by which PostgreSQL compares and checks identifiers (drizzle/0027_identifiers.sql).

const admin = await newAccount(undefined, "admin");

async function call(sql: string, ...values: unknown[]): Promise<unknown> {
  const [row] = await owner().query(`SELECT ${sql} AS result`, values);
  return row?.["result"];
}

test.each([
  ["943 476 5919", "9434765919"],
  ["mrn-00a7", "MRN00A7"],
  [" a\t\u00a0\u3000b ", "AB"],
  ["1\u20102\u20113\u20134\u22125\uff0d6", "123456"],
  ["ＡＢ１２", "AB12"],
  ["аб-12", "АБ12"],
  ["a.b/c:d", "A.B/C:D"],
  ["---", ""],
])("identifier_key of %j is %j", async (value, key) => {
  expect(await call("identifier_key($1)", value)).toBe(key);
});

const valid = {
  none: ["1", "X"],
  // Test numbers of payment cards, and the example of ISO/IEC 7812-1.
  mod10: ["4242424242424242", "378282246310005", "79927398713", "18"],
  // ISBN-10, and NHS numbers of the test range.
  mod11: ["0306406152", "080442957X", "9434765919", "9990000018"],
  // An LEI, and IBANs with their first four characters at the end.
  mod97: ["5493001KJTIIGC8Y1R12", "WEST12345698765432GB82", "370400440532013000DE89"],
};
const invalid = {
  none: [],
  mod10: ["4242424242424241", "79927398710", "7", "12345A", ""],
  mod11: ["0306406153", "X306406152", "080442957", "08044295X7", "0804429570", "9434765910"],
  mod97: ["5493001KJTIIGC8Y1R13", "5493001KJTIIGC8Y1R21", "WEST12345698765432GB83", "97", "A1B", "É12"],
};

describe.each(Object.entries(valid))("check_digit_valid: %s", (kind, values) => {
  test("accepts values with the right check digit, and no others", async () => {
    for (const value of values)
      expect([value, await call("check_digit_valid($1, $2)", kind, value)]).toEqual([value, true]);
    for (const value of invalid[kind as keyof typeof invalid])
      expect([value, await call("check_digit_valid($1, $2)", kind, value)]).toEqual([value, false]);
  });

  test.skipIf(kind === "none")(
    "finds every wrong digit and every exchange of two digits next to each other",
    async () => {
      const [value = ""] = values;
      const exchanged = [...value].flatMap((one, n) =>
        /^\d\d$/.test(`${value[n - 1]}${one}`) && one !== value[n - 1]
          ? [`${value.slice(0, n - 1)}${one}${value[n - 1]}${value.slice(n + 1)}`]
          : [],
      );
      const wrong = [...value].flatMap((one, n) =>
        [...(/\d/.test(one) ? "0123456789" : "")]
          .filter((digit) => digit !== one)
          .map((digit) => `${value.slice(0, n)}${digit}${value.slice(n + 1)}`),
      );
      for (const other of [...wrong, ...exchanged])
        expect([other, await call("check_digit_valid($1, $2)", kind, other)]).toEqual([other, false]);
    },
  );
});

describe("identifier_errors", async () => {
  const { name: plain } = await postIdentifierSystem(admin);
  const { name: nhs } = await postIdentifierSystem(admin, { pattern: "\\d{10}", check_digit: "mod11" });
  const errorsOf = (identifiers: object[], existing: object[] | null = null) =>
    owner().query("SELECT place, field, code FROM identifier_errors($1::jsonb, $2::jsonb)", [
      JSON.stringify(identifiers),
      existing && JSON.stringify(existing),
    ]);

  test("returns the place, the field and the code of each identifier that is not valid", async () => {
    const identifiers = [
      { system: plain, value: "anything" },
      { system: nhs, value: "943 476-5919" },
      { system: "no-such-system", value: "1" },
      { system: nhs, value: "943476591" },
      { system: nhs, value: "19434765919" },
      { system: nhs, value: "9434765910" },
      { system: nhs, value: "9434765919" },
    ];
    expect(await errorsOf(identifiers)).toEqual([
      { place: 2, field: "system", code: "no_such_record" },
      { place: 3, field: "value", code: "invalid_format" },
      { place: 4, field: "value", code: "invalid_format" },
      { place: 5, field: "value", code: "invalid_check_digit" },
      { place: 6, field: "value", code: "identifier_repeated" },
    ]);
  });

  test("leaves out those that the record has already, in any spelling", async () => {
    const existing = [{ system: nhs, value: "1 2-3" }];
    expect(await errorsOf([{ system: nhs, value: "123" }], existing)).toEqual([]);
    expect(await errorsOf([{ system: nhs, value: "124" }], existing)).toMatchObject([{ place: 0 }]);
    expect(await errorsOf([{ system: plain, value: "123" }], [])).toEqual([]);
  });
});
