import { expect } from "vitest";
import { type Answer, JWT_SECRET } from "../../support/api.ts";
import { asOwner } from "../../support/owner.ts";

/** Tables, indexes, constraints and functions whose names are no words of a client's. */
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

/** What of the inside a text tells, which a client has not sent itself. */
export function leaksIn(text: string): string[] {
  const told = leaks.flatMap((leak) => leak.exec(text)?.[0] ?? []);
  return text.includes(JWT_SECRET) ? [...told, "the secret"] : told;
}

/** No header tells anything, and no error: the names of fields in it are the client's own words. */
export function expectNoLeak({ status, headers, body }: Answer): void {
  const sent = [...headers].map((pair) => pair.join(": "));
  const { errors = {}, ...problem } = status < 400 ? {} : Object(body);
  const words = [...sent, JSON.stringify(problem), ...Object.values(errors).flat()].join("\n");
  expect(leaksIn(words)).toEqual([]);
  expect(words).not.toContain("evil.example");
}
