import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "..", "..");
const decisions = readdirSync(join(root, "docs", "decisions")).map((name) => `docs/decisions/${name}`);

/**
 * A path in code style below one of the project's folders, or the command that runs it. One with a placeholder, such as
 * `src/<group>/`, is not checked.
 */
const PATH =
  /`(?:node |bash )?((?:src|test|ops|local|openapi|client|bench|drizzle|docs|\.ci|\.github)\/[\w./-]*)`/g;
/** The target of a link to a file of the project. */
const LINK = /\]\((?!https?:)([^)#]+)[^)]*\)/g;

const all = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, found = ""]) => found);

test.each(["CONTRIBUTING.md", "docs/architecture.md", ...decisions])("%s names files that exist", (file) => {
  const text = readFileSync(join(root, file), "utf8");
  const linked = all(text, LINK).map((target) => join(dirname(file), target));
  const missing = [...all(text, PATH), ...linked].filter((path) => !existsSync(join(root, path)));
  expect(missing).toEqual([]);
});
