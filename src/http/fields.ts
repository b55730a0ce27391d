import * as z from "../zod.ts";

/** The largest value of PostgreSQL's `integer`, which ids are. */
export const MAX_ID = 2_147_483_647;

// A rule that JSON Schema has no check for stands in `z.meta` too, in the words of JSON Schema: from there it gets into
// the reference (openapi/schemas.ts).

/** Something to see: not only spaces, control characters and such of no width. */
const VISIBLE = /[^\s\p{Z}\p{Cc}\p{Cf}]/u;

/**
 * A rule that a value keeps, with what is said of one that does not; the others are asked all the same. Lighter than `z.refine`,
 * which makes a schema of each.
 */
export const rule = <Value>(keeps: (value: Value) => boolean, message: string, field?: string) =>
  z.check<Value>(({ value, issues }) => {
    if (keeps(value)) return;
    const path = field === undefined ? [] : [field];
    issues.push({ code: "custom", message, path, input: value, continue: true });
  });

/** What PostgreSQL stores. */
export const storable = rule<string>(
  (value) => value.isWellFormed() && !value.includes("\0"),
  "Must be well-formed Unicode without NUL",
);

/** Text as every field takes it: trimmed, 1 to `max` characters (code points, as PostgreSQL counts), storable. */
export const text = (max: number) =>
  z.string().check(
    storable,
    z.trim(),
    rule((value) => VISIBLE.test(value), "Required"),
    rule((value) => [...value].length <= max, `Too long: expected at most ${max} characters`),
    z.meta({ minLength: 1, maxLength: max, pattern: `^[^\\u0000]*${VISIBLE.source}[^\\u0000]*$` }),
  );

/** The pattern of what may have white space around it, which is trimmed. */
export const padded = (pattern: string) => `^\\s*${pattern.replace(/^\^|\$$/g, "")}\\s*$`;

/**
 * What has no width, or turns the direction of text: by it two names differ that nobody can tell apart, or one is shown as
 * another. But the scripts from Arabic to Sinhala are written with joiners (U+200C, U+200D): a Persian or a Malayalam name
 * may need one, right after one of their letters.
 */
const UNSEEN = /(?<![\u0620-\u0dff](?=[\u200c\u200d]))\p{Cf}/u;
// Without those of their characters that have no width themselves (U+06DD, U+070F, U+0890, U+0891, U+08E2).
const LETTERS = "[\\u0620-\\u06dc\\u06de-\\u070e\\u0710-\\u088f\\u0892-\\u08e1\\u08e3-\\u0dff]";
const JOINED = `${LETTERS}[\\u200c\\u200d]`;
const SEEN = `(?:[^\\u0000\\p{Cf}]|${JOINED})*`;

/** A person's first or last name, as a client writes it. */
export const name = text(64).check(
  rule(
    (value) => !VISIBLE.test(value) || !UNSEEN.test(value),
    "Must have no zero-width or bidirectional control characters",
  ),
  z.meta({ pattern: padded(`${SEEN}(?:${VISIBLE.source}|${JOINED})${SEEN}`) }),
);

export const email = (max: number) =>
  text(max).check(
    rule((value) => !VISIBLE.test(value) || z.regexes.email.test(value), "Invalid email address"),
    z.meta({ format: "email", pattern: padded(z.regexes.email.source) }),
  );

/** The beginning of a name, or of two: something that is left without its accents, for nothing is where every name begins. */
export const search = text(129).check(
  rule(
    (value) => !VISIBLE.test(value) || /\S/.test(value.normalize("NFKD").replace(/[\u0300-\u036f]/g, "")),
    "Nothing to search for",
  ),
);

/** The id of a record, in a body. */
export const reference = z.int().check(z.positive(), z.maximum(MAX_ID));

/** A moment in UTC as a client writes it: whole seconds will do. PostgreSQL has no year 0. */
export const momentInText = z.iso
  .datetime({ error: "Must be a moment in UTC, as 2026-11-26T09:30:00Z" })
  .check(
    z.maxLength(27),
    rule((text) => !text.startsWith("0000"), "Must be of the year 1 or later"),
    z.meta({ not: { pattern: "^0000" } }),
  );

/** A number that arrives as text, of the digits that `pattern` takes. */
export const digits = (pattern: RegExp, message?: string) =>
  z.pipe(z.string().check(z.regex(pattern, message)), z.transform(Number));

/** The id of a record, in a path or a query. */
export const idInText = z.pipe(digits(/^[1-9]\d{0,9}$/, "Must be an id"), reference);

/** A whole number in a query. */
export const wholeNumber = (min: number, max: number) =>
  z.pipe(digits(/^\d{1,9}$/, "Must be a whole number"), z.int().check(z.minimum(min), z.maximum(max)));

/** Yes or no, in a query. */
export const flag = z.pipe(
  z.enum(["true", "false"]),
  z.transform((text) => text === "true"),
);

/** Fields each of which may be left out. */
export const optional = <Fields extends z.core.$ZodShape>(fields: Fields) =>
  Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, z.optional(field)])) as {
    [Name in keyof Fields]: z.ZodMiniOptional<Fields[Name]>;
  };

/** A path that names a record: `/:id/`. */
export const ById = z.object({ id: idInText });

/** What the API sets in a patient or a doctor, and a client may send back. */
export const readOnlyFields = ["id", "created_by", "created_at", "updated_at"];

/** The names of what an answer shows of a patient or a doctor: its `fields`, and what the API sets. */
export const shownWith = (fields: object): string[] => [
  "id",
  ...Object.keys(fields),
  ...readOnlyFields.filter((name) => name !== "id"),
];

/**
 * A request's body: exactly `fields`, and `readOnly` ones, which a client may send back as it got them and which are
 * dropped unread. It is put together when the first such body comes.
 */
export const body = <Fields extends z.core.$ZodShape>(fields: Fields, readOnly: readonly string[] = []) =>
  lazyBody(() => fields, readOnly);

/** The body of a change: what is left out stays as it is. */
export const bodyOfChange = <Fields extends z.core.$ZodShape>(fields: Fields, readOnly: readonly string[]) =>
  lazyBody(() => optional(fields), readOnly);

const lazyBody = <Fields extends z.core.$ZodShape>(fields: () => Fields, readOnly: readonly string[]) =>
  z.lazy(() => exactly(fields(), readOnly)).register(z.globalRegistry, { ignored: readOnly });

const exactly = <Fields extends z.core.$ZodShape>(fields: Fields, readOnly: readonly string[]) =>
  z.pipe(
    z.transform((value) => without(value, readOnly)),
    z.strictObject(fields, {
      error: ({ code }) => (code === "unrecognized_keys" ? "Unknown field" : undefined),
    }),
  );

function without(value: unknown, keys: readonly string[]): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  if (!keys.some((key) => key in value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)));
}
