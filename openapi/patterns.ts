/** A Unicode character class such as `\p{Cf}`. */
const UNICODE_CLASS = /\\p\{\w+\}/gu;

/** A slash with a backslash before it, which may be escaped itself. */
const ESCAPED_SLASH = /((?:^|[^\\])(?:\\\\)*)\\\//g;

/**
 * Removes the backslashes before slashes. Only a literal of JavaScript needs them, and `RegExp.source` has them: a
 * generator that writes such a literal would add a second one.
 */
export const unescapeSlashes = (pattern: string): string => pattern.replace(ESCAPED_SLASH, "$1/");

/**
 * The end of the characters that `\uXXXX` can write. For those beyond, regular expression dialects have no common
 * notation.
 */
const END = 0x1_0000;

/** Replaces Unicode character classes in a pattern by ranges, because not every language has them: Python's `re` does not. */
export function expandUnicodeClasses(pattern: string): string {
  return pattern.replace(UNICODE_CLASS, rangesOfClass);
}

const cachedRanges = new Map<string, string>();

function rangesOfClass(unicodeClass: string): string {
  const ranges = cachedRanges.get(unicodeClass) ?? findRanges(new RegExp(unicodeClass, "u"));
  cachedRanges.set(unicodeClass, ranges);
  return ranges;
}

function findRanges(characters: RegExp): string {
  let ranges = "";
  for (let first = 0; first < END; first += 1) {
    if (!characters.test(String.fromCodePoint(first))) continue;
    let last = first;
    while (last + 1 < END && characters.test(String.fromCodePoint(last + 1))) last += 1;
    ranges += last === first ? escapeCode(first) : `${escapeCode(first)}-${escapeCode(last)}`;
    first = last;
  }
  return ranges;
}

const escapeCode = (code: number): string => `\\u${code.toString(16).padStart(4, "0")}`;
