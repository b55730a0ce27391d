import * as z from "../zod.ts";
import { makeOptional, rule } from "./fields.ts";

// JSON bodies of requests: exactly the fields of a record, and rules about several of them.

/** The fields of a patient or a doctor that the API sets. A client may send them back; they are ignored. */
export const readOnlyFields = ["id", "created_by", "created_at", "updated_at", "version"];

/** The field names of a patient or a doctor in a response, in order: `fields` and the read-only ones. */
export const responseFields = (fields: object, readOnly: readonly string[] = readOnlyFields): string[] => [
  "id",
  ...Object.keys(fields),
  ...readOnly.filter((name) => name !== "id"),
];

/**
 * A rule about several fields of a body. Unlike `rule` it is also checked when a field is not valid, so that a client gets
 * all messages at once.
 */
export function bodyRule<Body extends object>(...rest: Parameters<typeof rule<Body>>) {
  const check = rule<Body>(...rest);
  check._zod.def.when = ({ value }) => typeof value === "object" && value !== null && !Array.isArray(value);
  return check;
}

/**
 * A JSON body with exactly these fields. The schema is created with the first such request, not at start-up: 188
 * schemas instead of 278, 2 ms of CPU (docs/decisions/0009-optimisations-and-their-figures.md).
 *
 * @param readOnly fields that a client may send back as it got them; they are ignored.
 * @param rules of several fields, made by `bodyRule`.
 */
export const requestBody = <Fields extends z.core.$ZodShape>(
  fields: Fields,
  readOnly: readonly string[] = [],
  rules: BodyRule[] = [],
) => lazyRequestBody(() => fields, readOnly, rules);

/** The JSON body of a change: all fields are optional, and those that are left out stay as they are. */
export const patchBody = <Fields extends z.core.$ZodShape>(
  fields: Fields,
  readOnly: readonly string[],
  rules: BodyRule[] = [],
) => lazyRequestBody(() => makeOptional(fields), readOnly, rules);

// biome-ignore lint/suspicious/noExplicitAny: each rule reads some fields of its body.
type BodyRule = z.core.$ZodCheck<any>;

const lazyRequestBody = <Fields extends z.core.$ZodShape>(
  fields: () => Fields,
  readOnly: readonly string[],
  rules: BodyRule[],
) => z.lazy(() => strictBody(fields(), readOnly, rules)).register(z.globalRegistry, { ignored: readOnly });

const strictBody = <Fields extends z.core.$ZodShape>(
  fields: Fields,
  readOnly: readonly string[],
  rules: BodyRule[],
) => {
  const body = z.strictObject(fields, {
    error: ({ code }) => (code === "unrecognized_keys" ? "Unknown field" : undefined),
  });
  return z.pipe(
    z.transform((value) => withoutKeys(value, readOnly)),
    rules.length > 0 ? body.check(...rules) : body,
  );
};

function withoutKeys(value: unknown, keys: readonly string[]): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  if (!keys.some((key) => key in value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)));
}

/**
 * In JSON Schema: a body that has all of these fields. With their names in `properties`, or linters report them as
 * undefined.
 */
export const hasFields = (...names: string[]) => ({
  properties: Object.fromEntries(names.map((name) => [name, {}])),
  required: names,
});
