import { normalizedText, rule, textField, trimmedPattern } from "../http/fields.ts";
import * as z from "../zod.ts";

// The identifiers of a patient. Whether a value fits its system, the database checks (identifier-checks.ts).

export const MAX_IDENTIFIERS = 10;
const MAX_VALUE_LENGTH = 64;

/**
 * The form in which values are compared: in upper case, without spaces and hyphens. The database decides by
 * `identifier_key` (drizzle/); this one is for what can be said without it.
 */
const identifierKey = (value: string): string =>
  value.length > 2 * MAX_VALUE_LENGTH
    ? value
    : value
        .normalize("NFKC")
        .replace(/[\s\u2010-\u2015\u2212-]/gu, "")
        .toUpperCase();

/** Spaces and hyphens are not compared. */
const COMPARED = /[^\s\p{Pd}\p{Cc}\p{Cf}\u2212]/u;

const system = z.string().check(
  z.trim(),
  rule(
    (name) => /^[a-z0-9-]{1,32}$/.test(name),
    "invalid_format",
    "Must be the name of an identifier system: lower-case letters, digits and hyphens",
  ),
  z.meta({ pattern: trimmedPattern("^[a-z0-9-]{1,32}$") }),
);

const value = z.string().check(
  z.trim(),
  normalizedText(MAX_VALUE_LENGTH),
  rule((text) => COMPARED.test(text), "required", "Required: more than spaces and hyphens"),
  rule(
    (text) => !/[\p{C};]/u.test(text),
    "invalid_text",
    "Must have no semicolon and no control or invisible characters",
  ),
  rule(
    (text) => Math.max([...text].length, [...identifierKey(text)].length) <= MAX_VALUE_LENGTH,
    "too_long",
    `Too long: expected at most ${MAX_VALUE_LENGTH} characters`,
  ),
  z.meta({
    maxLength: MAX_VALUE_LENGTH,
    pattern: trimmedPattern("[^;\\u0000-\\u001f]*[^\\s;\\u0000-\\u001f-][^;\\u0000-\\u001f]*"),
  }),
);

type Identifiers = { system: string; value: string }[];

/** Each identifier stands once in a record. */
const requireDistinct = z.check<Identifiers>(({ value: identifiers, issues }) => {
  if (identifiers.length > MAX_IDENTIFIERS) return;
  const keys = identifiers.map((one) => `${one.system} ${identifierKey(one.value)}`);
  keys.forEach((key, place) => {
    if (keys.indexOf(key) === place) return;
    issues.push({
      code: "custom",
      params: { code: "identifier_repeated" },
      message: "Repeated: an earlier identifier is the same",
      path: [place, "value"],
      input: identifiers,
      continue: true,
    });
  });
});

/** A patient's identifiers: the numbers that identifier systems have given to it. */
export const identifiersField = z
  .array(
    z.strictObject(
      { system, value },
      { error: ({ code }) => (code === "unrecognized_keys" ? "Unknown field" : undefined) },
    ),
  )
  .check(
    rule(
      (identifiers) => identifiers.length <= MAX_IDENTIFIERS,
      "too_many",
      `Too many: expected at most ${MAX_IDENTIFIERS} identifiers`,
    ),
    requireDistinct,
    z.meta({ maxItems: MAX_IDENTIFIERS }),
  );

/** The same in a response. */
export const identifiersInResponse = z
  .array(z.strictObject({ system: z.string(), value: z.string() }))
  .check(z.maxLength(MAX_IDENTIFIERS));

/** An identifier in a query: a value, or the name of a system, a colon and a value. */
export const identifierParam = textField(32 + 1 + MAX_VALUE_LENGTH).check(
  rule((text) => COMPARED.test(text), "invalid_format", "Must contain more than spaces and hyphens"),
);

/** The identifiers of a cell in CSV: `mrn:123; nhs:456`. Without a colon, the system is missing. */
export const parseIdentifiers = (cell: string): Identifiers =>
  cell
    .split(/[;\n]/)
    .filter((part) => part.trim() !== "")
    .map((part) => {
      const [, name = "", rest = part] = /^([^:]*):(.*)$/s.exec(part) ?? [];
      return { system: name.trim().toLowerCase(), value: rest.trim() };
    });
