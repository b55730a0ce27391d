// The rule for email addresses. Both the API and the constraints of the database check it: src/http/fields.ts, and the SQL
// function `is_email` (drizzle/0038_plpgsql_checks.sql). test/db/emails.test.ts compares them.
//
// The local part is a dot-atom (RFC 5321, section 4.1.2), the domain has at least two labels (section 2.3.5), and both
// may have letters of any script (RFC 6531). Quoted local parts and address literals are refused: nobody has one, and
// what looks like one is a mistake.

/**
 * Characters beyond ASCII that are refused, and DEL: controls, spaces, invisible characters, general punctuation (a word
 * processor's quotation marks and dashes), full stops that are none, private use, and compatibility forms such as the
 * full-width `＠`.
 */
const REFUSED =
  "\\u007f-\\u00a0\\u00ad\\u034f\\u061c\\u115f\\u1160\\u1680\\u17b4\\u17b5\\u180b-\\u180f\\u2000-\\u206f\\u2800" +
  "\\u3000-\\u3002\\u3164\\ud800-\\uf8ff\\ufb00-\\uffff\\u{1bca0}-\\u{1bca3}\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{10ffff}";

// Each class lists the ASCII characters that it does not have, so that it has all letters of other scripts.
const ATEXT = `[^\\u0000- "(),.:-<>@\\u005b-\\u005d${REFUSED}]`;
const LETTER = `[^\\u0000-@\\u005b-\\u0060{-~${REFUSED}]`;
const LETTER_OR_DIGIT = `[^\\u0000-/:-@\\u005b-\\u0060{-~${REFUSED}]`;
const LABEL_CHARACTER = `[^\\u0000-,./:-@\\u005b-\\u0060{-~${REFUSED}]`;

const LABEL = `${LETTER_OR_DIGIT}(?:${LABEL_CHARACTER}*${LETTER_OR_DIGIT})?`;
const TOP_LABEL = `(?:${LETTER}{2,}|[Xx][Nn]--[0-9A-Za-z-]*[0-9A-Za-z])`;

const EMAIL = `^${ATEXT}+(?:\\.${ATEXT}+)*@(?:${LABEL}\\.)+${TOP_LABEL}$`;

/** In octets of UTF-8 (RFC 5321, section 4.5.3.1). */
const MAX_LOCAL_PART = 64;
const MAX_DOMAIN = 255;

/**
 * A label of more than 63 characters, in a domain. In ASCII these are octets (RFC 1035, section 2.3.4); PostgreSQL
 * cannot tell how many octets a label of another script has in punycode.
 */
const TOO_LONG_LABEL = "[^.]{64}";

const emailRegex = new RegExp(EMAIL, "u");
const tooLongLabel = new RegExp(TOO_LONG_LABEL, "u");
const octets = (text: string) => new TextEncoder().encode(text).length;

/** Whether `text` is an email address. It must be in Unicode's normal form NFC. */
export function isEmail(text: string): boolean {
  const [localPart = "", domain = ""] = text.split("@");
  if (octets(localPart) > MAX_LOCAL_PART || octets(domain) > MAX_DOMAIN) return false;
  return emailRegex.test(text) && !tooLongLabel.test(domain);
}

/**
 * The rule in JSON Schema, for texts that are not trimmed yet. `email` would be ASCII only. Regular expressions have no
 * common notation for the characters beyond U+FFFF, and count characters instead of octets: in both, the rule is stricter.
 */
export const emailJsonSchema = {
  format: "idn-email",
  pattern:
    '^\\s*(?!\\.)[^\\s"(),:;<>@\\[-\\]\\u0000-\\u001f\\u007f]{1,64}@' +
    "(?:(?!-|[^.]*-\\.)[^\\s\\u0000-,./:-@\\[-`{-\\u007f]{1,63}\\.)+" +
    "(?:[^\\s\\u0000-@\\[-`{-\\u007f]{2,63}|[Xx][Nn]--[0-9A-Za-z-]{0,58}[0-9A-Za-z])\\s*$",
  not: {
    // A dot before another one or the @, and the refused characters that are no white space.
    pattern:
      "\\.[.@]|" +
      "[\\u0080-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u2027\\u202a-\\u202e" +
      "\\u2030-\\u205e\\u2060-\\u206f\\u2800\\u3001\\u3002\\u3164\\ue000-\\uf8ff\\ufb00-\\ufefe\\uff00-\\uffff]",
  },
};
