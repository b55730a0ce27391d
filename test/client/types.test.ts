import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { typesFile, typesOfContract } from "../../client/generate-types.ts";

test("The client's types are what the API's schemas say now", async () => {
  expect(readFileSync(typesFile, "utf8")).toBe(await typesOfContract());
});
