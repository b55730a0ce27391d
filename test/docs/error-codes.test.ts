import { expect, test } from "vitest";
import { fieldErrorCodes, problemStatuses } from "../../src/http/problem-codes.ts";
import { documents } from "./error-codes.ts";

test("docs/errors.md contains the current tables of codes", () => {
  const { current, updated } = documents();
  for (const code of [...Object.keys(problemStatuses), ...fieldErrorCodes])
    expect(updated).toContain(`\n| \`${code}\` | `);
  expect(current).toBe(updated);
});
