import * as core from "zod/v4/core";
import {
  type DescribedParameters,
  type DescribedSchema,
  type JsonSchema,
  type ParameterDescription,
  referenceTo,
} from "../src/http/openapi.ts";
import type * as z from "../src/zod.ts";
import { expandUnicodeClasses } from "./patterns.ts";

/** The direction of a schema, as zod names it: of requests or of responses. They differ where a schema transforms its value. */
type Direction = "input" | "output";

/**
 * Converts the named schemas of requests (`input`) or of responses (`output`) to JSON Schema. They refer to each other by name.
 *
 * @throws when a schema has a field without a description, or a description without a field.
 */
export function buildSchemas(
  schemas: Record<string, DescribedSchema>,
  io: Direction,
): Record<string, JsonSchema> {
  const registry = core.registry<{ id: string }>();
  for (const [id, { schema }] of Object.entries(schemas)) registry.add(schema, { id });
  const uri = (id: string) => String(referenceTo(id)["$ref"]);
  const converted = core.toJSONSchema(registry, { io, uri, override: adjustSchema }).schemas;
  return Object.fromEntries(
    Object.entries(schemas).map(([name, described]) => [
      name,
      addDescriptions(name, Object(converted[name]), described),
    ]),
  );
}

function addDescriptions(
  name: string,
  { $schema, $id, ...schema }: JsonSchema,
  { description, fields, example }: DescribedSchema,
): JsonSchema {
  const texts = { description, examples: [example] };
  if (!schema["properties"]) return { ...schema, ...texts };
  return {
    ...schema,
    ...texts,
    properties: addFieldDescriptions(name, Object(schema["properties"]), fields),
  };
}

function addFieldDescriptions(
  schemaName: string,
  properties: Record<string, JsonSchema>,
  descriptions: Record<string, string>,
): Record<string, JsonSchema> {
  const writable = Object.keys(properties).filter((field) => !properties[field]?.["readOnly"]);
  if (writable.sort().join() !== Object.keys(descriptions).sort().join())
    throw new Error(
      `${schemaName} has the fields ${writable}, but descriptions of ${Object.keys(descriptions)}.`,
    );
  return Object.fromEntries(
    Object.entries(properties).map(([field, schema]) => [
      field,
      { description: descriptions[field], ...schema },
    ]),
  );
}

/**
 * Builds the OpenAPI parameters of one part of a route's requests.
 *
 * @param replaced descriptions that replace those of the group.
 * @throws when the group does not describe `schema`.
 */
export function buildParameters(
  place: "path" | "query" | "header",
  schema: z.ZodMiniType,
  groupParameters: DescribedParameters[],
  replaced: Record<string, ParameterDescription> = {},
): JsonSchema[] {
  const described = groupParameters.find((one) => one.schema === schema);
  if (!described) throw new Error(`The ${place} parameters of a route have no descriptions.`);
  const input = toJsonSchema(schema, "input");
  const output = toJsonSchema(schema, "output");
  const required = (input["required"] ?? []) as string[];
  return Object.entries(Object(input["properties"])).map(([name, textSchema]) => ({
    name,
    in: place,
    required: required.includes(name),
    ...(replaced[name] ?? described.descriptions[name]),
    schema: integerSchema(Object(output["properties"])[name]) ?? textSchema,
  }));
}

/** The output of a parameter that is parsed to an integer. Others are documented as the text that is sent. */
const integerSchema = (output: JsonSchema | undefined): JsonSchema | undefined =>
  output?.["type"] === "integer" ? output : undefined;

function toJsonSchema(schema: core.$ZodType, io: Direction): JsonSchema {
  return core.toJSONSchema(schema, { io, override: adjustSchema, unrepresentable: "any" });
}

/** Replaces what zod generates by simpler JSON Schema that more tools understand. */
function adjustSchema({ jsonSchema }: { jsonSchema: JsonSchema }): void {
  if (jsonSchema["type"] === "integer") simplifyBounds(jsonSchema);
  if (typeof jsonSchema["pattern"] === "string")
    jsonSchema["pattern"] = expandUnicodeClasses(jsonSchema["pattern"]);
  if (Array.isArray(jsonSchema["ignored"])) addReadOnlyFields(jsonSchema, jsonSchema["ignored"]);
}

function simplifyBounds(schema: JsonSchema): void {
  if (schema["exclusiveMinimum"] === 0) {
    delete schema["exclusiveMinimum"];
    schema["minimum"] = 1;
  }
  // zod adds the limits of JavaScript's exact integers. They are no limits of the API.
  if (schema["minimum"] === Number.MIN_SAFE_INTEGER) delete schema["minimum"];
  if (schema["maximum"] === Number.MAX_SAFE_INTEGER) delete schema["maximum"];
}

/** Adds the fields that a client may send back and that the API ignores (`ignored` is set by `requestBody` in src/http/fields.ts). */
function addReadOnlyFields(schema: JsonSchema, names: string[]): void {
  delete schema["ignored"];
  const description = "Set by the API. It may be sent back and is ignored.";
  const readOnly = names.map((name) => [name, { readOnly: true, description }]);
  schema["properties"] = { ...Object(schema["properties"]), ...Object.fromEntries(readOnly) };
}
