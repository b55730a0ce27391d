import * as fc from "fast-check";
import { inject } from "vitest";
import { faultsOf, type JsonSchema, resolve } from "../support/openapi.ts";
import { hostileNames } from "../support/text.ts";

// What fast-check makes up, of the reference's schemas: a field that is new there is tried without a word here.

const document = inject("reference");

/** Strings and lists without a limit have one here: something has to be the longest. */
const LONG = 100;

/** Values of which the reference says that they are valid. */
export function valid(schema: JsonSchema): fc.Arbitrary<unknown> {
  const whole = resolve<JsonSchema>(document, schema);
  return candidates(whole).filter((value) => faultsOf(document, whole, value).length === 0);
}

/** Values that a schema may take: of the right type, mostly of the right form. */
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

/** The fields of an object that a client writes, each with its schema. */
export const fieldsOf = (schema: JsonSchema): Record<string, JsonSchema> =>
  Object.fromEntries(
    Object.entries(Object(resolve<JsonSchema>(document, schema)["properties"]) as Record<string, JsonSchema>)
      .map(([name, field]) => [name, resolve<JsonSchema>(document, field)] as const)
      .filter(([, field]) => !field["readOnly"]),
  );

const validFields = (schema: JsonSchema) =>
  Object.fromEntries(Object.entries(fieldsOf(schema)).map(([name, field]) => [name, valid(field)]));

/** Text of a pattern, text of all of Unicode, text as long as may be, and text that has spoilt something before. */
function text({ pattern, format, minLength = 0, maxLength = LONG }: JsonSchema): fc.Arbitrary<string> {
  const [least, most] = [Number(minLength), Number(maxLength)];
  const strings = (unit: Unit, from = least) => fc.string({ unit, minLength: from, maxLength: most });
  // Of a password's length JSON Schema can count characters, and bcrypt counts bytes.
  if (format === "password") return fc.oneof(strings("grapheme-ascii"), strings("grapheme-ascii", most));
  const matching = pattern ? ofPattern(String(pattern), most) : [];
  // Nobody would happen upon an email or a moment.
  if (pattern && format) return fc.oneof(...matching);
  const known = fc.constantFrom<string>(...hostileNames);
  const any = fc.oneof(strings("binary"), strings("grapheme"), strings("binary", most), known, ...matching);
  return any.filter((one) => !UNSAID.test(one));
}

/** Characters without a width that the reference can say nothing of: they are beyond what all patterns can write. */
const UNSAID = /(?=\p{Cf})[\u{10000}-\u{10ffff}]/u;

/** Of some patterns, those that look ahead, fast-check makes nothing. */
function ofPattern(pattern: string, maxLength: number): fc.Arbitrary<string>[] {
  try {
    return [fc.stringMatching(new RegExp(pattern, "u"), { maxLength })];
  } catch {
    return [];
  }
}

type Unit = "binary" | "grapheme" | "grapheme-ascii";
