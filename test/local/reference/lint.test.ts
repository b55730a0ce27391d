import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { expect, inject, test } from "vitest";

const configuration = join(import.meta.dirname, "../../../reference/redocly.yaml");

const lint = async (document: unknown) =>
  lintFromString({
    source: JSON.stringify(document),
    config: await createConfig(readFileSync(configuration, "utf8")),
  });

test("Redocly finds nothing to say against the document, neither errors nor warnings", async () => {
  const problems = await lint(inject("reference"));
  expect(problems.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer])).toEqual(
    [],
  );
});

test("it would find a path that takes an id and does not say so", async () => {
  const document = structuredClone(inject("reference"));
  delete document.paths["/api/patients/{id}/"]?.["get"]?.parameters;
  const problems = await lint(document);
  expect(problems.map(({ ruleId, severity }) => [ruleId, severity])).toEqual([
    ["path-parameters-defined", "error"],
  ]);
});
