import { emailJsonSchema, isEmail } from "../email.ts";
import * as z from "../zod.ts";
import type { FieldErrorCode } from "./problem-codes.ts";

/** The largest value of PostgreSQL's `integer`, which ids are. */
export const MAX_ID = 2_147_483_647;

// A rule that zod cannot express as JSON Schema also stands in `z.meta`, from where openapi/schemas.ts takes it into
// the OpenAPI document.

/** A visible character: no space, control character or format character. */
const VISIBLE = /[^\s\p{Cc}\p{Cf}]/u;

/**
 * A validation rule. All rules of a schema are checked, so that a client gets all messages at once. It is a check
 * and not `z.refine`, which would create a schema: 228 schemas at start-up instead of 188.
 *
 * @param field the field that the message is about, when the value is an object.
 */
export const rule = <Value>(
  isValid: (value: Value) => boolean,
  code: FieldErrorCode,
  message: string,
  field?: string,
) =>
  z.check<Value>(({ value, issues }) => {
    if (isValid(value)) return;
    const path = field === undefined ? [] : [field];
    issues.push({ code: "custom", params: { code }, message, path, input: value, continue: true });
  });

const isStorable = (value: string) => value.isWellFormed() && !value.includes("\0");

/** Text that PostgreSQL can store. */
export const storableText = rule(isStorable, "invalid_text", "Must be well-formed Unicode without NUL");

/**
 * A text field: trimmed, storable, with a visible character and at most `max` characters (code points, as PostgreSQL
 * counts).
 */
export const textField = (max: number) => z.string().check(...textChecks(max));

const textChecks = (max: number) => [
  storableText,
  z.trim(),
  // One message for NUL, which is not visible either.
  rule<string>((value) => VISIBLE.test(value) || !isStorable(value), "required", "Required"),
  rule<string>(
    (value) => [...value].length <= max,
    "too_long",
    `Too long: expected at most ${max} characters`,
  ),
  z.meta({ minLength: 1, maxLength: max, pattern: `^[^\\u0000]*${VISIBLE.source}[^\\u0000]*$` }),
];

/** The reason for an action that needs one: 10 to 500 characters, for the audit log. */
export const reasonField = textField(500).check(
  rule(
    (value) => !VISIBLE.test(value) || [...value].length >= 10,
    "too_short",
    "Too short: expected at least 10 characters",
  ),
  z.meta({
    minLength: 10,
    // Without the rule of the visible character: a pattern of both would have 250 characters.
    pattern: "^\\s*[^\\s\\u0000][^\\u0000]{8,}[^\\s\\u0000]\\s*$",
  }),
);

/** A pattern for JSON Schema that allows white space around the value, which is trimmed. */
export const trimmedPattern = (pattern: string) => `^\\s*${pattern.replace(/^\^|\$$/g, "")}\\s*$`;

/**
 * A zero-width or bidirectional control character. They can make two different names look equal, or show a name in
 * another order. The scripts from Arabic to Sinhala are written with joiners (U+200C, U+200D): a Persian or a
 * Malayalam name may have one after a letter.
 */
const INVISIBLE = /(?<![\u0620-\u0dff](?=[\u200c\u200d]))\p{Cf}/u;

/** How many characters a first or a last name has at most. */
export const MAX_NAME = 100;

/**
 * A person's first or last name. One of the two may be missing: null and a blank text are stored as an empty one. See
 * `requireName`.
 */
export const personName = z.pipe(
  z.nullable(
    z.string().check(
      storableText,
      z.trim(),
      rule((value) => value === "" || VISIBLE.test(value) || !isStorable(value), "required", "Required"),
      rule(
        (value) => [...value].length <= MAX_NAME,
        "too_long",
        `Too long: expected at most ${MAX_NAME} characters`,
      ),
      rule(
        (value) => !VISIBLE.test(value) || !INVISIBLE.test(value),
        "invisible_characters",
        "Must have no zero-width or bidirectional control characters",
      ),
      z.meta({
        maxLength: MAX_NAME,
        // Without two rules, which would make it longer than 200 characters: that control characters alone are no name,
        // and that no joiner comes after one of the control characters from Arabic to Sinhala.
        pattern: trimmedPattern("(?:[^\\u0000\\p{Cf}]|[\\u0620-\\u0dff][\\u200c\\u200d])*"),
      }),
    ),
  ),
  z.transform((name) => name ?? ""),
);

/**
 * Unicode's normal form NFC of a text of at most `max` characters. The time of `normalize` grows with the square of the
 * number of accents on a letter: an email of 64 KiB took 0.5 s. A text of more than eight times the characters is left as
 * it is: NFC makes one character of four at most, of two UTF-16 units each, so it is too long in any form.
 */
export const normalizedText = (max: number) =>
  z.overwrite<string>((value) => (value.length > 8 * max ? value : value.normalize("NFC")));

/** An email address (src/email.ts) of at most `max` characters, trimmed and in Unicode's normal form NFC. */
export const emailField = (max: number) =>
  z.string().check(
    z.trim(),
    normalizedText(max),
    ...textChecks(max),
    rule((value) => !VISIBLE.test(value) || isEmail(value), "invalid_email", "Invalid email address"),
    z.meta(emailJsonSchema),
  );

/**
 * A character that the database compares: not an accent, a space or punctuation (drizzle/0020_name_search.sql). The
 * wildcards of other systems are punctuation too, but alone they are accepted and find nobody.
 */
const COMPARED = /[%_*\\]|[^\p{M}\p{P}\p{Z}\p{C}\p{Lm}\p{Sk}$+<=>|~−]/u;

/**
 * A name search: a whole name, or a part. It must contain a character that is compared: every name begins with the empty
 * text.
 */
export const nameSearch = textField(2 * MAX_NAME + 1).check(
  rule(
    (value) => !VISIBLE.test(value) || COMPARED.test(value),
    "invalid_format",
    "Must contain more than accents and punctuation",
  ),
);

/** An id in a JSON body. */
export const idSchema = z.int().check(z.positive(), z.maximum(MAX_ID));

/** The length of `2026-11-26T09:30:00.123456Z`: PostgreSQL stores microseconds. */
const MAX_TIMESTAMP_LENGTH = 27;

/** A UTC timestamp without the calendar: that there is no 30 February is up to the format `date-time`. */
const TIMESTAMP =
  "^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])T([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d+)?Z$";

/** A UTC timestamp in a query, with or without fractions of a second. PostgreSQL has no year 0. */
export const timestampParam = z.iso
  .datetime({ error: "Must be a UTC timestamp like 2026-11-26T09:30:00Z" })
  .check(
    z.maxLength(MAX_TIMESTAMP_LENGTH),
    rule((text) => !text.startsWith("0000"), "too_small", "Must be in the year 1 or later"),
    z.meta({ pattern: TIMESTAMP, not: { pattern: "^0000" } }),
  );

/** A number in a path, a query or a token: text that matches `pattern`. */
export const digits = (pattern: RegExp, message?: string) =>
  z.pipe(z.string().check(z.regex(pattern, message)), z.transform(Number));

/** An id in a path or a query. */
export const idParam = z.pipe(digits(/^[1-9]\d{0,9}$/, "Must be an id"), idSchema);

/** An integer in a query, from `min` to `max`. */
export const integerParam = (min: number, max: number) =>
  z.pipe(digits(/^\d{1,9}$/, "Must be a whole number"), z.int().check(z.minimum(min), z.maximum(max)));

/** `true` or `false` in a query. */
export const booleanParam = z.pipe(
  z.enum(["true", "false"]),
  z.transform((text) => text === "true"),
);

/** All `fields`, each optional. */
export const makeOptional = <Fields extends z.core.$ZodShape>(fields: Fields) =>
  Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, z.optional(field)])) as {
    [Name in keyof Fields]: z.ZodMiniOptional<Fields[Name]>;
  };

/** The path `/:id/` of a record. */
export const IdPath = z.object({ id: idParam });
