/** An email of `length` characters whose domain has parts of lawful lengths. */
export const emailOf = (length: number): string => {
  const domain = `@${"d".repeat(60)}.example.org`;
  return `${crypto
    .randomUUID()
    .slice(0, 8)
    .padEnd(length - domain.length, "x")}${domain}`;
};

/** Names as they are sent and as they are kept: 1 to 64 characters, trimmed. */
export const names: [what: string, sent: string, kept: string][] = [
  ["of one character", "X", "X"],
  ["of 64 characters", "x".repeat(64), "x".repeat(64)],
  ["of 64 emoji, which are 64 characters", "🩺".repeat(64), "🩺".repeat(64)],
  ["of any script", "Ḥanīn 李 Ødegård-Ó’Brien", "Ḥanīn 李 Ødegård-Ó’Brien"],
  ["of SQL", "'; DROP TABLE patients; --", "'; DROP TABLE patients; --"],
  ["with spaces around it, which are trimmed", " \t\n Ada \r\n ", "Ada"],
  ["with odd white space around it, which is trimmed", "\u00a0\u2003\u3000Ada\ufeff\u2028", "Ada"],
  ["of 64 characters after trimming", ` ${"x".repeat(64)} `, "x".repeat(64)],
];

/** What is no name. */
export const notNames: [what: string, sent: unknown][] = [
  ["of 65 characters", "x".repeat(65)],
  ["of 65 emoji", "🩺".repeat(65)],
  ["that is empty", ""],
  ["that is blank", "   "],
  ["that is blank with tabs and newlines", "\t\r\n\v\f"],
  ["that is blank with odd white space", "\u00a0\u1680\u2003\u2029\u202f\u205f\u3000\ufeff"],
  ["with a NUL", "A\0da"],
  ["with a NUL at its end", "Ada\0"],
  ["with a high surrogate alone", "Ada\ud83e"],
  ["with a low surrogate alone", "\ude7aAda"],
  ["that is null", null],
  ["that is a number", 7],
  ["that is a boolean", true],
  ["that is an array", ["Ada"]],
  ["that is an object", { en: "Ada" }],
];

/** White space to Unicode or to the eye, though not to everybody who trims. */
export const oddSpaces = ["\u0085", "\u200b", "\u180e", "\u2060", "\u0001", "\u001f", "\u007f"];

/** Emails as they are sent. */
export const emails: [what: string, sent: () => string][] = [
  ["of 128 characters", () => emailOf(128)],
  ["with a tag", () => `ada+${crypto.randomUUID()}@mail.example.org`],
  ["with capitals, which are kept", () => `Ada.${crypto.randomUUID()}@Example.ORG`],
];

/** What is no email. */
export const notEmails: [what: string, sent: unknown][] = [
  ["of 129 characters", emailOf(129)],
  ["that is empty", ""],
  ["that is blank", " \u3000 "],
  ["without @", "ada.example.org"],
  ["without a name", "@example.org"],
  ["without a host", "ada@"],
  ["with a space in it", "ada lovelace@example.org"],
  ["of two", "ada@example.org, eve@example.org"],
  ["with a NUL", "ada\0@example.org"],
  ["with a lone surrogate", "ada\ud800@example.org"],
  ["with U+0085 at its end", "ada@example.org\u0085"],
  ["that is null", null],
  ["that is a number", 7],
  ["that is an array", ["ada@example.org"]],
];
