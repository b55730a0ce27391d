import type { Context } from "hono";
import type { FieldErrorCode } from "./problem-codes.ts";
import { type FieldErrors, type Problem, unknownFieldName, validationProblem } from "./problems.ts";

/**
 * Reads the query of a request: the values of each parameter by its name. `+` is a space, as HTML forms write it.
 * `URLSearchParams` would replace bytes that are not UTF-8, and Hono would leave them encoded: a search would find
 * nobody and not say why.
 *
 * @throws {Problem} 400 when it is not percent-encoded UTF-8. Names the parameters.
 */
export function readQuery(c: Context): Map<string, string[]> {
  const query = new Map<string, string[]>();
  const malformed: string[] = [];
  for (const pair of new URL(c.req.url).search.slice(1).split("&")) {
    if (pair === "") continue;
    const [name, value] = decodePair(pair);
    if (name === undefined || value === undefined) malformed.push(name ?? "");
    else if (query.get(name)?.push(value) === undefined) query.set(name, [value]);
  }
  if (malformed.length > 0)
    throw parameterProblem(malformed, "malformed_encoding", "Must be percent-encoded UTF-8");
  return query;
}

/** Decodes `name=value`. A part that is not percent-encoded UTF-8 is `undefined`. */
function decodePair(pair: string): [name: string | undefined, value: string | undefined] {
  const [name = "", value = ""] = pair.split(/=(.*)/s);
  return [decode(name), decode(value)];
}

function decode(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded.replaceAll("+", " "));
  } catch {
    return undefined;
  }
}

/** The same error of each of these parameters. One whose name cannot be shown is called `query`. */
export const parameterErrors = (names: string[], code: FieldErrorCode, message: string): FieldErrors =>
  Object.fromEntries(
    names.map((name) => [name === "" ? "query" : unknownFieldName(name), [{ code, message }]]),
  );

/** 400 with the same error of each of these parameters. */
export const parameterProblem = (names: string[], code: FieldErrorCode, message: string): Problem =>
  validationProblem(parameterErrors(names, code, message), new Set(names).size);
