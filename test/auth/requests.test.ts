import { expect, test } from "vitest";
import type * as z from "zod/mini";
import {
  Credentials,
  loadPasswordRules,
  OwnAccountChange,
  PasswordChange,
  RefreshToken,
  Registration,
  registrationBody,
} from "../../src/auth/requests.ts";
import { fieldsRefusedBy, valuesRefusedBy } from "../support/field-rules.ts";
import { emailOfLength } from "../support/text.ts";

const rules = await loadPasswordRules({ PASSWORD_MIN_LENGTH: 8 });

const registration = { username: "nurse", email: "nurse@example.org", password: "correct horse" };
const credentials = { username: "nurse", password: "correct horse" };
const change = { current: "correct horse", new: "another horse" };
const token = { refresh: "A".repeat(43) };

/** Values that are valid for no field of an account. */
const invalidValues = [
  ...[undefined, null, 12345678, true, ["correct", "horse"], { $ne: "" }, "", " \t\n\u00a0    "],
  ...["nobody\0@example.org", "nobody\ud800@example.org", "nobody\udc00@example.org"],
];
const unknown = Object.fromEntries(
  "active token_version password_hash is_admin first_name remember_me everywhere access"
    .split(" ")
    .map((field) => [field, "admin"]),
);

/** Passwords are not trimmed. */
const isPassword = (field: string) => ["password", "current", "new"].includes(field);
const invalidPasswords = invalidValues.filter(
  (value) => typeof value !== "string" || /^$|\0|[\ud800-\udfff]/.test(value),
);

test.each<[string, z.ZodMiniType, object]>([
  ["registration", Registration, registration],
  ["login", Credentials, credentials],
  ["refresh or a logout", RefreshToken, token],
  ["change of password", PasswordChange, change],
  ["change of the own account", OwnAccountChange, { email: "nurse@example.org", password: "correct horse" }],
])(
  "a %s has only its own fields, each a text without NUL, trimmed unless it is a password",
  (_, schema, valid) => {
    for (const field of Object.keys(valid)) {
      const wrong = isPassword(field) ? invalidPasswords : invalidValues;
      const refused = valuesRefusedBy(schema, valid, field, wrong);
      expect(refused.length).toBe(wrong.length);
    }
    const spaced = Object.entries(valid).map(([field, value]) => [field, ` \t${value}\n `]);
    const trimmed = spaced.map(([field = "", text = ""]) => [field, isPassword(field) ? text : text.trim()]);
    expect(schema.parse(Object.fromEntries(spaced))).toEqual(Object.fromEntries(trimmed));
    expect(fieldsRefusedBy(schema, { ...valid, ...unknown })).toEqual(Object.keys(unknown));
  },
);

test.each<[field: string, valid: string[], invalid: string[]]>([
  [
    "username",
    ["q", "x".repeat(150), "@.+-_Zz09", "Nurse@Example.org"],
    ["x".repeat(151), "two words", "josé", "user٣", "ａdmin", "a/b", "a\nb", "a;b", "nurse\u200b"],
  ],
  [
    "email",
    ["a@b.example", "Nurse+Tag@Example.ORG", emailOfLength(254)],
    ["nobody.example.org", "nobody@", "a@b@example.org", "a b@example.org", emailOfLength(255)],
  ],
  [
    "password",
    // 8 characters, however long each is, to 256 bytes.
    [
      "strongpassword",
      "😀😎".repeat(4),
      "xy".repeat(128),
      "€$".repeat(64),
      "a b c d e f",
      " 7 chars ",
      "\t\n \t\n \t\n ",
    ],
    ["1234x67", "😀😎".repeat(3), `${"xy".repeat(128)}x`, "€$".repeat(65), "😀😎".repeat(33)],
  ],
  // Refused: common passwords in any case and with digits and replacements, one repeated character, and the account's
  // own email.
  [
    "password",
    ["password of mine", "aaaaaaab", "nurse@ example.org", "the nurse"],
    [
      "P@ssw0rd",
      "Summer2026",
      "welcome123",
      "Hospita1!",
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
])("a registration accepts valid values of %s and refuses invalid ones", (field, valid, invalid) => {
  const schema = registrationBody(rules);
  expect(valuesRefusedBy(schema, registration, field, [...valid, ...invalid])).toEqual(invalid);
});

test("a password that is too long is not compared with the common ones, which takes the square of its length", () => {
  const messagesFor = (password: string) =>
    registrationBody(rules)
      .safeParse({ ...registration, password })
      .error?.issues.map(({ message }) => message);
  const common = `password${"1".repeat(248)}`;
  expect(messagesFor(common)).toEqual([expect.stringMatching(/^Too common/)]);
  expect(messagesFor(`${common}1`)).toEqual([expect.stringMatching(/^Too long/)]);
});

test("a login accepts any password up to 1,024 characters: a text that cannot be a password is a wrong one", () => {
  const passwords = ["x", "1234567", "x".repeat(73), "€".repeat(1024), "x".repeat(1025)];
  const names = ["x".repeat(150), "x".repeat(151)];
  expect(valuesRefusedBy(Credentials, credentials, "password", passwords)).toEqual(passwords.slice(-1));
  expect(valuesRefusedBy(Credentials, credentials, "username", names)).toEqual(names.slice(-1));
  expect(valuesRefusedBy(RefreshToken, token, "refresh", passwords)).toEqual(passwords.slice(-1));
});

test("a password must not be the username or the part of the email before the @, in any case", () => {
  const account = { username: "florence", email: "Nightingale@example.org" };
  const refused = ["Florence", "nightingale", "NIGHTINGALE@example.org"];
  const values = [...refused, "florence n", "nightingale@"];
  expect(valuesRefusedBy(Registration, { ...registration, ...account }, "password", values)).toEqual(refused);
});

test("a password is normalised to NFC before its length is checked", () => {
  const parsed = Registration.parse({ ...registration, password: "re\u0301sume\u0301 of mine" });
  expect(parsed.password).toBe("r\u00e9sum\u00e9 of mine");
  // Eight characters as typed, seven in NFC.
  expect(fieldsRefusedBy(Registration, { ...registration, password: "abcdefe\u0301" })).toEqual(["password"]);
});

test("a registration may have an id, which is ignored", () => {
  expect(Registration.parse({ ...registration, id: { of: "no use" } })).toEqual(registration);
  expect(fieldsRefusedBy(Credentials, { ...credentials, id: 1 })).toEqual(["id"]);
});
