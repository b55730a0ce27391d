import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { renderPermissionTable } from "../permissions/table.ts";
import { documents } from "./permission-table.ts";

test("SECURITY.md contains the current permissions table", () => {
  const { current, updated } = documents();
  expect(updated).toContain(renderPermissionTable());
  expect(current).toBe(updated);
});

test("the files that SECURITY.md names exist", () => {
  const root = join(import.meta.dirname, "..", "..");
  const quoted = readFileSync(join(root, "SECURITY.md"), "utf8").match(/`((?:src|test|ops)\/[^`]*)`/g) ?? [];
  const paths = quoted.map((one) => one.slice(1, -1));
  expect(paths.length).toBeGreaterThan(20);
  expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});
