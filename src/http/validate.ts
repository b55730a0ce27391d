import { zValidator } from "@hono/zod-validator";
import type { Context } from "hono";
import type * as z from "../zod.ts";
import { type FieldErrors, invalidFields, Problem } from "./problem.ts";

/** With parameters or without, so long as they do not say that it is not UTF-8. */
const JSON_TYPE = /^application\/json(; *(charset="?utf-8"?|(?!charset)[a-z0-9-]+=[^;]+))*$/i;

/**
 * Validates a part of the request and gives it to the handler as `c.req.valid(part)`.
 *
 * @throws {Problem} 400 with all messages of all fields (404 for a path), or 415.
 */
export function validate<Part extends "json" | "query" | "param", Schema extends z.ZodMiniType>(
  part: Part,
  schema: Schema,
) {
  const check = zValidator(part, schema, (result) => {
    if (result.success) return;
    // A path that cannot name a record names none.
    throw part === "param"
      ? new Problem(404, "There is no such record.")
      : invalidFields(fieldErrors(result.error));
  });
  const validated: typeof check = async (c, next) => {
    if (part === "json") await requireJson(c);
    return check(c, next);
  };
  return validated;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/** Hono would take a wrong type for an empty object and bytes that are no UTF-8 for replacement characters. */
async function requireJson(c: Context): Promise<void> {
  const bytes = await c.req.arrayBuffer();
  if (bytes.byteLength === 0) throw new Problem(400, "The request has no body; a JSON object is expected.");
  if (!JSON_TYPE.test(c.req.header("Content-Type") ?? "")) {
    throw new Problem(415, "The body must be JSON in UTF-8, with Content-Type: application/json.");
  }
  try {
    const text = utf8.decode(bytes);
    JSON.parse(text);
    // Hono's validator would make a response of the bytes to read the text from; this is where it looks first.
    Object.assign(c.req.bodyCache, { text: Promise.resolve(text) });
  } catch {
    throw new Problem(400, "The body is not well-formed JSON in UTF-8.");
  }
}

function fieldErrors({ issues }: z.core.$ZodError): FieldErrors {
  const errors = new Map<string, string[]>();
  for (const issue of issues) {
    const unknown = issue.code === "unrecognized_keys" ? issue.keys : [];
    const paths = unknown.length > 0 ? unknown.map((key) => [...issue.path, key]) : [issue.path];
    for (const path of paths) {
      const field = path.join(".") || "body";
      const message = unknown.length > 0 ? "Unknown field" : issue.message;
      errors.set(field, [...(errors.get(field) ?? []), message]);
    }
  }
  return Object.fromEntries(errors);
}
