import * as core from "zod/v4/core";
import { type JsonSchema, referenceTo } from "../src/http/openapi.ts";
import { referToEnum } from "./enums.ts";
import { expandUnicodeClasses, unescapeSlashes } from "./patterns.ts";

// From zod's schemas to JSON Schema that code generators, validating proxies and other languages understand.

/**
 * The direction of a schema, as zod names it: of requests or of responses. They differ where a schema transforms its
 * value.
 */
export type Direction = "input" | "output";

const MAX_INT32 = 2 ** 31 - 1;

/** Converts a schema without references to the components of other schemas, but to those of enumerations. */
export const toJsonSchema = (schema: core.$ZodType, io: Direction): JsonSchema =>
  core.toJSONSchema(schema, { io, override: adjusting(io), unrepresentable: "any" });

/** Converts schemas that refer to each other by their names. */
export function toNamedJsonSchemas(schemas: Record<string, core.$ZodType>, io: Direction) {
  const registry = core.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(schemas)) registry.add(schema, { id });
  const uri = (id: string) => String(referenceTo(id)["$ref"]);
  return core.toJSONSchema(registry, { io, uri, override: adjusting(io) }).schemas as Record<
    string,
    JsonSchema
  >;
}

const adjusting =
  (io: Direction) =>
  ({ jsonSchema }: { jsonSchema: JsonSchema }): void =>
    adjustSchema(jsonSchema, io);

/** Replaces what zod generates by simpler JSON Schema that more tools understand. */
function adjustSchema(schema: JsonSchema, io: Direction): void {
  if (schema["type"] === "integer") adjustInteger(schema);
  if (typeof schema["pattern"] === "string")
    schema["pattern"] = unescapeSlashes(expandUnicodeClasses(schema["pattern"]));
  // zod says of each record that its keys are strings, as those of every JSON object are.
  delete schema["propertyNames"];
  // A generator would make a field with a default required, or send the default of today for ever.
  delete schema["default"];
  // A client must accept fields that a later version adds to a response. Unknown fields of a request are errors.
  if (io === "output" && schema["additionalProperties"] === false) delete schema["additionalProperties"];
  referToEnum(schema);
}

function adjustInteger(schema: JsonSchema): void {
  if (schema["exclusiveMinimum"] === 0) {
    delete schema["exclusiveMinimum"];
    schema["minimum"] = 1;
  }
  // zod adds the limits of JavaScript's exact integers. They are no limits of the API.
  if (schema["minimum"] === Number.MIN_SAFE_INTEGER) delete schema["minimum"];
  if (schema["maximum"] === Number.MAX_SAFE_INTEGER) delete schema["maximum"];
  schema["format"] = Number(schema["maximum"]) <= MAX_INT32 ? "int32" : "int64";
}
