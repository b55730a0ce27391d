import type { Context } from "hono";
import * as z from "../zod.ts";
import type { FieldErrorCode } from "./problem-codes.ts";
import { type FieldErrors, type Problem, unknownFieldName, validationProblem } from "./problems.ts";

/** The query of a URL, without parsing the rest of it. */
const QUERY = /\?([^#]*)/;

/**
 * Reads the query of a request: the values of each parameter by its name. `+` is a space, as HTML forms write it.
 * `URLSearchParams` would replace bytes that are not UTF-8, and Hono would leave them encoded: a search would find
 * nobody and not say why.
 *
 * @throws {Problem} 400 when it is not percent-encoded UTF-8. Names the parameters: `query` when the name is not either.
 */
export function readQuery(c: Context): Map<string, string[]> {
  const query = new Map<string, string[]>();
  const malformed: string[] = [];
  const [, search = ""] = QUERY.exec(c.req.url) ?? [];
  for (const pair of search.split("&")) {
    if (pair === "") continue;
    const [name, value] = decodePair(pair);
    if (name === undefined || value === undefined) malformed.push(name ?? "query");
    else if (query.get(name)?.push(value) === undefined) query.set(name, [value]);
  }
  if (malformed.length > 0)
    throw parameterProblem(malformed, "malformed_encoding", "Must be percent-encoded UTF-8");
  return query;
}

/** Decodes `name=value`. A part that is not percent-encoded UTF-8 is `undefined`. */
function decodePair(pair: string): [name: string | undefined, value: string | undefined] {
  const [name = "", ...value] = pair.split("=");
  return [decode(name), decode(value.join("="))];
}

function decode(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded.replaceAll("+", " "));
  } catch {
    return undefined;
  }
}

/** The message about a parameter that a route does not have. */
export const unknownParameterMessage = (accepted: readonly string[]): string =>
  `Unknown parameter: this route accepts ${accepted.join(", ") || "none"}`;

/**
 * A query with exactly these parameters. An unknown one is an error, because a mistyped filter must never return all
 * records.
 */
export const strictQuery = <Parameters extends z.core.$ZodShape>(parameters: Parameters) =>
  z.strictObject(parameters, {
    error: ({ code }) =>
      code === "unrecognized_keys" ? unknownParameterMessage(Object.keys(parameters)) : undefined,
  });

/** The same error of each of these parameters. */
export const parameterErrors = (names: string[], code: FieldErrorCode, message: string): FieldErrors =>
  Object.fromEntries(names.map((name) => [unknownFieldName(name), [{ code, message }]]));

/** 400 with the same error of each of these parameters. */
export const parameterProblem = (names: string[], code: FieldErrorCode, message: string): Problem =>
  validationProblem(parameterErrors(names, code, message), new Set(names).size);
