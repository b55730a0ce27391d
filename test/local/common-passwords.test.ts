import { readFileSync } from "node:fs";
import { dictionary } from "@zxcvbn-ts/language-common";
import { expect, test } from "vitest";
import { generateSource, sourceFile } from "../../local/common-passwords.ts";
import { isCommonPassword } from "../../src/auth/passwords.ts";

test("src/auth/common-passwords.ts is up to date, and contains the first 500 of the list but not those after 2000", () => {
  expect(readFileSync(sourceFile, "utf8")).toBe(generateSource());
  const long = dictionary["passwords-common"].filter((password) => /^[a-z0-9]{8,}$/.test(password));
  expect(long.slice(0, 500).filter((password) => !isCommonPassword(password))).toEqual([]);
  expect(long.slice(2000, 2500).filter((password) => isCommonPassword(password.toUpperCase()))).toEqual([]);
});
