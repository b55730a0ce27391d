import * as core from "zod/v4/core";
import type { DescribedParameters, DescribedSchema, ParameterDescription } from "../src/http/openapi.ts";
import type * as z from "../src/zod.ts";
import { portable } from "./patterns.ts";

/** A schema as JSON Schema has it. */
export type JsonSchema = Record<string, unknown>;

type Io = "input" | "output";

export const referenceTo = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });

/**
 * The named schemas of one direction as JSON Schema, which refer to each other by name: what clients send (`input`) or
 * what they are answered (`output`).
 *
 * @throws when a schema has a field without words, or words for no field.
 */
export function componentsOf(schemas: Record<string, DescribedSchema>, io: Io): Record<string, JsonSchema> {
  const registry = core.registry<{ id: string }>();
  for (const [id, { schema }] of Object.entries(schemas)) registry.add(schema, { id });
  const uri = (id: string) => String(referenceTo(id)["$ref"]);
  const written = core.toJSONSchema(registry, { io, uri, override }).schemas;
  return Object.fromEntries(
    Object.entries(schemas).map(([name, words]) => [name, describe(name, Object(written[name]), words)]),
  );
}

function describe(
  name: string,
  written: JsonSchema,
  { description, fields, example }: DescribedSchema,
): JsonSchema {
  const { $schema, $id, properties, ...rest } = written;
  const described = describeEach(name, Object(properties), fields);
  return { ...rest, description, properties: described, examples: [example] };
}

function describeEach(
  of: string,
  properties: Record<string, JsonSchema>,
  words: Record<string, string>,
): Record<string, JsonSchema> {
  const own = Object.keys(properties).filter((field) => !properties[field]?.["readOnly"]);
  if (own.sort().join() !== Object.keys(words).sort().join())
    throw new Error(`${of} has the fields ${own}, and words for ${Object.keys(words)}.`);
  return Object.fromEntries(
    Object.entries(properties).map(([field, schema]) => [field, { description: words[field], ...schema }]),
  );
}

/** The parameters that a route reads from one part of its requests, each with its words. */
export function parametersOf(
  place: "path" | "query" | "header",
  schema: z.ZodMiniType,
  described: DescribedParameters[],
  otherWords: Record<string, ParameterDescription> = {},
): JsonSchema[] {
  const known = described.find((one) => one.schema === schema);
  if (!known) throw new Error(`There are no words for the ${place} of a route.`);
  const input = jsonSchemaOf(schema, "input");
  const output = jsonSchemaOf(schema, "output");
  const required = (input["required"] ?? []) as string[];
  return Object.entries(Object(input["properties"])).map(([name, asText]) => ({
    name,
    in: place,
    required: required.includes(name),
    ...(otherWords[name] ?? known.words[name]),
    schema: parsed(Object(output["properties"])[name]) ?? asText,
  }));
}

/** What a parameter's text stands for, when that is a number. */
const parsed = (schema: JsonSchema | undefined): JsonSchema | undefined =>
  schema?.["type"] === "integer" ? schema : undefined;

function jsonSchemaOf(schema: core.$ZodType, io: Io): JsonSchema {
  return core.toJSONSchema(schema, { io, override, unrepresentable: "any" });
}

/** Brings what zod writes into the form that people expect. */
function override({ jsonSchema }: { jsonSchema: JsonSchema }): void {
  if (jsonSchema["type"] === "integer") tellBounds(jsonSchema);
  if (typeof jsonSchema["pattern"] === "string") jsonSchema["pattern"] = portable(jsonSchema["pattern"]);
  if (Array.isArray(jsonSchema["ignored"])) tellIgnored(jsonSchema, jsonSchema["ignored"]);
}

function tellBounds(schema: JsonSchema): void {
  if (schema["exclusiveMinimum"] === 0) {
    delete schema["exclusiveMinimum"];
    schema["minimum"] = 1;
  }
  // The ends of what JavaScript counts exactly: no limits of the API's.
  if (schema["minimum"] === Number.MIN_SAFE_INTEGER) delete schema["minimum"];
  if (schema["maximum"] === Number.MAX_SAFE_INTEGER) delete schema["maximum"];
}

/** What a client may send back as it got it, and the API drops unread. */
function tellIgnored(schema: JsonSchema, fields: string[]): void {
  delete schema["ignored"];
  const description = "The API sets it. It may be sent back, and is ignored.";
  const ignored = fields.map((field) => [field, { readOnly: true, description }]);
  schema["properties"] = { ...Object(schema["properties"]), ...Object.fromEntries(ignored) };
}
