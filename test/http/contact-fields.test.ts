import { expect, test } from "vitest";
import { addressField, phoneParam, phonesField } from "../../src/http/contact-fields.ts";
import { countryCodes } from "../../src/http/country-codes.ts";
import { fieldsRefusedBy } from "../support/field-rules.ts";

const codesOf = (phone: unknown) =>
  phonesField
    .safeParse([phone])
    .error?.issues.map((issue) => (issue.code === "custom" ? issue.params?.["code"] : issue.code));

test.each([
  ["+44 20 7946 0958", "+442079460958"],
  ["+44\u00a020\u202f7946\u20110958", "+442079460958"],
  [" +1 (202) 555-0143 ", "+12025550143"],
  ["+49.30–123456", "+4930123456"],
  ["\u202a+49 30 123456\u202c", "+4930123456"],
  ["＋８１ ３ １２３４ ５６７８", "+81312345678"],
  ["+6834000", "+6834000"],
  ["+123456789012345", "+123456789012345"],
])("the phone number %j is stored as %j", (sent, stored) => {
  expect(phonesField.parse([sent])).toEqual([stored]);
  expect(phoneParam.parse(sent)).toBe(stored);
});

test.each([
  [
    "without a country code",
    "country_code_missing",
    ["020 7946 0958", "0044 20 7946 0958", "7946 0958", "+0044 20 7946"],
  ],
  [
    "with a 0 in brackets",
    "invalid_phone",
    ["+44 (0)20 7946 0958", "+44 [0] 20 7946 0958", "+44(020)79460958"],
  ],
  [
    "that is none",
    "invalid_phone",
    ["+44", "+1234567890123456", "+44 20 x7946", "++442079460958", "a", "+44/20/79460958"],
  ],
  ["that is blank", "required", ["", " - "]],
  ["that is too long", "too_long", ["+".repeat(65)]],
])("a phone number %s is refused with the code %s", (_, code, refused) => {
  expect(refused.map((phone) => [phone, codesOf(phone)])).toEqual(refused.map((phone) => [phone, [code]]));
});

test("there are up to five phone numbers, a repeated one counts once, and the first stays the first", () => {
  const phones = ["5", "1", "2", "3", "4"].map((digit) => `+44207946095${digit}`);
  expect(phonesField.parse([...phones, "+44 20 7946 0955", ...phones])).toEqual(phones);
  const issues = phonesField.safeParse([...phones, "+442079460956"]).error?.issues ?? [];
  expect(issues.map(({ message }) => message)).toEqual(["Too many: expected at most 5 numbers"]);
  for (const sent of [null, "+442079460958", { 0: "+442079460958" }])
    expect(phonesField.safeParse(sent).success).toBe(false);
});

test("in a query, a phone number may have a + that is not percent-encoded", () => {
  expect(phoneParam.parse(" 442079460958")).toBe("+442079460958");
  expect(phoneParam.safeParse("020 7946 0958").success).toBe(false);
});

test("there are the 249 countries of ISO 3166-1", () => {
  expect(new Set(countryCodes).size).toBe(249);
  expect(countryCodes.filter((code) => ["UK", "EU", "XK", "AN"].includes(code))).toEqual([]);
});

test("an address has at least one part, and is stored with all of them", () => {
  const none = { lines: [], city: null, region: null, postal_code: null, country: null };
  expect(addressField.parse(null)).toBe(null);
  expect(addressField.parse({ city: " Leeds " })).toEqual({ ...none, city: "Leeds" });
  const whole = { ...none, lines: ["1 High St", "Flat 2"], country: "GB" };
  expect(addressField.parse({ ...whole, lines: ["1 High St", " ", "Flat 2"], country: "gb" })).toEqual(whole);
  expect(addressField.parse(whole)).toEqual(whole);
  for (const empty of [{}, none, { ...none, lines: [" "], city: "" }])
    expect(addressField.safeParse(empty).error?.issues.map(({ message }) => message)).toEqual([
      "Must have at least one part; null removes the address",
    ]);
});

test("an address with a part that is unknown, too long, of two lines or no country is refused by its name", () => {
  const refused = (address: unknown) => fieldsRefusedBy(addressField, address);
  expect(
    refused({ city: "x".repeat(101), region: 1, postal_code: "x".repeat(21), country: "UK", street: "x" }),
  ).toEqual([...["city", "region", "postal_code", "country", "street"]]);
  expect(refused({ lines: ["a\nb", "x".repeat(101), "a\0"] })).toEqual(["lines.0", "lines.1", "lines.2"]);
  expect(refused({ lines: ["1", "2", "3", "4", "5"] })).toEqual(["lines"]);
  expect(refused({ lines: "1 High St" })).toEqual(["lines"]);
  for (const sent of ["1 High St", [], 7]) expect(addressField.safeParse(sent).success).toBe(false);
});
