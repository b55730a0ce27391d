/**
 * An email of `length` characters, at least 76. Its local part has at most 64 characters and each label of its domain
 * at most 63.
 */
export function emailOfLength(length: number): string {
  const rest = length - "@.example.org".length;
  const parts = Array.from({ length: Math.max(1, Math.ceil((rest - 63) / 61)) }, () => "d".repeat(60));
  const domain = parts.join(".");
  return `${"x".repeat(rest - domain.length)}@${domain}.example.org`;
}

/** Names of at most 64 characters that something between the client and the database might change. */
export const hostileNames = [
  "🩺".repeat(64),
  `'; DROP TABLE patients; -- "\\" $1 %s {"a": [null]} <b>&amp;`,
  "Ḥanīn 李 Ødegård-Ó’Brien e\u0301 אבג علی\u200cرضا രാജന്\u200d 👩🏽",
  "a\u0001b\tc\nd\u007fe\u0085f\u2028g\ufe0fh\ufffd\uffff",
] as const;

/** Text that is refused as a name: it has an invisible character, or one that changes the direction of the text. */
export const unseenNames = [
  ..."\u00ad\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063",
  ..."\u2064\u2066\u2067\u2068\u2069\u206a\ufeff\u{e0041}",
].map((character) => `Ada${character}King`);

/** Values that a schema accepts and refuses as a name. All rules for names are tested in `http/fields.test.ts`. */
export const nameValues: [taken: unknown[], refused: unknown[]] = [
  ["x", "🩺".repeat(100)],
  ["x".repeat(101), "A\0", "A\u202eda", 7],
];
