import { expect } from "vitest";
import { type ApiResponse, JWT_SECRET } from "../../support/api.ts";
import { asOwner } from "../../support/owner.ts";

/** Names of tables, indexes, constraints and functions that are not fields of the API too. */
const internals = (
  await asOwner`
    SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace`
)
  .map(({ name }) => String(name))
  .filter((name) => name.includes("_"));

const leaks = [
  /^\s+at .+:\d+/m, // a stack
  /\bnode_modules\b|\.[jt]s:\d+/,
  /\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|WHERE|RETURNING|NULL)\b/,
  /\b(syntax error|relation|pg_\w+|SQLSTATE|violates|constraint|postgres(ql)?|drizzle|neon|hono|zod)\b/i,
  new RegExp(`\\b(${internals.join("|")})\\b`),
];

/** Lists the internals of the API that a text reveals. */
export function leaksIn(text: string): string[] {
  const found = leaks.flatMap((leak) => leak.exec(text)?.[0] ?? []);
  return text.includes(JWT_SECRET) ? [...found, "the secret"] : found;
}

/**
 * Expects no internals in the headers and in an error; the names of fields in an error are those that the client
 * sent.
 */
export function expectNoLeak({ status, headers, body }: ApiResponse): void {
  const sent = [...headers].map((pair) => pair.join(": "));
  const { errors = {}, ...problem } = status < 400 ? {} : Object(body);
  const words = [...sent, JSON.stringify(problem), ...Object.values(errors).flat()].join("\n");
  expect(leaksIn(words)).toEqual([]);
  expect(words).not.toContain("evil.example");
}
