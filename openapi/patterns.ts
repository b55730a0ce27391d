/** Classes of characters that not every language knows by name (Python's `re` has none of them). */
const NAMED_CLASS = /\\p\{\w+\}/gu;

/** Characters beyond these are left out: there is no way to write them that all languages share. */
const SHARED = 0x1_0000;

/** A pattern with the classes of Unicode (`\p{…}`) written out, so that it means the same wherever it is read. */
export function portable(pattern: string): string {
  return pattern.replace(NAMED_CLASS, rangesOf);
}

const known = new Map<string, string>();

/** The characters that a class has, as a list of ranges. */
function rangesOf(name: string): string {
  const written = known.get(name) ?? writeRanges(new RegExp(name, "u"));
  known.set(name, written);
  return written;
}

function writeRanges(characters: RegExp): string {
  let ranges = "";
  for (let first = 0; first < SHARED; first += 1) {
    if (!characters.test(String.fromCodePoint(first))) continue;
    let last = first;
    while (last + 1 < SHARED && characters.test(String.fromCodePoint(last + 1))) last += 1;
    ranges += last === first ? escaped(first) : `${escaped(first)}-${escaped(last)}`;
    first = last;
  }
  return ranges;
}

const escaped = (code: number): string => `\\u${code.toString(16).padStart(4, "0")}`;
