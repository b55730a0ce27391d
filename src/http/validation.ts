import { zValidator } from "@hono/zod-validator";
import type { Context, Env } from "hono";
import type * as z from "../zod.ts";
import { decodeUtf8, hasDuplicateKey, limitBody, readBody, requestMediaType } from "./body.ts";
import type { FieldErrorCode } from "./problem-codes.ts";
import {
  type FieldError,
  type FieldErrors,
  MAX_REPORTED_FIELDS,
  Problem,
  unknownFieldName,
  validationProblem,
} from "./problems.ts";
import { parameterErrors, parameterProblem, readQuery, unknownParameterMessage } from "./query.ts";
import { routeHandlers } from "./routing.ts";

const MAX_JSON_KIB = 64;
const limitJson = limitBody(MAX_JSON_KIB);

/** The schema of each validating middleware. The OpenAPI document is built from these schemas. */
export const validationSchemas = new WeakMap<WeakKey, { part: string; schema: z.ZodMiniType }>();

/**
 * A middleware that validates a part of the request. The handler gets the result from `c.req.valid(part)`.
 *
 * @param schema the one that the OpenAPI document describes.
 * @param schemaOf the schema of a request, where it depends on the configuration; by default `schema`.
 * @throws {Problem} 400 that names the fields (404 for a path); for a body also 413 and 415.
 */
export function validate<Part extends "json" | "query" | "param", Schema extends z.ZodMiniType>(
  part: Part,
  schema: Schema,
  schemaOf?: (c: Context) => Promise<Schema>,
) {
  const refuse = (result: { success: true } | { success: false; error: z.core.$ZodError }) => {
    if (result.success) return;
    // A malformed id is answered like the id of a missing record.
    throw part === "param"
      ? new Problem("not_found", "There is no such record.")
      : validationErrorProblem(result.error);
  };
  // Synchronous, because no schema has anything asynchronous. The type that the validator expects is that of the
  // larger `zod`.
  const validationFunction = (own: Schema, value: unknown) => parseFields(own, value) as never;
  const validatorOf = (own: Schema) => zValidator(part, own, refuse, { validationFunction });
  const validator: ReturnType<typeof validatorOf> = schemaOf
    ? async (c, next) => validatorOf(await schemaOf(c))(c, next)
    : validatorOf(schema);
  const bodyValidator: typeof validator = async (c, next) => {
    await limitJson(c, () => requireJson(c));
    return validator(c, next);
  };
  const queryValidator: typeof validator = async (c, next) => {
    c.req.addValidatedData("query", parseQuery(c, schema));
    await next();
  };
  const middleware = { json: bodyValidator, query: queryValidator, param: validator }[part];
  validationSchemas.set(middleware, { part, schema });
  return middleware;
}

/**
 * A middleware that validates the headers of `schema` and reads no others. The handler gets them from
 * `c.req.valid("header")`.
 *
 * @throws {Problem} 400 that names the headers.
 */
export function validateHeaders<Shape extends z.core.$ZodShape>(schema: z.ZodMiniObject<Shape>) {
  const names = Object.keys(schema.shape);
  const middleware: ReturnType<typeof zValidator<typeof schema, "header", Env, string>> = async (c, next) => {
    const { success, data, error } = parseFields(
      schema,
      Object.fromEntries(names.map((name) => [name, c.req.header(name)])),
    );
    if (!success) throw validationErrorProblem(error);
    c.req.addValidatedData("header", data);
    await next();
  };
  validationSchemas.set(middleware, { part: "header", schema });
  return middleware;
}

/**
 * Parses the body. Hono itself treats a wrong media type as an empty object, and replaces bytes that are not UTF-8.
 */
async function requireJson(c: Context): Promise<void> {
  const text = decodeUtf8(await readBody(c, "a JSON object"));
  if (requestMediaType(c) !== "application/json")
    throw new Problem(
      "unsupported_media_type",
      "The body must be JSON in UTF-8, with Content-Type: application/json.",
    );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Problem("invalid_json", "The body is not well-formed JSON in UTF-8.");
  }
  if (hasDuplicateKey(text, value))
    throw new Problem("duplicate_key", "The body has a duplicate key in an object.");
  // The validator calls this instead of reading and parsing the body again.
  Object.assign(c.req, { json: async () => value });
}

/**
 * Validates the query. A parameter that was sent more than once is refused, because it is not clear which value is meant.
 *
 * @throws {Problem} 400 that names the parameters
 */
function parseQuery(c: Context, schema: z.ZodMiniType): object {
  const query = [...readQuery(c)];
  const repeated = query.filter(([, values]) => values.length > 1).map(([name]) => name);
  const single = query.filter(([, values]) => values.length === 1).map(([name, [value]]) => [name, value]);
  const { success, data, error } = parseFields(schema, Object.fromEntries(single));
  if (success && repeated.length === 0) return data as object;
  const { errors, count } = error ? collectFieldErrors(error, "unknown_parameter") : { errors: {}, count: 0 };
  throw validationProblem(
    { ...parameterErrors(repeated, "repeated_parameter", "Given more than once"), ...errors },
    repeated.length + count,
  );
}

/**
 * Refuses the query of a route that declares no schema for it, because ignoring it can do what the client did not want:
 * `DELETE …?dry_run=true`. Nothing is checked when there is no such route, which is 404 or 405.
 *
 * @throws {Problem} 400 that names the parameters
 */
export function rejectUndeclaredQuery(c: Context): void {
  if (!c.req.url.includes("?")) return;
  const handlers = routeHandlers(c);
  if (handlers.length === 0) return;
  if (handlers.some((handler) => validationSchemas.get(handler)?.part === "query")) return;
  const names = [...readQuery(c).keys()];
  if (names.length > 0) throw parameterProblem(names, "unknown_parameter", unknownParameterMessage([]));
}

function validationErrorProblem(error: z.core.$ZodError): Problem {
  const { errors, count } = collectFieldErrors(error);
  return validationProblem(errors, count);
}

/** Parses a value. The issues tell a missing value from one of another type. */
export const parseFields = <Schema extends z.ZodMiniType>(schema: Schema, value: unknown) =>
  schema.safeParse(value, { reportInput: true });

/**
 * The errors of the fields that are not valid, by path, and the number of these fields. Of thousands only the first
 * are named.
 *
 * @param unknownKey the code of a key that the schema does not have.
 */
export function collectFieldErrors(
  { issues }: z.core.$ZodError,
  unknownKey: FieldErrorCode = "unknown_field",
): { errors: FieldErrors; count: number } {
  const errors = new Map<string, FieldError[]>();
  let count = 0;
  const add = (path: PropertyKey[], code: FieldErrorCode, message: string) => {
    const field = path.join(".") || "body";
    const others = errors.get(field) ?? [];
    if (!others.some((other) => other.message === message)) errors.set(field, [...others, { code, message }]);
  };
  for (const issue of issues) {
    const known = errors.size;
    if (issue.code === "unrecognized_keys") {
      // A body may have thousands of unknown keys: all are counted, the first are named.
      for (const key of issue.keys.slice(0, MAX_REPORTED_FIELDS))
        add([...issue.path, unknownFieldName(key)], unknownKey, issue.message);
      count += issue.keys.length;
    } else {
      add(issue.path, fieldErrorCode(issue), issue.message);
      count += errors.size - known;
    }
  }
  return { errors: Object.fromEntries(errors), count };
}

/** The code of an issue that `parseFields` has found. */
function fieldErrorCode(issue: z.core.$ZodIssue): FieldErrorCode {
  if (issue.code === "custom") return issue.params?.["code"];
  if (issue.input === undefined) return "required";
  switch (issue.code) {
    case "too_big":
      if (issue.origin === "array") return "too_many";
      return issue.origin === "string" ? "too_long" : "too_big";
    case "too_small":
      return issue.origin === "string" ? "too_short" : "too_small";
    case "invalid_type":
    case "invalid_format":
      return issue.code;
    default:
      return "invalid_value";
  }
}
