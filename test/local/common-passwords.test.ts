import { readFileSync } from "node:fs";
import { dictionary } from "@zxcvbn-ts/language-common";
import { expect, test } from "vitest";
import { file, written } from "../../local/common-passwords.ts";
import { isCommon } from "../../src/auth/passwords.ts";

test("the common passwords are those of the list, and the file is as it would be written anew", () => {
  const body = (text: string) => text.match(/"A[^"]+"/)?.[0];
  expect(body(readFileSync(file, "utf8"))).toBe(body(written()));
  const long = dictionary["passwords-common"].filter((one) => /^[a-z0-9]{8,}$/.test(one));
  expect(long.slice(0, 500).filter((one) => !isCommon(one))).toEqual([]);
  expect(long.slice(2000, 2500).filter((one) => isCommon(one.toUpperCase()))).toEqual([]);
});
