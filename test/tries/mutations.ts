import * as fc from "fast-check";
import { inject } from "vitest";
import { faultsOf, type JsonSchema } from "../support/openapi.ts";
import { fieldsOf, requiredOf } from "./arbitraries.ts";

const document = inject("reference");

/** One change that makes a valid body invalid: a field, and what becomes of it; nothing, when it is left out. */
export interface Mutation {
  what: string;
  field: string;
  value?: unknown;
}

/** Every way to spoil one field of a body. */
export function mutationsOf(schema: JsonSchema): fc.Arbitrary<Mutation> {
  const fields = fieldsOf(schema);
  const left = requiredOf(schema).map((field) => fc.constant<Mutation>({ what: "left out", field }));
  const spoilt = Object.entries(fields).map(([field, one]) =>
    fc.oneof(
      ...waysToSpoil(one).map(({ what, value }) =>
        fc.record({ what: fc.constant(what), field: fc.constant(field), value }),
      ),
    ),
  );
  return fc.oneof(...left, ...spoilt, unknown(schema));
}

/** Names of no field, those that every object of JavaScript has among them. */
function unknown(schema: JsonSchema): fc.Arbitrary<Mutation> {
  const inherited = fc.constantFrom("__proto__", "constructor", "prototype", "toString", "hasOwnProperty");
  const name = fc.oneof(fc.string({ unit: "binary", minLength: 1, maxLength: 20 }), inherited);
  // With NUL it would be told by another name: that is not to be stored.
  const isNone = (one: string) => !Object.hasOwn(Object(schema["properties"]), one) && !one.includes("\0");
  const field = name.filter(isNone);
  return fc.record({ what: fc.constant("unknown"), field, value: fc.jsonValue() });
}

interface Way {
  what: string;
  value: fc.Arbitrary<unknown>;
}

/** Values that a field does not take, by what is wrong with them. */
export function waysToSpoil(schema: JsonSchema): Way[] {
  const isWrong = (value: unknown) => faultsOf(document, schema, value).length > 0;
  const ways: Way[] = [{ what: "of another type", value: fc.jsonValue().filter(isWrong) }];
  if (schema["type"] === "integer") ways.push(...beyond(schema), { what: "not whole", value: notWhole });
  if (Array.isArray(schema["enum"])) ways.push({ what: "none of these", value: fc.string().filter(isWrong) });
  else if (schema["type"] === "string") ways.push(...unstorable, ...tooLong(schema));
  return ways;
}

const notWhole = fc.double({ min: 0, max: 100, noNaN: true }).filter((value) => !Number.isInteger(value));

function beyond({ minimum, maximum }: JsonSchema): Way[] {
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

/** By visible characters: what is white space at the ends is trimmed before anybody counts. */
function tooLong({ maxLength }: JsonSchema): Way[] {
  const most = Number(maxLength);
  const value = fc.tuple(
    fc.constantFrom("x", "é", "🩺"),
    fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 1000 })),
  );
  if (maxLength === undefined) return [];
  return [{ what: "too long", value: value.map(([unit, more]) => unit.repeat(most + more)) }];
}

/** What is no text to PostgreSQL, and what is none to UTF-8. */
const unstorable: Way[] = [
  { what: "with NUL", value: around("\0") },
  { what: "with half a character", value: fc.oneof(around("\ud800"), around("\udc00")) },
];

function around(broken: string): fc.Arbitrary<string> {
  return fc.tuple(fc.string(), fc.string()).map((ends) => ends.join(broken));
}
