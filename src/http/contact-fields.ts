import * as z from "../zod.ts";
import { countryCodes } from "./country-codes.ts";
import { rule, storableText, trimmedPattern } from "./fields.ts";
import type { FieldErrorCode } from "./problem-codes.ts";

// How a person can be reached: phone numbers and a postal address.

/** E.164: a country code and a number, together at most 15 digits. The shortest numbers, those of Niue, have 7. */
const PHONE = /^\+[1-9]\d{6,14}$/;

/** What people write between the digits: spaces (also no-break), hyphens and dashes, dots, brackets, invisible marks. */
const SEPARATORS = /[\s\p{Pd}\p{Cf}\u2212.()[\]]/gu;
/** The trunk prefix, as in +44 (0)20: without its brackets it would be a part of the number. */
const BRACKETED_ZERO = /[([]\s*0/;
/** A longer text is no number. The time of NFKC grows with the square of the accents on a letter. */
const MAX_PHONE_CHARACTERS = 64;

/** The digits and signs of a number in ASCII: a Japanese keyboard writes ＋８１. */
const inAscii = (text: string): string =>
  text.length > MAX_PHONE_CHARACTERS ? text : text.normalize("NFKC");

/** A phone number as it is stored: without what stands between the digits. */
export const normalizePhone = (text: string): string => inAscii(text).replace(SEPARATORS, "");

/** Why a text is no phone number; undefined for one. */
function phoneFault(text: string): [code: FieldErrorCode, message: string] | undefined {
  if (text.length > MAX_PHONE_CHARACTERS)
    return ["too_long", `Too long: expected at most ${MAX_PHONE_CHARACTERS} characters`];
  const phone = normalizePhone(text);
  if (phone === "") return ["required", "Required"];
  if (/^\+?0/.test(phone) || /^\d+$/.test(phone))
    return [
      "country_code_missing",
      "Must begin with + and the country code: +44 20 7946 0958, no 00, no 020",
    ];
  if (BRACKETED_ZERO.test(inAscii(text)))
    return ["invalid_phone", "Leave out the 0 in brackets, or its brackets if it is dialled from abroad too"];
  if (!PHONE.test(phone)) return ["invalid_phone", "Must be + and 7 to 15 digits, as in +44 20 7946 0958"];
  return undefined;
}

const phoneChecks = [
  z.check<string>(({ value, issues }) => {
    const [code, message] = phoneFault(value) ?? [];
    if (code) issues.push({ code: "custom", params: { code }, message, input: value, continue: true });
  }),
  z.overwrite(normalizePhone),
  z.meta({
    maxLength: MAX_PHONE_CHARACTERS,
    // Any of the characters that are removed, and six to fourteen digits after the first one.
    pattern: "^[\\s().\\[\\]-]*\\+[\\s().\\[\\]-]*[1-9](?:[\\s().\\[\\]-]*\\d){6,14}[\\s().\\[\\]-]*$",
    not: { pattern: "[(\\[]\\s*0" },
  }),
];

export const MAX_PHONES = 5;

/** A person's phone numbers, the preferred one first. A repeated number counts once. */
export const phonesField = z.array(z.string().check(...phoneChecks)).check(
  z.overwrite((phones) => [...new Set(phones)]),
  rule(
    (phones) => phones.length <= MAX_PHONES,
    "too_many",
    `Too many: expected at most ${MAX_PHONES} numbers`,
  ),
  z.meta({ maxItems: MAX_PHONES }),
);

/** The same in a response. */
export const phonesInResponse = z.array(z.string().check(z.regex(PHONE))).check(z.maxLength(MAX_PHONES));

/** A phone number in a query. There a `+` that is not percent-encoded is a space. */
export const phoneParam = z.pipe(
  z.string().check(
    z.overwrite((text) => text.replace(/^ (?=[1-9])/, "+")),
    ...phoneChecks,
  ),
  z.string(),
);

/** A text of one line. */
const isOneLine = (text: string): boolean => !/[\p{Cc}\u2028\u2029]/u.test(text);

/** A part of an address: text of one line, trimmed. Null and a blank text are a part that is missing. */
const addressText = (max: number) =>
  z.string().check(
    storableText,
    z.trim(),
    rule(isOneLine, "invalid_text", "Must be one line, without control characters"),
    rule((text) => [...text].length <= max, "too_long", `Too long: expected at most ${max} characters`),
    z.meta({ maxLength: max, pattern: trimmedPattern("[^\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029]*") }),
  );

const orNull = (text: string | null | undefined): string | null => text || null;
const addressPart = (max: number) => z.pipe(z.optional(z.nullable(addressText(max))), z.transform(orNull));

const MAX_LINES = 4;
const addressLines = z.array(addressText(100)).check(
  z.overwrite((lines) => lines.filter((line) => line !== "")),
  rule((lines) => lines.length <= MAX_LINES, "too_many", `Too many: expected at most ${MAX_LINES} lines`),
  z.meta({ maxItems: MAX_LINES }),
);

const isCountry = (code: string): boolean => (countryCodes as readonly string[]).includes(code);
const country = z.string().check(
  z.overwrite((code) => code.trim().toUpperCase()),
  rule(
    (code) => code === "" || isCountry(code),
    "invalid_value",
    "Must be the code of a country in ISO 3166-1, such as GB",
  ),
  z.meta({ enum: countryCodes }),
);

const addressFields = {
  lines: z.pipe(
    z.optional(z.nullable(addressLines)),
    z.transform((lines) => lines ?? []),
  ),
  city: addressPart(100),
  region: addressPart(100),
  postal_code: addressPart(20),
  country: z.pipe(z.optional(z.nullable(country)), z.transform(orNull)),
};

/** An address without any part: null removes one. */
const emptyAddress = {
  properties: {
    lines: { items: { pattern: "^\\s*$" } },
    ...Object.fromEntries(["city", "region", "postal_code"].map((name) => [name, { pattern: "^\\s*$" }])),
    country: { type: "null" },
  },
};

/** A postal address, or null. Each part may be left out, but not all of them. */
export const addressField = z.nullable(
  z
    .strictObject(addressFields, {
      error: ({ code }) => (code === "unrecognized_keys" ? "Unknown field" : undefined),
    })
    .check(
      rule(
        ({ lines, ...parts }) => lines.length > 0 || Object.values(parts).some((part) => part !== null),
        "required",
        "Must have at least one part; null removes the address",
      ),
      z.meta({ not: emptyAddress }),
    ),
);

const partInResponse = z.nullable(z.string());

/** The same in a response: all parts, of which some may be null. */
export const addressInResponse = z.nullable(
  z.strictObject({
    lines: z.array(z.string()).check(z.maxLength(MAX_LINES)),
    city: partInResponse,
    region: partInResponse,
    postal_code: partInResponse,
    country: z.nullable(z.enum(countryCodes)),
  }),
);
