/** How many characters the value of an identifier can have. */
const MAX_VALUE_LENGTH = 64;
export const MAX_PATTERN_LENGTH = 200;

/** A literal, a digit, a letter, or a letter or digit; each once, `{n}` times or `{n,m}` times. */
const ELEMENT = String.raw`(?:\\d|\[A-Z\]|\[A-Z0-9\]|[A-Z0-9/:_#]|\\\.)(?:\{(?:\d{1,2})(?:,(?:\d{1,2}))?\})?`;
const REPETITION = /\{(\d+)(?:,(\d+))?\}$/;

/** The shape of a pattern. Matching takes linear time: at each character there is one way to continue. */
export const PATTERN_SHAPE = `^(?:${ELEMENT})+$`;
const [shape, element] = [new RegExp(PATTERN_SHAPE), new RegExp(ELEMENT, "g")];

/**
 * Whether a pattern is in the subset of regular expressions that identifier systems have: a sequence of literals, `\d`,
 * `[A-Z]` and `[A-Z0-9]`. So that PostgreSQL matches it fast, there is no choice and no nested repetition, and it matches
 * no more characters than a value can have.
 */
export function isPattern(pattern: string): boolean {
  if (pattern.length > MAX_PATTERN_LENGTH || !shape.test(pattern)) return false;
  let longest = 0;
  for (const [text] of pattern.matchAll(element)) {
    const [, min = "1", max = min] = REPETITION.exec(text) ?? [];
    if (Number(max) < Math.max(Number(min), 1)) return false;
    longest += Number(max);
  }
  return longest <= MAX_VALUE_LENGTH;
}
