import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { dictionary } from "@zxcvbn-ts/language-common";
import { addWord, baseWords, FILTER_BYTES } from "../src/auth/common-passwords.ts";

// Generates src/auth/common-passwords.bin. Run `node local/common-passwords.ts` after an update of the package with
// the list (@zxcvbn-ts/language-common, MIT), or after a change of the filter.

/** How many passwords of the list: with more, the filter would be larger, or refuse more good passwords. */
const COUNT = 30_000;

/** What people of a hospital think of first. */
const hospitalWords = ["hospital", "clinic", "doctor", "patient", "nurse", "medical"];

export const filterFile = join(import.meta.dirname, "..", "src", "auth", "common-passwords.bin");

/** The passwords that are refused, in lower case. */
export const listCommonPasswords = (): string[] => [
  ...new Set([...dictionary["passwords-common"].slice(0, COUNT), ...hospitalWords]),
];

const countOtherThanLetters = (word: string): number => word.replace(/\p{L}/gu, "").length;

/** Whether a new password can have this base word: it has 8 characters, or a letter and others taken off its end. */
const isBaseWord = (word: string): boolean => word.length >= 8 || /\p{L}/u.test(word);

/**
 * The words whose bits are set. A word that another one covers (`dragon1`, `dr4gon`) is left out, because fewer words
 * make fewer mistakes. The shortest ones come first, and those with the most letters: they cover the others.
 */
export function listFilterWords(): string[] {
  const kept = new Set<string>();
  const passwords = listCommonPasswords().filter(isBaseWord);
  passwords.sort((a, b) => a.length - b.length || countOtherThanLetters(a) - countOtherThanLetters(b));
  for (const password of passwords)
    if (!baseWords(password).some((word) => kept.has(word))) kept.add(password);
  return [...kept];
}

/** The content of the file. */
export function generateFilter(): Uint8Array {
  const filter = new Uint8Array(FILTER_BYTES);
  for (const word of listFilterWords()) addWord(filter, word);
  return filter;
}

if (import.meta.main) writeFileSync(filterFile, generateFilter());
