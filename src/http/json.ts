/** Strings of JSON, with their marks; linear, for at each character there is one way to go on. */
const STRING = /"[^"\\]*(?:\\.[^"\\]*)*"/g;

/**
 * Whether an object somewhere in `json` has a key twice, in whatever spelling (`"a"` and `"\u0061"` are the same): one
 * reader takes the first of the two and another the last (RFC 8259, section 4), and what is checked must be what is done.
 *
 * @param json well-formed
 * @param value what it was parsed as, which has each key once
 */
export function hasKeyTwice(json: string, value: unknown): boolean {
  // Outside of strings a colon is what stands after a key.
  let unmatched = json.replace(STRING, "").split(":").length - 1;
  // No recursion: the body may be one bracket within the other.
  for (const rest = [value]; rest.length > 0; ) {
    const one = rest.pop();
    if (typeof one !== "object" || one === null) continue;
    const values = Object.values(one);
    if (!Array.isArray(one)) unmatched -= values.length;
    for (const each of values) rest.push(each);
  }
  return unmatched > 0;
}
