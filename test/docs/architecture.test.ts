import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readStatementText } from "../../ops/statement-files.ts";

/** A statement without comments, line breaks and spaces. */
const withoutLayout = (text: string): string => text.replaceAll(/--.*$/gm, "").replaceAll(/\s+/g, "");

test("the statement in docs/architecture.md is the text of patients/delete, apart from its line breaks", () => {
  const text = readFileSync(join(import.meta.dirname, "..", "..", "docs", "architecture.md"), "utf8");
  const [, shown = ""] = /```sql\n([\s\S]*?)```/.exec(text) ?? [];
  expect(withoutLayout(shown)).toBe(withoutLayout(`${readStatementText("patients/delete")};`));
});
