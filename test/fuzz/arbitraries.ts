import * as fc from "fast-check";
import { inject } from "vitest";
import { ignoredFieldText } from "../../src/http/common-openapi.ts";
import { type JsonSchema, resolveReference, schemaErrors } from "../support/openapi.ts";
import { hostileNames } from "../support/text.ts";

// Random values for the schemas of the OpenAPI document. A new field there is tried without a change here.

const document = inject("openApiDocument");

/** The longest string or list where the schema has no maximum. */
const LONG = 100;

/** Values that are valid by the OpenAPI document. */
export function valid(schema: JsonSchema): fc.Arbitrary<unknown> {
  const whole = resolveReference<JsonSchema>(document, schema);
  return candidates(whole).filter((value) => schemaErrors(document, whole, value).length === 0);
}

/** Values of the right type, and mostly of the right form; `valid` filters them. */
function candidates(schema: JsonSchema): fc.Arbitrary<unknown> {
  if ("const" in schema) return fc.constant(schema["const"]);
  if (Array.isArray(schema["enum"])) return fc.constantFrom(...schema["enum"]);
  const ways = (schema["anyOf"] ?? schema["oneOf"]) as JsonSchema[] | undefined;
  if (ways) return fc.oneof(...ways.map(valid));
  const types = [schema["type"] ?? []].flat() as (keyof typeof ofType)[];
  if (types.length === 0) return fc.jsonValue();
  return fc.oneof(...types.map((type) => ofType[type](schema)));
}

const ofType = {
  null: () => fc.constant(null),
  boolean: () => fc.boolean(),
  integer: (schema: JsonSchema) => fc.integer(boundsOf(schema)),
  number: (schema: JsonSchema) => fc.double({ ...boundsOf(schema), noNaN: true }),
  string: text,
  array: ({ items = {}, minItems = 0, maxItems = LONG }: JsonSchema) =>
    fc.array(valid(items as JsonSchema), { minLength: Number(minItems), maxLength: Number(maxItems) }),
  object: (schema: JsonSchema) => fc.record(validFields(schema), { requiredKeys: requiredOf(schema) }),
};

const boundsOf = ({ minimum = -(2 ** 31), maximum = 2 ** 31 - 1 }: JsonSchema) => ({
  min: Number(minimum),
  max: Number(maximum),
});

export const requiredOf = ({ required = [] }: JsonSchema): string[] => required as string[];

/** The fields of an object that a client can write, each with its schema. */
export const fieldsOf = (schema: JsonSchema): Record<string, JsonSchema> =>
  Object.fromEntries(
    Object.entries(
      Object(resolveReference<JsonSchema>(document, schema)["properties"]) as Record<string, JsonSchema>,
    )
      .filter(([, { description }]) => !isReadOnly(String(description)))
      .map(([name, field]) => [name, resolveReference<JsonSchema>(document, field)] as const),
  );

/** A field that is ignored, or must have the value of the record. */
const isReadOnly = (description: string) =>
  description === ignoredFieldText || description.startsWith("Read-only.");

const validFields = (schema: JsonSchema) =>
  Object.fromEntries(Object.entries(fieldsOf(schema)).map(([name, field]) => [name, valid(field)]));

/**
 * Text that matches the pattern, text of all of Unicode, text of the maximum length, and text that has caused bugs
 * elsewhere.
 */
function text({ pattern, format, minLength = 0, maxLength = LONG }: JsonSchema): fc.Arbitrary<string> {
  const [least, most] = [Number(minLength), Number(maxLength)];
  const strings = (unit: Unit, from = least) => fc.string({ unit, minLength: from, maxLength: most });
  // JSON Schema counts the characters of a password, and the API its bytes.
  if (format === "password") return fc.oneof(strings("grapheme-ascii"), strings("grapheme-ascii", most));
  if (format === "regex") return identifierPattern;
  if (format === "idn-email") return email.filter((one) => one.length <= most);
  const matching = pattern ? ofPattern(String(pattern), most) : [];
  // Random text is never a timestamp.
  if (pattern && format) return fc.oneof(...matching);
  const known = fc.constantFrom<string>(...hostileNames);
  const any = fc.oneof(strings("binary"), strings("grapheme"), strings("binary", most), known, ...matching);
  return any.filter((one) => !INEXPRESSIBLE.test(one));
}

/** Random text is never an email: its characters and its domain are chosen from those that one may have. */
const email = fc
  .tuple(
    fc.string({ unit: fc.constantFrom(..."aZ0!#$%&'*+-/=?^_`{|}~éüßяख用😀"), minLength: 6, maxLength: 16 }),
    fc.constantFrom("example.org", "b-c.1.Example", "müller.de", "пример.рф", "xn--e1afmkfd.xn--p1ai"),
  )
  .map((parts) => parts.join("@"));

/** The pattern of an identifier system: its repetitions cannot be described by a regular expression. */
const identifierPattern = fc
  .array(
    fc.tuple(
      fc.constantFrom("\\d", "[A-Z]", "[A-Z0-9]", "A", "7", "/", "\\."),
      fc.constantFrom("", "{1}", "{0,1}", "{2,7}"),
    ),
    { minLength: 1, maxLength: 9 },
  )
  .map((elements) => elements.flat().join(""));

/**
 * What the patterns of the document do not express: invisible characters above U+FFFF, and in names and reasons that
 * invisible characters alone are no text.
 */
const INEXPRESSIBLE = /(?=\p{Cf})[\u{10000}-\u{10ffff}]|^[\s\p{Cc}\p{Cf}]*$/u;

/** Text that matches a pattern; none for a pattern with a lookahead, which fast-check does not support. */
function ofPattern(pattern: string, maxLength: number): fc.Arbitrary<string>[] {
  try {
    return [fc.stringMatching(new RegExp(pattern, "u"), { maxLength })];
  } catch {
    return [];
  }
}

type Unit = "binary" | "grapheme" | "grapheme-ascii";
