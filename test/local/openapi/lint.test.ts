import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { expect, inject, test } from "vitest";

const configuration = join(import.meta.dirname, "../../../openapi/redocly.yaml");

const lint = async (document: unknown) =>
  lintFromString({
    source: JSON.stringify(document),
    config: await createConfig(readFileSync(configuration, "utf8")),
  });

test("Redocly reports no errors and no warnings for the OpenAPI document", async () => {
  const problems = await lint(inject("openApiDocument"));
  expect(problems.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer])).toEqual(
    [],
  );
});

test("Redocly reports a path parameter that is not declared", async () => {
  const document = structuredClone(inject("openApiDocument"));
  delete document.paths["/api/patients/{id}/"]?.["get"]?.parameters;
  const problems = await lint(document);
  expect(problems.map(({ ruleId, severity }) => [ruleId, severity])).toEqual([
    ["path-parameters-defined", "error"],
  ]);
});
