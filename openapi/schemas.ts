import { ignoredFieldText } from "../src/http/common-openapi.ts";
import type {
  DescribedParameters,
  DescribedSchema,
  JsonSchema,
  ParameterDescription,
} from "../src/http/openapi.ts";
import type * as z from "../src/zod.ts";
import { type Direction, toJsonSchema, toNamedJsonSchemas } from "./json-schema.ts";

/**
 * Converts the named schemas of requests (`input`) or of responses (`output`) to JSON Schema. They refer to each other
 * by name.
 *
 * @throws when a schema has a field without a description, or a description without a field.
 */
export function buildSchemas(
  schemas: Record<string, DescribedSchema>,
  io: Direction,
): Record<string, JsonSchema> {
  const zodSchemas = Object.fromEntries(Object.entries(schemas).map(([name, { schema }]) => [name, schema]));
  const converted = toNamedJsonSchemas(zodSchemas, io);
  return Object.fromEntries(
    Object.entries(schemas).map(([name, described]) => [
      name,
      addDescriptions(name, Object(converted[name]), described),
    ]),
  );
}

function addDescriptions(
  name: string,
  { $schema, $id, ignored, ...schema }: JsonSchema,
  { description, fields, example, answer }: DescribedSchema,
): JsonSchema {
  const texts = { description, examples: [example] };
  if (!schema["properties"]) return { ...schema, ...texts };
  const properties = {
    ...addFieldDescriptions(name, Object(schema["properties"]), fields),
    ...readOnlyFields(name, (ignored ?? []) as string[], answer),
  };
  return { ...schema, ...texts, properties };
}

function addFieldDescriptions(
  schemaName: string,
  properties: Record<string, JsonSchema>,
  descriptions: Record<string, string>,
): Record<string, JsonSchema> {
  const names = Object.keys(properties);
  if (names.sort().join() !== Object.keys(descriptions).sort().join())
    throw new Error(
      `${schemaName} has the fields ${names}, but descriptions of ${Object.keys(descriptions)}.`,
    );
  return Object.fromEntries(
    Object.entries(properties).map(([field, schema]) => [
      field,
      { description: descriptions[field], ...schema },
    ]),
  );
}

/**
 * The fields that a client may send back and that the API ignores (`ignored` is set by `requestBody` in
 * src/http/body-schemas.ts), with the types that they have in the answer. They are not marked `readOnly`: a validating proxy
 * refuses a request with such a field. Text has no pattern: a client may send a time back in another format of ISO 8601.
 */
function readOnlyFields(
  schemaName: string,
  names: string[],
  answer: z.ZodMiniType | undefined,
): Record<string, JsonSchema> {
  if (names.length === 0) return {};
  if (!answer) throw new Error(`${schemaName} ignores ${names}, but does not say which answer has them.`);
  const { properties } = toJsonSchema(answer, "output") as { properties: Record<string, JsonSchema> };
  return Object.fromEntries(
    names.map((name) => {
      const { pattern, ...schema } = properties[name] ?? {};
      if (Object.keys(schema).length === 0) throw new Error(`The answer of ${schemaName} has no ${name}.`);
      return [name, { description: ignoredFieldText, ...schema }];
    }),
  );
}

/**
 * Builds the OpenAPI parameters of one part of a route's requests.
 *
 * @param replaced descriptions that replace those of the group; a path parameter may have another `name` than in the app.
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
    schema: parsedSchema(Object(textSchema), Object(output["properties"])[name]),
  }));
}

/** A parameter that is parsed to an integer or a boolean is documented as one; others as the text that is sent. */
function parsedSchema(textSchema: JsonSchema, output: JsonSchema | undefined): JsonSchema {
  if (String(textSchema["enum"]) === "true,false") return { type: "boolean" };
  return output?.["type"] === "integer" ? output : textSchema;
}
