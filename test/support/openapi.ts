import { Validator } from "@cfworker/json-schema";

/** A JSON Schema. */
export type JsonSchema = Record<string, unknown>;

interface Reference {
  $ref: string;
}

export interface Media {
  schema: JsonSchema;
  example?: unknown;
}

interface Header {
  required: boolean;
  schema: JsonSchema;
}

export type HeaderOrReference = Header | Reference;

export interface OperationResponse {
  description: string;
  headers?: Record<string, HeaderOrReference>;
  content?: Record<string, Media>;
}

export interface Operation {
  operationId: string;
  security: unknown[];
  parameters?: { name: string; in: string; required: boolean; schema: JsonSchema; example?: unknown }[];
  requestBody?: { content: Record<string, Media> };
  responses: Record<string, OperationResponse | Reference>;
}

/** The parts of an OpenAPI document that the tests read. */
export interface OpenApi {
  paths: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<string, JsonSchema>;
    responses: Record<string, OperationResponse>;
    headers: Record<string, Header>;
  };
}

/** Returns what a `$ref` points to within the document, and anything else unchanged. */
export function resolveReference<Component extends object>(
  document: OpenApi,
  one: Component | Reference,
): Component {
  if (!("$ref" in one)) return one;
  const path = one.$ref.slice("#/".length).split("/");
  return path.reduce<unknown>((part, key) => Object(part)[key], document) as Component;
}

const validators = new Map<string, Validator>();

/** Lists where a value is not valid by a schema of the document. */
export function schemaErrors({ components }: OpenApi, schema: JsonSchema, value: unknown): string[] {
  const key = JSON.stringify(schema);
  const validator = validators.get(key) ?? new Validator({ ...schema, components }, "2020-12", false);
  validators.set(key, validator);
  const { valid, errors } = validator.validate(value);
  return valid ? [] : errors.map(({ instanceLocation, error }) => `${instanceLocation} ${error}`);
}
