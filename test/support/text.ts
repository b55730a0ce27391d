/** An email of `length` characters, 76 at least, whose domain has parts of lawful lengths. */
export function emailOf(length: number): string {
  const domain = `@${"d".repeat(60)}.example.org`;
  return `${"x".repeat(length - domain.length)}${domain}`;
}

/** Names, of 64 characters at most, that something on the way to the database and back might spoil. */
export const hostileNames = [
  "🩺".repeat(64),
  `'; DROP TABLE patients; -- "\\" $1 %s {"a": [null]} <b>&amp;`,
  "Ḥanīn 李 Ødegård-Ó’Brien e\u0301 \u202eאבג 👩‍👩‍👧",
  "a\u0001b\tc\nd\u007fe\u0085f\u200bg\u2028h\ufffd\uffff",
] as const;

/** What a contract takes as a name and what it refuses; all that a name may be is in `http/fields.test.ts`. */
export const nameValues: [taken: unknown[], refused: unknown[]] = [
  ["x", "🩺".repeat(64)],
  ["x".repeat(65), "", "A\0", null, 7],
];
