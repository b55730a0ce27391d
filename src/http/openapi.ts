import type * as z from "../zod.ts";

// What a person has to say, beside what the code says of itself. It is checked against the schemas by types: a field
// without words does not compile.

/** The names of an object's fields as they are on the wire, where a schema turns them into something else. */
type FieldsOf<Schema extends z.ZodMiniType> = keyof (unknown extends z.input<Schema>
  ? z.output<Schema>
  : z.input<Schema>) &
  string;

/** A schema that the document names; what is sent or answered by it, in words and by one example. */
export interface DescribedSchema {
  schema: z.ZodMiniType;
  description: string;
  fields: Record<string, string>;
  example: unknown;
}

/** Names a schema of bodies. @param words one of each field, with its unit; the example is to be a true one */
export const describeSchema = <Schema extends z.ZodMiniType>(
  schema: Schema,
  words: {
    description: string;
    fields: Record<FieldsOf<Schema>, string>;
    example: z.output<Schema>;
  },
): DescribedSchema => ({ schema, ...words });

/** What a parameter is, and one value that it may have. */
export interface ParameterDescription {
  description: string;
  example?: string | number;
}

/** A schema of a path, a query or headers, with words for each of its parameters. */
export interface DescribedParameters {
  schema: z.ZodMiniType;
  words: Record<string, ParameterDescription>;
}

/** Describes the parameters of a path, a query or headers. */
export const describeParameters = <Schema extends z.ZodMiniType>(
  schema: Schema,
  words: Record<FieldsOf<Schema>, ParameterDescription>,
): DescribedParameters => ({ schema, words });

/** Headers of answers; those that all answers have need not be named. */
export type HeaderName = "ETag" | "Idempotency-Replayed" | "Link" | "Location";

/** A body that is not JSON, by its media type; as OpenAPI has it. */
export type OtherContent = Record<string, { schema: Record<string, unknown>; example: unknown }>;

/** What a route answers when all is well. */
export interface ResponseDescription {
  status: 200 | 201 | 204 | 304;
  description: string;
  /** What its body is, one of the named schemas; or, with `list`, what each of its items is. */
  schema?: z.ZodMiniType;
  list?: boolean;
  /** Another example than the schema's, where that would not be true. */
  example?: unknown;
  headers?: readonly HeaderName[];
  /** Beside or instead of JSON. */
  content?: OtherContent;
}

/** When a route answers a problem, and what its `detail` says then, unless that is the same for all routes. */
export interface ProblemDescription {
  when: string;
  detail?: string;
}

/** What a route does. Which parameters and bodies it takes, who may call it and what it refuses is read from its code. */
export interface OperationDescription {
  operationId: string;
  summary: string;
  description: string;
  deprecated?: boolean;
  answers: readonly ResponseDescription[];
  /** Problems that come from the work itself; or other words for one that comes from the code around it. */
  problems?: Record<number, ProblemDescription>;
  /** Other words for a parameter than those of its schema. */
  parameters?: Record<string, ParameterDescription>;
  /** What it takes beside or instead of JSON. */
  content?: OtherContent;
}

/** A group of routes: its words by method and path, as the app has them. */
export interface OpenApiGroup {
  tag: { name: string; description: string };
  schemas: Record<string, DescribedSchema>;
  parameters: DescribedParameters[];
  operations: Record<string, OperationDescription>;
}
