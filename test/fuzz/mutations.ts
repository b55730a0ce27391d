import * as fc from "fast-check";
import { inject } from "vitest";
import { type JsonSchema, schemaErrors } from "../support/openapi.ts";
import { fieldsOf, requiredOf } from "./arbitraries.ts";

const document = inject("openApiDocument");

/** One change that makes a valid body invalid: a field and its new value; without a value, the field is left out. */
export interface Mutation {
  what: string;
  field: string;
  value?: unknown;
}

/** All mutations that make one field of a body invalid. */
export function mutationsOf(schema: JsonSchema): fc.Arbitrary<Mutation> {
  const fields = fieldsOf(schema);
  const missingFields = requiredOf(schema).map((field) => fc.constant<Mutation>({ what: "left out", field }));
  const changedFields = Object.entries(fields).map(([field, one]) =>
    fc.oneof(
      ...waysToSpoil(one).map(({ what, value }) =>
        fc.record({ what: fc.constant(what), field: fc.constant(field), value }),
      ),
    ),
  );
  return fc.oneof(...missingFields, ...changedFields, unknownField(schema));
}

/** Fields that the schema does not have, including names that every JavaScript object inherits. */
function unknownField(schema: JsonSchema): fc.Arbitrary<Mutation> {
  const inherited = fc.constantFrom("__proto__", "constructor", "prototype", "toString", "hasOwnProperty");
  const name = fc.oneof(fc.string({ unit: "binary", minLength: 1, maxLength: 20 }), inherited);
  // A name with NUL is reported differently, because NUL cannot be stored.
  const isUnknown = (one: string) => !Object.hasOwn(Object(schema["properties"]), one) && !one.includes("\0");
  const field = name.filter(isUnknown);
  return fc.record({ what: fc.constant("unknown"), field, value: fc.jsonValue() });
}

interface Way {
  what: string;
  value: fc.Arbitrary<unknown>;
}

/** Invalid values of a field, by what is wrong with them. */
export function waysToSpoil(schema: JsonSchema): Way[] {
  const isInvalid = (value: unknown) => schemaErrors(document, schema, value).length > 0;
  const ways: Way[] = [{ what: "of another type", value: fc.jsonValue().filter(isInvalid) }];
  if (schema["type"] === "integer") ways.push(...outOfRange(schema), { what: "not whole", value: notWhole });
  if (Array.isArray(schema["enum"]))
    ways.push({ what: "none of these", value: fc.string().filter(isInvalid) });
  else if (schema["type"] === "string") ways.push(...unstorable, ...tooLong(schema));
  return ways;
}

const notWhole = fc.double({ min: 0, max: 100, noNaN: true }).filter((value) => !Number.isInteger(value));

function outOfRange({ minimum, maximum }: JsonSchema): Way[] {
  const [least, most] = [Number(minimum), Number(maximum)];
  const above = fc.oneof(
    fc.constant(most + 1),
    fc.integer({ min: most + 1, max: Number.MAX_SAFE_INTEGER }),
    fc.double({ min: most + 1, noDefaultInfinity: true, noNaN: true }),
  );
  const below = fc.oneof(
    fc.constant(least - 1),
    fc.integer({ min: Number.MIN_SAFE_INTEGER, max: least - 1 }),
  );
  return [
    ...(maximum === undefined ? [] : [{ what: "too large", value: above }]),
    ...(minimum === undefined ? [] : [{ what: "too small", value: below }]),
  ];
}

/** Too long by visible characters, because white space at the ends is trimmed before characters are counted. */
function tooLong({ maxLength }: JsonSchema): Way[] {
  const most = Number(maxLength);
  const value = fc.tuple(
    fc.constantFrom("x", "é", "🩺"),
    fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 1000 })),
  );
  if (maxLength === undefined) return [];
  return [{ what: "too long", value: value.map(([unit, more]) => unit.repeat(most + more)) }];
}

/** Text that PostgreSQL cannot store, and text that UTF-8 cannot encode. */
const unstorable: Way[] = [
  { what: "with NUL", value: around("\0") },
  { what: "with half a character", value: fc.oneof(around("\ud800"), around("\udc00")) },
];

function around(broken: string): fc.Arbitrary<string> {
  return fc.tuple(fc.string(), fc.string()).map((ends) => ends.join(broken));
}
