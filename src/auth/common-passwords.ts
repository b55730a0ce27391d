/// <reference path="./data-modules.d.ts" />

// The most common passwords as a Bloom filter, in a file of its own (local/common-passwords.ts generates it): 30,000
// words in the code would be parsed at each start.

/** The size of the filter. */
export const FILTER_BYTES = 64 * 1024;

/** How many bits of the filter are set for a word: the best number for its 25,000 words. */
const BITS_PER_WORD = 14;

/** A 32-bit hash of a text: FNV-1a, and then the last step of MurmurHash3, which mixes its bits. */
function hash32(text: string, seed: number): number {
  let hash = seed;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** The bits of a word, from two hashes (Kirsch and Mitzenmacher, "Less hashing, same performance"). */
function bitsOf(word: string): number[] {
  const [first, step] = [hash32(word, 0x811c9dc5), (hash32(word, 0x5bd1e995) | 1) >>> 0];
  return Array.from({ length: BITS_PER_WORD }, (_, i) => (first + i * step) % (FILTER_BYTES * 8));
}

/** Adds a word to a filter. */
export function addWord(filter: Uint8Array, word: string): void {
  for (const bit of bitsOf(word)) filter[bit >> 3] = (filter[bit >> 3] ?? 0) | (1 << (bit & 7));
}

const hasWord = (filter: Uint8Array, word: string): boolean =>
  bitsOf(word).every((bit) => ((filter[bit >> 3] ?? 0) >> (bit & 7)) & 1);

const NO_LETTER_AT_END = /[^\p{L}\p{M}]$/u;
const LETTER = /\p{L}/u;

/** The letters that people replace by these characters; `1`, `!` and `|` stand for two. */
const replacements: Record<string, string> = {
  ...{ "0": "o", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "@": "a", $: "s", "+": "t" },
};
const REPLACEMENT = /[0134578@$+!|]/g;

/**
 * The words that a password may be made from, in lower case: the password itself, and without the digits and the
 * punctuation at its end, each also with the usual replacements undone. Any number of characters is taken off,
 * because a replacement may be the last letter: `hospita1!`.
 */
export function baseWords(password: string): string[] {
  const words: string[] = [];
  const characters = [...password.toLowerCase()];
  for (let length = characters.length; length > 0; length -= 1) {
    const word = characters.slice(0, length).join("");
    if (length < characters.length && !LETTER.test(word)) break;
    const undo = (oneIs: string) => word.replace(REPLACEMENT, (c) => replacements[c] ?? oneIs);
    words.push(word, undo("i"), undo("l"));
    if (!NO_LETTER_AT_END.test(word)) break;
  }
  return [...new Set(words)];
}

/** Says whether a password is too common. */
export type CommonPasswordCheck = (password: string) => boolean;

/**
 * A check whether one of a password's base words is in a filter. About one in 19,000 other words is taken for one of
 * them, and so fewer than one in 1,000 good passwords (test/local/common-passwords.test.ts).
 */
export const createCommonPasswordCheck =
  (filter: Uint8Array): CommonPasswordCheck =>
  (password) =>
    baseWords(password).some((word) => hasWord(filter, word));

/**
 * The check for the words of local/common-passwords.ts. The file is loaded with the first new password of an isolate.
 * It is not a static import, because Node, which builds the OpenAPI document from the same schemas, cannot import it.
 */
export async function loadCommonPasswordCheck(): Promise<CommonPasswordCheck> {
  const { default: content } = await import("./common-passwords.bin");
  return createCommonPasswordCheck(new Uint8Array(content));
}
