import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { rendered } from "../rights/table.ts";
import { documents } from "./rights.ts";

test("SECURITY.md has the table of rights as it is", () => {
  const { is, should } = documents();
  expect(should).toContain(rendered());
  expect(is).toBe(should);
});

test("the tests that SECURITY.md names are there", () => {
  const root = join(import.meta.dirname, "..", "..");
  const named = readFileSync(join(root, "SECURITY.md"), "utf8").match(/`((?:src|test|ops)\/[^`]*)`/g) ?? [];
  const paths = named.map((one) => one.slice(1, -1));
  expect(paths.length).toBeGreaterThan(20);
  expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});
