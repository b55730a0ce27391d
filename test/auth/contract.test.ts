import { expect, test } from "vitest";
import { Credentials, RefreshToken, Registration } from "../../src/auth/contract.ts";
import { refusedFields, refusedValues } from "../support/contracts.ts";
import { emailOf } from "../support/text.ts";

const registration = { username: "nurse", email: "nurse@example.org", password: "correct horse" };
const credentials = { username: "nurse", password: "correct horse" };
const token = { refresh: "A".repeat(43) };

/** What no field of an account takes. */
const odd = [
  ...[undefined, null, 12345678, true, ["correct", "horse"], { $ne: "" }, "", " \t\n\u00a0    "],
  ...["nobody\0@example.org", "nobody\ud800@example.org", "nobody\udc00@example.org"],
];
const unknown = Object.fromEntries(
  "role active token_version password_hash is_admin first_name remember_me everywhere access"
    .split(" ")
    .map((field) => [field, "admin"]),
);

test.each([
  ["registration", Registration, registration],
  ["login", Credentials, credentials],
  ["refresh or a logout", RefreshToken, token],
])("a %s has its fields only, each of visible, storable text, trimmed", (_, contract, valid) => {
  for (const field of Object.keys(valid)) expect(refusedValues(contract, valid, field, odd)).toEqual(odd);
  const spaced = Object.entries(valid).map(([field, value]) => [field, ` \t${value}\n `]);
  expect(contract.parse(Object.fromEntries(spaced))).toEqual(valid);
  expect(refusedFields(contract, { ...valid, ...unknown })).toEqual(Object.keys(unknown));
});

test.each<[field: string, taken: string[], refused: string[]]>([
  [
    "username",
    ["q", "x".repeat(150), "@.+-_Zz09", "Nurse@Example.org"],
    ["x".repeat(151), "two words", "josé", "user٣", "ａdmin", "a/b", "a\nb", "a;b", "nurse\u200b"],
  ],
  [
    "email",
    ["a@b.example", "Nurse+Tag@Example.ORG", emailOf(254)],
    ["nobody.example.org", "nobody@", "a@b@example.org", "a b@example.org", emailOf(255)],
  ],
  [
    "password",
    // 8 characters, however long each is, to 72 bytes.
    ["12345678", "😀".repeat(8), "x".repeat(72), "€".repeat(24), "a b c d e f"],
    ["1234567", "😀".repeat(7), " 1234567 ", "x".repeat(73), "€".repeat(25), "😀".repeat(19)],
  ],
])("a registration takes and refuses the right values of %s", (field, taken, refused) => {
  expect(refusedValues(Registration, registration, field, [...taken, ...refused])).toEqual(refused);
});

test("a login takes any password, so that one which can be none is a wrong one; and all texts end somewhere", () => {
  const passwords = ["x", "1234567", "x".repeat(73), "€".repeat(1024), "x".repeat(1025)];
  const names = ["x".repeat(150), "x".repeat(151)];
  expect(refusedValues(Credentials, credentials, "password", passwords)).toEqual(passwords.slice(-1));
  expect(refusedValues(Credentials, credentials, "username", names)).toEqual(names.slice(-1));
  expect(refusedValues(RefreshToken, token, "refresh", passwords)).toEqual(passwords.slice(-1));
});

test("a registration's id is read-only: taken and dropped unread", () => {
  expect(Registration.parse({ ...registration, id: { of: "no use" } })).toEqual(registration);
  expect(refusedFields(Credentials, { ...credentials, id: 1 })).toEqual(["id"]);
});
