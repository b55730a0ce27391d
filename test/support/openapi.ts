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

/** The shape of a path: the document may name a parameter otherwise than the app. */
const shapeOf = (path: string): string => path.replace(/\/$/, "").replace(/:\w+|\{\w+\}/g, "{}");

/** The operation of a route, such as `GET /api/patients/:id`. */
export function operationOfRoute(document: OpenApi, route: string): Operation | undefined {
  const [method = "", path = ""] = route.split(" ");
  const found = Object.keys(document.paths).find((one) => shapeOf(one) === shapeOf(path));
  return document.paths[found ?? ""]?.[method.toLowerCase()];
}

/**
 * A copy of the document in which objects have no other fields than the described ones. The schemas of responses are
 * open, so that clients accept new fields; but a response of today has no field that is not described.
 */
export function closeObjects<Part>(part: Part, isPartial = false): Part {
  if (Array.isArray(part)) return part.map((item) => closeObjects(item, isPartial)) as Part;
  if (typeof part !== "object" || part === null) return part;
  // A member of `allOf` describes a part of the fields, and the other members describe the rest.
  const entries = Object.entries(part).map(([key, value]) => [key, closeObjects(value, key === "allOf")]);
  const closed = Object.fromEntries(entries);
  const isOpen = closed["type"] === "object" && closed["properties"] && !("additionalProperties" in closed);
  return isOpen && !isPartial ? { ...closed, additionalProperties: false } : closed;
}

/** A parameter as its schema has it: a number or a boolean where the text is one. */
export function parseParameter({ type }: JsonSchema, text: string): unknown {
  if (type === "boolean") return text === "true" || (text === "false" ? false : text);
  return type === "integer" && /^-?\d+$/.test(text) ? Number(text) : text;
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
