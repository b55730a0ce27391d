import type * as z from "../zod.ts";
import type { ProblemCode } from "./problem-codes.ts";

// Types of the openapi.ts files. They hold what the code cannot say: descriptions and examples, which TypeScript checks
// against the zod schemas, so that a field without a description does not compile. The Worker imports none of these
// files (.ci/run checks that).

/** A JSON Schema. */
export type JsonSchema = Record<string, unknown>;

/** A reference to a schema of the document by its name. */
export const referenceTo = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });

/** The field names of a schema in JSON. The input type of a request body is `unknown`: it drops read-only fields first. */
type FieldNames<Schema extends z.ZodMiniType> = keyof (unknown extends z.input<Schema>
  ? z.output<Schema>
  : z.input<Schema>) &
  string;

/** A named schema of the document, with a description of each field and one example. */
export interface DescribedSchema {
  schema: z.ZodMiniType;
  description: string;
  fields: Record<string, string>;
  example: unknown;
  /** Of a request: the schema of its answer, which has the types of the read-only fields that may be sent back. */
  answer?: z.ZodMiniType;
}

/** Describes the schema of a body: each field with its unit, and a realistic example, which the tests send to the API. */
export const describeSchema = <Schema extends z.ZodMiniType>(
  schema: Schema,
  texts: {
    description: string;
    fields: Record<FieldNames<Schema>, string>;
    example: z.output<Schema>;
    answer?: z.ZodMiniType;
  },
): DescribedSchema => ({ schema, ...texts });

export interface ParameterDescription {
  description: string;
  example?: string | number | boolean;
  /** Of a path parameter: its name in the document, when it differs from the one in the app. */
  name?: string;
}

/** The schema of a path, a query or headers, with a description of each parameter. */
export interface DescribedParameters {
  schema: z.ZodMiniType;
  descriptions: Record<string, ParameterDescription>;
}

/** Describes the parameters of a path, a query or headers. */
export const describeParameters = <Schema extends z.ZodMiniType>(
  schema: Schema,
  descriptions: Record<FieldNames<Schema>, ParameterDescription>,
): DescribedParameters => ({ schema, descriptions });

/** Response headers that an operation names. Those that every response has are in openapi/headers.ts. */
export type HeaderName =
  | "CalendarETag"
  | "Content-Disposition"
  | "DuplicateLink"
  | "ETag"
  | "Idempotency-Replayed"
  | "Link"
  | "Location"
  | "PollAfter";

/** A body by media type: OpenAPI's `content`. */
type MediaTypes = Record<string, { schema: JsonSchema; example: unknown }>;

/** A successful response. */
export interface ResponseDescription {
  status: 200 | 201 | 204 | 304;
  description: string;
  /** The schema of the JSON body, one of the group's `schemas`; with `list`, the schema of each item. */
  schema?: z.ZodMiniType;
  list?: boolean;
  /** Replaces the example of the schema. */
  example?: unknown;
  headers?: readonly HeaderName[];
  /** Bodies that no named schema describes, such as CSV. */
  content?: MediaTypes;
}

/** An error response: when it is returned, and an example of its `detail`, when it differs from the one of all routes. */
export interface ProblemDescription {
  description: string;
  detail?: string;
  /** The codes that not all routes have, the example's first. */
  codes?: readonly ProblemCode[];
}

/** The texts of an operation. Its parameters, JSON body, security and common errors are read from the route's handlers. */
export interface OperationDescription {
  operationId: string;
  summary: string;
  description: string;
  /** Its middleware is `deprecatePath`. */
  deprecated?: boolean;
  responses: readonly ResponseDescription[];
  /** Errors of this operation by status. They also replace the text of a common error. */
  problems?: Record<number, ProblemDescription>;
  /** Replaces the description of a parameter. */
  parameters?: Record<string, ParameterDescription>;
  /** Request bodies that are not JSON. */
  content?: MediaTypes;
}

/** The descriptions of some routes. Operations are named by method and path as in the app: `GET /api/patients/:id`. */
export interface DescribedRoutes {
  schemas: Record<string, DescribedSchema>;
  parameters: DescribedParameters[];
  operations: Record<string, OperationDescription>;
}

/** The routes of a group, which the reference page shows under the group's tag. */
export interface OpenApiGroup extends DescribedRoutes {
  tag: OpenApiTag;
}

export interface OpenApiTag {
  name: string;
  description: string;
}
