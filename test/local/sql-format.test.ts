import { expect, test } from "vitest";
import { formatSql } from "../../local/sql-format.ts";

const long = (name: string) => `p.${name.repeat(30)}`;
const [a, b, c] = [long("a"), long("b"), long("c")];

test.each([
  [
    "indents by brackets, and keeps line breaks",
    "WITH a AS (\nSELECT id\nFROM patients\n)\nSELECT id FROM a",
    ["WITH a AS (", "  SELECT id", "  FROM patients", ")", "SELECT id FROM a"],
  ],
  [
    "breaks a long line after commas, and continues it with one more step",
    `SELECT ${a}, ${b}, ${c}, ${a}\nFROM patients p`,
    [`SELECT ${a}, ${b}, ${c},`, `  ${a}`, "FROM patients p"],
  ],
  [
    "breaks a long line before AND",
    `WHERE ${a} = 1 AND ${b} = 2 AND ${c} = 3`,
    [`WHERE ${a} = 1 AND ${b} = 2`, `  AND ${c} = 3`],
  ],
  [
    "breaks a long line before OR, rather than before AND",
    `WHERE ${a} = 1 OR ${b} = 2 AND ${c} = 3`,
    [`WHERE ${a} = 1`, `  OR ${b} = 2 AND ${c} = 3`],
  ],
  [
    "breaks a long line in a bracket only when it has no other place",
    `SELECT concat(${a}, ${b}, ${c}), concat(${a}, 1)`,
    [`SELECT concat(${a}, ${b}, ${c}),`, `  concat(${a}, 1)`],
  ],
  [
    "does not break literals, names in quotes and comments",
    `SELECT '${"a, ".repeat(50)}' AS "${"b AND ".repeat(30)}"\n-- ${"c, ".repeat(50)}`,
    [`SELECT '${"a, ".repeat(50)}' AS "${"b AND ".repeat(30)}"`, `-- ${"c, ".repeat(50).trim()}`],
  ],
])("formatSql %s", (_, text, lines) => {
  expect(formatSql(text).split("\n")).toEqual(lines);
});
