import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { createFunctionStatement, functionName, readStatementText } from "../../ops/statement-files.ts";
import { statementFunctions } from "../../src/db/sql/functions.ts";

describe("the name of a statement's function", () => {
  const statement = {
    name: "patients/find-by-id",
    params: { id: "integer" },
    columns: { id: "integer", body: "text" },
    readsInIndexOrder: false,
    text: "SELECT 1",
  };

  test("is the statement's name with a hash", () => {
    expect(functionName(statement)).toMatch(/^patients_find_by_id_[0-9a-f]{8}$/);
    expect(functionName({ ...statement })).toBe(functionName(statement));
  });

  test.each([
    ["text", { text: "SELECT 2" }],
    ["types of the parameters", { params: { id: "bigint" } }],
    ["number of the parameters", { params: { id: "integer", key: "text" } }],
    ["types of the columns", { columns: { id: "integer", body: "json" } }],
    ["names of the columns", { columns: { id: "integer", answer: "text" } }],
    ["number of the columns", { columns: { id: "integer" } }],
    ["order of reading", { readsInIndexOrder: true }],
    ["order of the columns", { columns: { body: "text", id: "integer" } }],
  ])("is another one with another %s", (_, changes) => {
    expect(functionName({ ...statement, ...changes })).not.toBe(functionName(statement));
  });

  test("may not be longer than PostgreSQL's names", () => {
    expect(functionName({ ...statement, name: "a".repeat(54) })).toHaveLength(63);
    expect(() => functionName({ ...statement, name: "a".repeat(55) })).toThrow("more than 54 characters");
  });

  test("is another one with other settings: it hashes the whole definition", () => {
    const definition = createFunctionStatement({ ...statement, function: "" });
    expect(definition).toContain("SET plan_cache_mode = force_generic_plan");
    const hash = createHash("sha256").update(definition).digest("hex").slice(0, 8);
    expect(functionName(statement)).toBe(`patients_find_by_id_${hash}`);
  });

  test.each(Object.entries(statementFunctions))(
    "of %s in functions.ts is that of its file",
    (name, generated) => {
      expect(functionName({ ...generated, name, text: readStatementText(name) })).toBe(generated.function);
    },
  );
});
