import { zValidator } from "@hono/zod-validator";
import type { Context, Env } from "hono";
import type * as z from "../zod.ts";
import { limitBody, mediaTypeOf, readText } from "./body.ts";
import { hasKeyTwice } from "./json.ts";
import { type FieldErrors, invalidFields, MAX_NAMED, Problem, shownName } from "./problems.ts";

const MAX_JSON_KIB = 64;
const limitJson = limitBody(MAX_JSON_KIB);

/** What each middleware that is made here validates: the reference is written from these very schemas. */
export const validations = new WeakMap<WeakKey, { part: string; schema: z.ZodMiniType }>();

/**
 * Validates a part of the request and gives it to the handler as `c.req.valid(part)`.
 *
 * @throws {Problem} 400 that names the fields (404 for a path), or 415.
 */
export function validate<Part extends "json" | "query" | "param", Schema extends z.ZodMiniType>(
  part: Part,
  schema: Schema,
) {
  const refuse = (result: { success: true } | { success: false; error: z.core.$ZodError }) => {
    if (result.success) return;
    // A path that cannot name a record names none.
    throw part === "param" ? new Problem(404, "There is no such record.") : refusalOf(result.error);
  };
  // Nothing in a schema of ours is to be waited for. Typed is the answer of the larger zod, which has more to it.
  const validationFunction = (own: Schema, value: unknown) => own.safeParse(value) as never;
  const check = zValidator(part, schema, refuse, { validationFunction });
  const afterBody: typeof check = async (c, next) => {
    await limitJson(c, () => requireJson(c));
    return check(c, next);
  };
  const validated = part === "json" ? afterBody : check;
  validations.set(validated, { part, schema });
  return validated;
}

/**
 * Validates the headers that `schema` names, and reads no others; gives them to the handler as `c.req.valid("header")`.
 *
 * @throws {Problem} 400 that names the headers
 */
export function validateHeaders<Shape extends z.core.$ZodShape>(schema: z.ZodMiniObject<Shape>) {
  const names = Object.keys(schema.shape);
  const validated: ReturnType<typeof zValidator<typeof schema, "header", Env, string>> = async (c, next) => {
    const { success, data, error } = schema.safeParse(
      Object.fromEntries(names.map((name) => [name, c.req.header(name)])),
    );
    if (!success) throw refusalOf(error);
    c.req.addValidatedData("header", data);
    await next();
  };
  validations.set(validated, { part: "header", schema });
  return validated;
}

/** Hono would take a wrong type for an empty object and bytes that are no UTF-8 for replacement characters. */
async function requireJson(c: Context): Promise<void> {
  const text = await readText(c, "a JSON object");
  if (mediaTypeOf(c) !== "application/json")
    throw new Problem(415, "The body must be JSON in UTF-8, with Content-Type: application/json.");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Problem(400, "The body is not well-formed JSON in UTF-8.");
  }
  if (hasKeyTwice(text, value)) throw new Problem(400, "The body has the same key twice in one object.");
  // Hono's validator would read and parse it once more.
  Object.assign(c.req, { json: async () => value });
}

function refusalOf(error: z.core.$ZodError): Problem {
  const { errors, count } = fieldErrors(error);
  return invalidFields(errors, count);
}

/** All messages of the first fields, by their paths; and how many fields there are. */
export function fieldErrors({ issues }: z.core.$ZodError): { errors: FieldErrors; count: number } {
  const errors = new Map<string, string[]>();
  let count = 0;
  const add = (path: PropertyKey[], message: string) => {
    const field = shownName(path.join(".")) || "body";
    const messages = errors.get(field) ?? [];
    if (!messages.includes(message)) errors.set(field, [...messages, message]);
  };
  for (const issue of issues) {
    const known = errors.size;
    if (issue.code === "unrecognized_keys") {
      // A body has room for thousands of them: they are counted, and not worth more.
      for (const key of issue.keys.slice(0, MAX_NAMED)) add([...issue.path, key], issue.message);
      count += issue.keys.length;
    } else {
      add(issue.path, issue.message);
      count += errors.size - known;
    }
  }
  return { errors: Object.fromEntries(errors), count };
}
