import { readFileSync } from "node:fs";
import { dictionary } from "@zxcvbn-ts/language-common";
import { expect, test } from "vitest";
import {
  filterFile,
  generateFilter,
  listCommonPasswords,
  listFilterWords,
} from "../../local/common-passwords.ts";
import { baseWords, createCommonPasswordCheck } from "../../src/auth/common-passwords.ts";

const filter = new Uint8Array(readFileSync(filterFile));
const isCommon = createCommonPasswordCheck(filter);

test("src/auth/common-passwords.bin is up to date, and has at most 64 KiB", () => {
  expect(filter).toEqual(generateFilter());
  expect(filter.length).toBeLessThanOrEqual(64 * 1024);
});

test("all of the 30,000 most common passwords are refused, in upper case and with digits at their end too", () => {
  const passwords = listCommonPasswords();
  expect(passwords.length).toBeGreaterThanOrEqual(30_000);
  const long = passwords.filter((password) => password.length >= 8);
  expect(long.length).toBeGreaterThan(10_000);
  expect(long.filter((password) => !isCommon(password))).toEqual([]);
  const withLetters = passwords.filter((password) => /[a-z]/.test(password));
  for (const end of ["2026!", " 1234567"])
    expect(withLetters.filter((password) => !isCommon(`${password.toUpperCase()}${end}`))).toEqual([]);
});

test.each([
  ...[
    "P@ssw0rd",
    "Summer2026",
    "welcome123",
    "Pa$$w0rd!",
    "$UMM3R2026",
    "We1c0me99",
    "Qwerty123",
    "tRUSTNO1",
  ],
  ...["hospital", "Hospita1!", "H0$P!TAL", "clinic2026", "CL1N1C-2026", "Doctor123", "D0ct0r99", "patient!!"],
  ...["p4t13nt1", "Nurse2026!", "NUR53-007", "medical1", "M3d!c4l+1", "Medica|2026"],
])("%s is refused", (password) => {
  expect(isCommon(password)).toBe(true);
});

test.each([
  ...[
    "strongpassword",
    "correct horse battery",
    "another horse entirely",
    "the nurse",
    "2026summer",
    "ho2spi3tal",
  ],
  ...["481920573146", "naïveté où", "пароль мой", "😀😎😀😎😀😎😀😎"],
])("%s is not refused", (password) => {
  expect(isCommon(password)).toBe(false);
});

/** Numbers that look random and are the same in every run: a linear congruential generator. */
function createRandom(): (limit: number) => number {
  let state = 20_261_127;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

const ALPHANUMERIC = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const PRINTABLE = `${ALPHANUMERIC}!"#$%&'()*+,-./:;<=>?@[]^_{|}~`;

test("of good passwords, fewer than one in 1,000 is refused by mistake", () => {
  const random = createRandom();
  const pick = (from: ArrayLike<string>) => from[random(from.length)] ?? "";
  const characters = (count: number, from: string) =>
    Array.from({ length: count }, () => pick(from)).join("");
  const phrase = (count: number) =>
    Array.from({ length: count }, () => pick(dictionary["diceware-common"])).join("-");
  const kinds: Record<string, () => string> = {
    "12 printable characters": () => characters(12, PRINTABLE),
    "16 letters and digits": () => characters(16, ALPHANUMERIC),
    "16 hexadecimal digits": () => characters(16, "0123456789abcdef"),
    "four words": () => phrase(4),
    "three words with a number": () => `${phrase(3)}${random(90) + 10}!`,
  };
  const words = new Set(listFilterWords());
  for (const [kind, create] of Object.entries(kinds)) {
    const good = Array.from({ length: 20_000 }, create).filter(
      (password) => !baseWords(password).some((word) => words.has(word)),
    );
    // Random characters are not words: what the rules themselves refuse is rare, too.
    expect([kind, good.length > 19_990]).toEqual([kind, true]);
    expect([kind, good.filter(isCommon).length < good.length / 1000]).toEqual([kind, true]);
  }
});
