import { expect, test } from "vitest";
import type * as z from "zod/mini";
import { Credentials, PasswordChange, RefreshToken, Registration } from "../../src/auth/contract.ts";
import { refusedFields, refusedValues } from "../support/contracts.ts";
import { emailOf } from "../support/text.ts";

const registration = { username: "nurse", email: "nurse@example.org", password: "correct horse" };
const credentials = { username: "nurse", password: "correct horse" };
const change = { current: "correct horse", new: "another horse" };
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

/** What is typed to be kept from others is taken as it is typed, space and all. */
const isTyped = (field: string) => ["password", "current", "new"].includes(field);
const notEvenTyped = odd.filter((value) => typeof value !== "string" || /^$|\0|[\ud800-\udfff]/.test(value));

test.each<[string, z.ZodMiniType, object]>([
  ["registration", Registration, registration],
  ["login", Credentials, credentials],
  ["refresh or a logout", RefreshToken, token],
  ["change of password", PasswordChange, change],
])("a %s has its fields only, each of storable text, trimmed if it is no password", (_, contract, valid) => {
  for (const field of Object.keys(valid)) {
    const wrong = isTyped(field) ? notEvenTyped : odd;
    const refused = refusedValues(contract, valid, field, wrong);
    expect(refused.length).toBe(wrong.length);
  }
  const spaced = Object.entries(valid).map(([field, value]) => [field, ` \t${value}\n `]);
  const trimmed = spaced.map(([field = "", text = ""]) => [field, isTyped(field) ? text : text.trim()]);
  expect(contract.parse(Object.fromEntries(spaced))).toEqual(Object.fromEntries(trimmed));
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
    [
      "strongpassword",
      "😀😎".repeat(4),
      "xy".repeat(36),
      "€$".repeat(18),
      "a b c d e f",
      " 7 chars ",
      "\t\n \t\n \t\n ",
    ],
    ["1234x67", "😀😎".repeat(3), `${"xy".repeat(36)}x`, "€$".repeat(19), "😀😎".repeat(10)],
  ],
  // Common ones in any case, one character repeated, and what is known of the account.
  [
    "password",
    ["password of mine", "aaaaaaab", "nurse@ example.org", "the nurse"],
    [
      "Password",
      "12345678",
      "Qwerty123",
      "tRUSTNO1",
      "aaaaaaaa",
      "😀".repeat(8),
      "        ",
      "NURSE@example.org",
    ],
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

test("a password may be neither the username nor what stands before the @ of the email, in any case", () => {
  const known = { username: "florence", email: "Nightingale@example.org" };
  const refused = ["Florence", "nightingale", "NIGHTINGALE@example.org"];
  const values = [...refused, "florence n", "nightingale@"];
  expect(refusedValues(Registration, { ...registration, ...known }, "password", values)).toEqual(refused);
});

test("a password is compared and hashed in Unicode's normal form, of which all lengths are", () => {
  const parsed = Registration.parse({ ...registration, password: "re\u0301sume\u0301 of mine" });
  expect(parsed.password).toBe("r\u00e9sum\u00e9 of mine");
  // Eight characters as they are typed, seven in normal form.
  expect(refusedFields(Registration, { ...registration, password: "abcdefe\u0301" })).toEqual(["password"]);
});

test("a registration's id is read-only: taken and dropped unread", () => {
  expect(Registration.parse({ ...registration, id: { of: "no use" } })).toEqual(registration);
  expect(refusedFields(Credentials, { ...credentials, id: 1 })).toEqual(["id"]);
});
